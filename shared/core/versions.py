"""What reads, changes and writes is done again from the reading where somebody else wrote in between."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any

from shared.core.errors import Conflict, StorageBusy


def retry_on_conflict[**P, R](
    what: str, *, attempts: int = 5, pause_s: float = 0.0, otherwise: Callable[[], Exception] | None = None
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Call the function again where it ends in a Conflict, so it must read each time, and do nothing before its
    write that a repeat spoils. Where others wrote `what` first each time, it raises StorageBusy, or `otherwise`.

    With a pause (random, at most so long), instances that met once do not meet again at the next attempt.
    """

    def decorate(attempt: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @wraps(attempt)
        async def attempt_again(*args: P.args, **kwargs: P.kwargs) -> R:
            for _ in range(attempts):
                try:
                    return await attempt(*args, **kwargs)
                except Conflict:
                    if pause_s:
                        await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311 - spreads load, guards nothing
            raise otherwise() if otherwise else StorageBusy(f"others kept changing {what}")

        return attempt_again

    return decorate


@dataclass(frozen=True, slots=True)
class Versioned[T]:
    """A record and the version it was read in; None for one that is not there yet."""

    value: T
    version: str | None
