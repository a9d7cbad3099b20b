"""What has not come to its end."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol


class OpenWork[Id](Protocol):
    """Something of a kind, and when to look whether it stands still. All methods raise StorageBusy where storage does
    not take the operation."""

    async def open(self, id_: Id, look_at: datetime) -> None:
        """Remember it, before anything of it is written; again: look at it at another time. Safe to repeat."""
        ...

    async def close(self, id_: Id) -> None:
        """Forget it. Safe to repeat."""
        ...

    def list_open(self, *, due_before: datetime) -> AsyncIterator[Id]:
        """What to look at by then, in no order."""
        ...
