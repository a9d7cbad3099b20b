"""A CSV file in pieces to records of cells: what a record is and where in the file the next one begins.

Python's `csv` reader does the parsing, one physical line at a time, and asks for the next line only within a
quoted cell: so the bytes of the lines it took are the bytes of the record, in any encoding.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Self

from shared.core.csv.encoding import CP1252, UTF_8, Line, damage, split

MAX_RECORD_BYTES = 64 * 1024
"""A record longer than this is a fault: a quote that never closes must not swallow the file."""

MAX_RECORD_LINES = 100
"""As `MAX_RECORD_BYTES`, in physical lines."""

_PIECE = 64 * 1024
"""Bytes split into lines at a time, so that memory does not follow the size of what is fed."""

_LINE_ENDS = ("\n", "\r")

UNCLOSED = f"a quote is opened and not closed within {MAX_RECORD_LINES} lines and {MAX_RECORD_BYTES // 1024} KiB"
MISPLACED = "text follows a closing quote: a quote within a cell is written twice, and every quote is closed"
TOO_LONG = f"the line is longer than {MAX_RECORD_BYTES // 1024} KiB"


class Cursor(NamedTuple):
    """Where to go on: all that a later reader needs besides the dialect and the bytes from `offset` on.

    `offset` is in bytes of the file, `number` counts the rows before it, `line` is the physical line that
    begins there (1-based), `is_within_line` that it lies within a line too long to be read, whose rest is
    to be stepped over.
    """

    offset: int
    number: int
    line: int
    is_within_line: bool = False

    def to_list(self) -> list[int]:
        """As plain JSON types."""
        return [self.offset, self.number, self.line, int(self.is_within_line)]

    @classmethod
    def from_list(cls, stored: list[int]) -> Self:
        offset, number, line, within = stored
        return cls(offset, number, line, bool(within))


class Record(NamedTuple):
    """One record: `cells` as they stand, or `fault` where they cannot be told apart.

    `line` is the physical line it begins at, `text` its lines as they are. `is_damaged`: some cell has wrong bytes
    or NULs.
    """

    cells: list[str]
    line: int
    text: str = ""
    fault: str | None = None
    is_damaged: bool = False


class _Starved(Exception):
    """The record goes on beyond what was fed."""


class _Unclosed(Exception):
    """The record is too long, or the file ends within it."""


class _TooLong(Exception):
    """The next line alone is too long."""


class RecordReader:
    """Records from any byte on. `offset`, `line` and `is_within_line` stand behind the last record given."""

    def __init__(self, encoding: str, delimiter: str, cursor: Cursor) -> None:
        self.offset, self.line, self.is_within_line = cursor.offset, cursor.line, cursor.is_within_line
        self._encoding, self._delimiter = encoding, delimiter
        self._unit = 1 if encoding in (UTF_8, CP1252) else 2
        self._pieces: deque[bytes] = deque()
        self._tail = bytearray()  # the beginning of a line whose end was not fed yet
        self._lines: deque[Line] = deque()
        self._open: list[Line] = []  # lines of the record that is being read
        self._is_after_cr = False  # whether `_tail` ends with a CR, which an LF may follow
        self._is_starved = False
        self._last = False

    def feed(self, chunk: bytes, *, last: bool) -> Iterator[Record]:
        """The records that `chunk` completes; `last` says that the file ends with it.

        `chunk` begins where the one before ended, and may have any size. It is taken even if nobody iterates;
        records left over come with the next call.
        """
        self._pieces.extend(chunk[at : at + _PIECE] for at in range(0, len(chunk), _PIECE))
        self._last = last
        return self._records()

    def _records(self) -> Iterator[Record]:
        if self._is_starved and not self._refill() and not self._last:
            return
        self._is_starved = False
        taken = self._open
        while True:
            if self.is_within_line and not self._step_to_line_end():
                return
            try:
                for cells in csv.reader(
                    self._physical_lines(), delimiter=self._delimiter, skipinitialspace=True, strict=True
                ):
                    line = self.line
                    if len(taken) == 1:
                        text, size = taken[0]
                    else:
                        text, size = "".join(each for each, _ in taken), sum(each for _, each in taken)
                    self.offset += size
                    self.line = line + len(taken)
                    taken.clear()
                    is_damaged = ("\0" in text or not text.isascii()) and damage(text) is not None
                    yield Record(cells, line, text, None, is_damaged)
                return
            except _Starved:
                self._is_starved = True
                self._put_back()
                return
            except _TooLong:
                yield self._beginning_of_long_line()
            except _Unclosed:
                yield self._first_line_alone(UNCLOSED)
            except csv.Error:
                yield self._first_line_alone(MISPLACED)

    def _physical_lines(self) -> Iterator[str]:
        """What `csv` reads from; it asks for a further line only where the record goes on."""
        lines, taken = self._lines, self._open
        room = 0
        while lines or self._refill():
            size = lines[0][1]
            if not taken:
                if size > MAX_RECORD_BYTES:
                    raise _TooLong
                room = MAX_RECORD_BYTES - size
            else:
                room -= size
                if room < 0 or len(taken) >= MAX_RECORD_LINES:
                    raise _Unclosed
            line = lines.popleft()
            taken.append(line)
            yield line[0]
        if taken:
            raise _Unclosed if self._last else _Starved

    def _put_back(self) -> None:
        self._lines.extendleft(reversed(self._open))
        self._open.clear()

    def _first_line_alone(self, fault: str) -> Record:
        """A fault for the record's first line; reading goes on with the second as if it began a record."""
        self._put_back()
        self.offset += self._lines.popleft()[1]
        self.line += 1
        return Record([], self.line - 1, fault=fault)

    def _beginning_of_long_line(self) -> Record:
        """A fault for the line, told after `MAX_RECORD_BYTES` of it, however much of it is at hand."""
        text, size = self._lines.popleft()
        self._lines.appendleft((text[-1:], size - MAX_RECORD_BYTES))
        self.offset += MAX_RECORD_BYTES
        self.is_within_line = True
        return Record([], self.line, fault=TOO_LONG)

    def _step_to_line_end(self) -> bool:
        """Step over the rest of a line that is too long; False where its end was not fed yet."""
        while self._lines or self._refill():
            text, size = self._lines.popleft()
            self.offset += size
            if text.endswith(_LINE_ENDS):
                self.line += 1
                self.is_within_line = False
                return True
        return False

    def _refill(self) -> bool:
        """Split what was fed into lines; False where no further line is complete.

        The last line waits for its end, and for what follows a CR, unless the file ends here. A line too long
        does not wait: its beginning counts as a line, without an end.
        """
        while self._pieces or (self._last and self._tail):
            piece = self._pieces.popleft() if self._pieces else b""
            is_final = self._last and not self._pieces
            self._tail += piece
            may_wait = len(self._tail) <= MAX_RECORD_BYTES and not self.is_within_line and not self._is_after_cr
            if may_wait and not is_final and b"\n" not in piece and b"\r" not in piece:
                continue
            data = bytes(self._tail if is_final else self._tail[: len(self._tail) // self._unit * self._unit])
            lines = split(data, self._encoding)
            kept = 0
            self._is_after_cr = False
            if lines and not is_final:
                text, size = lines[-1]
                self._is_after_cr = text.endswith("\r")
                is_stepped_over = self.is_within_line and len(lines) == 1
                is_begun = not text.endswith(_LINE_ENDS) and size <= MAX_RECORD_BYTES and not is_stepped_over
                if self._is_after_cr or is_begun:
                    kept = lines.pop()[1]
            del self._tail[: len(data) - kept]
            if lines:
                self._lines.extend(lines)
                return True
        return False
