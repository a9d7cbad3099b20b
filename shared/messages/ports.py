"""Where commands go to be done."""

from datetime import datetime
from typing import Protocol

from shared.messages.commands import Command


class Outbox(Protocol):
    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        """Put a command on its queue, invisible until `not_before`. Messages never expire.

        A repeat makes a second message: steps are safe to run twice. Raises StorageBusy: the command may not have
        been taken."""


class Parking(Protocol):
    """Where commands wait while everything is stopped."""

    async def park(self, command: Command) -> None:
        """Keep a command until `send_parked`, however long that is. The same command is kept once. Raises
        StorageBusy: the command may not have been taken."""

    async def send_parked(self) -> int:
        """Put all that is parked on its queues; gives how many. Safe to repeat and to run twice at once. Raises
        StorageBusy: what is left is sent the next time."""
