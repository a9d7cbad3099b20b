"""What every handler has around it: how long it may take; and, of queues and timers, its trace."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import azure.functions as func

from shared import wiring
from shared.core.errors import TimedOut

log = logging.getLogger("guestlist")

WORK_S = 240.0
"""How long the handler of a queue or timer may take, in seconds.

The host ends a worker process whose function outlives `functionTimeout` of ``host.json``, and what others do in it
hangs until their own timeout. So a handler ends itself before: wherever it awaits. What computes without awaiting (a
piece of a file, the charts of a report: seconds) is not interrupted; the distance to `functionTimeout` is for that.
"""


@asynccontextmanager
async def within(bound_s: float, name: str) -> AsyncIterator[None]:
    """Raises TimedOut where the work takes longer. It may have done some of what it was to do."""
    try:
        async with asyncio.timeout(bound_s) as bound:
            yield
    except TimeoutError as e:
        if not bound.expired():
            raise
        log.error("%s was stopped after %g s", name, bound_s)
        raise TimedOut(f"stopped after {bound_s:g} seconds") from e


def background(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The handler of a queue works within the trace that its message carries, that of a timer in one of its own. A
    message whose handler takes too long is delivered again: steps are safe to run twice.

    It keeps its name and parameter, which the worker binds by.
    """

    @functools.wraps(handler)
    async def run(*args: Any, **kwargs: Any) -> None:
        [given] = (*args, *kwargs.values())
        name = handler.__name__
        is_message = isinstance(given, func.QueueMessage)
        try:
            with wiring.delivery(name, given.get_body()) if is_message else wiring.on_time(name):
                async with within(WORK_S, name):
                    await handler(given)
        finally:
            await wiring.send_telemetry()

    run.bound_s = WORK_S  # type: ignore[attr-defined]
    return run
