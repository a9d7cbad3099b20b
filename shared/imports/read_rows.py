"""A piece of a file: windows of guests, and the rows that cannot be used. Whoever reads from the same cursor gets the
same windows, whatever the size of the pieces."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from shared.core.csv.records import Cursor
from shared.core.csv.rows import RowReader
from shared.core.ids import KINDS, ChunkId, GroupId, ImportId, chunk_id
from shared.core.reasons import Reason
from shared.imports.model.imports import GuestRow, Import, Rules, by_group, read_row
from shared.messages.commands import CHUNK_SIZE

PIECE_BYTES = 256 * 1024
"""Of the file, read at a time: memory is flat, whatever the size of the file."""
PIECE_ROWS = 20_000
"""Rows of a piece, at most: a file may have nothing but bad ones."""


class Content(Protocol):
    """Where the bytes come from."""

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    line: int
    address: str
    reason: Reason
    detail: str


@dataclass(slots=True)
class Piece:
    """What was read: `rows` in all, and where to go on. `ended` says that the file ended with it."""

    cursor: Cursor
    windows: list[list[GuestRow]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    rows: int = 0
    ended: bool = False

    def chunks(self, import_id: ImportId, windows: int) -> list[tuple[ChunkId, GroupId, list[GuestRow]]]:
        """Its guests as they are written down, each window group by group; so many `windows` came before it."""
        return [
            (chunk_id(import_id, windows + n, kind), group, rows)
            for n, window in enumerate(self.windows)
            for kind, (group, rows) in enumerate(by_group(window))
        ]

    def take(self, read: "Piece") -> None:
        """What was read since the last whole window is this piece's when the window that it lies in or before is."""
        self.bad += read.bad
        self.rows += read.rows
        self.cursor = read.cursor
        read.bad, read.rows = [], 0


async def read_piece(content: Content, record: Import, cursor: Cursor, windows: int, rules: Rules) -> Piece:
    """Up to so many windows from `cursor` on, with the bad rows between and behind them. Raises StorageBusy."""
    piece, waiting = Piece(cursor), Piece(cursor)
    window: list[GuestRow] = []
    reader = RowReader(record.dialect, cursor)
    async for part, last in parts(content, record, cursor.offset):
        for row in reader.feed(part, last=last):
            found = read_row(row, record, rules)
            if isinstance(found, tuple):
                waiting.bad.append(BadRow(row.line, row.address, *found))
            else:
                if len(window) == CHUNK_SIZE or _kinds(window, found) > KINDS:
                    piece.windows.append(window)
                    piece.take(waiting)
                    window = []
                    if len(piece.windows) == windows:
                        return piece
                window.append(found)
            waiting.rows += 1
            waiting.cursor = row.next_cursor
            if not window and waiting.rows >= PIECE_ROWS:
                piece.take(waiting)
                return piece
    if window:
        piece.windows.append(window)
    piece.take(waiting)
    piece.cursor, piece.ended = reader.cursor, True
    return piece


async def parts(content: Content, record: Import, offset: int) -> AsyncIterator[tuple[bytes, bool]]:
    """The bytes from an offset on, part by part, each with whether it is the last."""
    while True:
        part = await content.read(record.id, offset, PIECE_BYTES)
        offset += len(part)
        last = offset >= record.size or not part
        yield part, last
        if last:
            return


def _kinds(window: list[GuestRow], row: GuestRow) -> int:
    return len({r.group for r in window} | {row.group})
