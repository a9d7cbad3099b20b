"""Where the change log and the files of imports are kept, and what has not come to its end."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.core.ids import ImportId
from shared.core.records import ChangeLogEntry


class ChangeLog(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def add(self, entries: Sequence[ChangeLogEntry]) -> None:
        """Safe to repeat: what is there already stays as it is."""

    async def read(self, continuation: str | None, limit: int) -> tuple[list[ChangeLogEntry], str | None]:
        """The newest first, and where to go on. Raises Refused `parameter-invalid` for a continuation that was never
        given out."""


class Files(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def write(self, import_id: ImportId, content: bytes) -> None:
        """Keep a file, whole. A repeat with the same content is harmless."""

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        """That part of a file; less at its end, nothing behind it. Raises Refused `file-gone`."""

    async def delete(self, import_id: ImportId) -> None:
        """Safe to repeat."""


class OpenWork[Id](Protocol):
    """Something of a kind, and when to look whether it has stalled. All methods raise StorageBusy where storage does
    not take the operation."""

    async def open(self, id_: Id, look_at: datetime) -> None:
        """Remember it, before anything of it is written; again: look at it at another time. Safe to repeat."""

    async def close(self, id_: Id) -> None:
        """Forget it. Safe to repeat."""

    def list_open(self, *, due_before: datetime) -> AsyncIterator[Id]:
        """What to look at by then, in no order."""
