"""Where the files of imports are kept while they are needed."""

from typing import Protocol

from shared.core.ids import ImportId


class Files(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def write(self, import_id: ImportId, content: bytes) -> None:
        """Keep a file, whole. A repeat with the same content is harmless."""
        ...

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        """That part of a file; less at its end, nothing behind it. Raises Refused `file-gone`."""
        ...

    async def delete(self, import_id: ImportId) -> None:
        """Safe to repeat."""
        ...
