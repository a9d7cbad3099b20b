"""Where the trail is kept."""

from collections.abc import Sequence
from typing import Protocol

from shared.core.records import ChangeLogEntry


class ChangeLog(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def add(self, entries: Sequence[ChangeLogEntry]) -> None:
        """Safe to repeat: what is there already stays as it is."""
        ...

    async def read(self, continuation: str | None, limit: int) -> tuple[list[ChangeLogEntry], str | None]:
        """The newest first, and where to go on. Raises Refused `parameter-invalid` for a continuation that was never
        given out."""
        ...
