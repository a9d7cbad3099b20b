"""Messages that failed too often: each goes the way that the registry of messages names."""

import logging
from collections.abc import Collection

from shared import wiring
from shared.messages.registry import MESSAGES
from shared.messages.route import Messages

log = logging.getLogger("guestlist")

_NAME = "drain_poison"
"""Of the span that a message is worked on in."""


async def drain(app: wiring.App, filled: Collection[str]) -> None:
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
    with wiring.delivery(_NAME, body):
        command = messages.decode(body)
        await messages.route_of(command).on_poison(await wiring.app())(command)
