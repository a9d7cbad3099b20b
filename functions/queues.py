"""The queues: a function for each, which does what the registry of messages says; and the messages that failed too
often, each of which goes the way that the registry names."""

import logging
from collections.abc import Collection, Iterable
from contextlib import nullcontext
from typing import Any

import azure.functions as func

from functions.handlers import background
from shared import wiring
from shared.messages.registry import MESSAGES, Messages, Route, UnreadableMessage

log = logging.getLogger("guestlist")

_POISON = "drain_poison"
"""Of the span that a message is worked on in which failed too often."""


def blueprint(routes: Iterable[Route[Any]], messages: Messages = MESSAGES) -> func.Blueprint:
    bp = func.Blueprint()
    for route in routes:
        for queue, name in route.queues.items():
            trigger = bp.queue_trigger(arg_name="message", queue_name=queue, connection="GuestlistStorage")
            bp.function_name(name)(trigger(_handler(route, name, messages)))
    return bp


def _handler(route: Route[Any], name: str, messages: Messages) -> Any:
    async def handle(message: func.QueueMessage) -> None:
        await work(route, name, message.get_body(), messages)

    handle.__name__ = name
    return background(handle)


async def work(route: Route[Any], function: str, body: bytes, messages: Messages = MESSAGES) -> None:
    """One delivery: what comes next is enqueued before the message is let go. While an operator has stopped
    everything, the command is parked as it is."""
    command = messages.decode(body)
    if messages.route_of(command) is not route:
        raise UnreadableMessage(f"a {type(command).__name__} where a {route.command.__name__} belongs")
    app = await wiring.app()
    if not route.while_stopped and await app.stop.parks(command):
        log.info("everything is stopped: a %s waits for the start", type(command).__name__)
        return
    async with app.in_hand(function, body.decode()) if route.is_held else nullcontext():
        outcome = await route.run(app)(command)
        # Unlike the note of a join request, nobody chose this text.
        if (ended := outcome.note) is not None:
            log.info("ended: %s", ended)
        for following in outcome.then:
            await app.outbox.send(following)
        if (later := outcome.later) is not None:
            log.info("later: %s (%s)", later.why, later.not_before.isoformat())
            await app.outbox.send(later.command, not_before=later.not_before)


async def drain_poison(app: wiring.App, filled: Collection[str]) -> None:
    """The sweeper's part: `filled` names the queues that hold something, others among them."""
    drained = await app.poison_queues.drain(give_up, filled)
    if drained.done or drained.unreadable or drained.failed:
        log.info(
            "poison queues: %d messages done, %d unreadable, %d failed",
            drained.done,
            drained.unreadable,
            drained.failed,
        )


async def give_up(body: bytes, messages: Messages = MESSAGES) -> None:
    """One message, within the trace that it carries."""
    with wiring.delivery(_POISON, body):
        command = messages.decode(body)
        await messages.route_of(command).on_poison(await wiring.app())(command)
