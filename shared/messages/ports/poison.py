"""Messages that failed in every delivery."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did, in messages."""

    done: int = 0
    unreadable: int = 0
    """No command: moved to where an operator finds them."""
    failed: int = 0
    """Left where they are, for a later drain."""


class PoisonQueues(Protocol):
    async def drain(self, work: Callable[[bytes], Awaitable[None]], among: Collection[str] | None = None) -> Drained:
        """Hand the body of each message to `work`, and delete a message once that has returned. Of the poison queues
        those are asked that `among` names; without it all.

        What stops half-way is done again by a later drain; two at once may do the same message twice.
        """
        ...
