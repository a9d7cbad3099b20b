"""Where commands go to be done."""

from datetime import datetime
from typing import Protocol

from shared.domain.commands import Command


class Outbox(Protocol):
    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        """Put a command on its queue, invisible until `not_before`. Messages never expire.

        A repeat makes a second message: steps are safe to run twice.

        Raises:
            StorageBusy: the command may not have been taken.
        """
        ...
