"""Records of a CSV file to rows: one guest each, or what is wrong with it; and a row without its guest.

A reader stops and goes on at any row, in another process too: all it needs is the dialect, the cursor behind the
last row, and the bytes of the file from there on. What is fed may be cut anywhere.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from io import StringIO
from typing import NamedTuple

from shared.core.csv.dialect import Dialect, Field, Note, NoteKind, looks_like_address
from shared.core.csv.encoding import damage
from shared.core.csv.records import Cursor, Record, RecordReader

_JOINED = Note(
    NoteKind.MESSAGE_JOINED,
    "The message has delimiters and no quotes around it: the cells it was cut into were put together again.",
)
_MAIL_NOT_SUPPRESSED = Note(
    NoteKind.MAIL_NOT_SUPPRESSED, "sendEmail is false in the file, which is not supported: the guest gets a mail."
)
_NO = frozenset({"false", "no", "n", "0", "falsch", "nein"})  # a German Excel saves FALSE as FALSCH

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?)?")
_GERMAN = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?: 0?0:00(?::00)?)?")
_SHOWN_ADDRESS = 320
_SLASHED = re.compile(r"[0-9]{1,4}/[0-9]{1,2}/[0-9]{1,4}")


class Row(NamedTuple):
    """One guest of the file, as written: nothing is checked but what only this file can tell.

    `number` counts the rows of the file from 1, `line` is the physical line the row begins at, as an editor shows
    it. Cells have no spaces around them; empty ones are None. `expires` is the last day, as written.
    """

    number: int
    line: int
    address: str
    display_name: str | None
    message: str | None
    language: str | None
    expires: date | None
    group: str | None
    notes: tuple[Note, ...]
    next_cursor: Cursor


class Invalid(NamedTuple):
    """A row that cannot be used: where and what. `column` is the heading in the file, None for the row as a whole.

    `address` is as far as it can be told, for people to find the row by.
    """

    number: int
    line: int
    column: str | None
    what: str
    address: str
    next_cursor: Cursor


class RowReader:
    """Rows from `cursor` on, which is the dialect's `start` or the `next_cursor` of any row."""

    def __init__(self, dialect: Dialect, cursor: Cursor) -> None:
        self._records = RecordReader(dialect.encoding, dialect.delimiter, cursor)
        self._number = cursor.number
        self._dialect = dialect
        self._width = len(dialect.fields)
        places = {field: place for place, field in enumerate(dialect.fields) if field is not Field.UNKNOWN}
        self._address = places[Field.ADDRESS]
        # A column that the file has not is read from one past its last, where every row gets an empty cell.
        self._name, self._message, self._language, self._expires, self._group, self._send = (
            places.get(field, self._width)
            for field in (
                Field.DISPLAY_NAME,
                Field.MESSAGE,
                Field.LANGUAGE,
                Field.EXPIRES,
                Field.GROUP,
                Field.SEND_MAIL,
            )
        )
        self._joins = dialect.is_template and self._message == self._width - 1

    @property
    def cursor(self) -> Cursor:
        """Where to go on behind all that was read so far, empty rows included."""
        records = self._records
        return Cursor(records.offset, self._number, records.line, records.is_within_line)

    def feed(self, chunk: bytes, *, last: bool) -> Iterator[Row | Invalid]:
        """The rows that `chunk` completes; `last` says that the file ends with it (`chunk` may be empty then).

        The first chunk begins at the cursor's offset, each other one where the one before ended. It is taken even
        if nobody iterates; rows left over come with the next call.
        """
        return self._rows(self._records.feed(chunk, last=last))

    def _rows(self, records: Iterator[Record]) -> Iterator[Row | Invalid]:
        width, address_at = self._width, self._address
        name_at, message_at, language_at = self._name, self._message, self._language
        expires_at, group_at, send_at = self._expires, self._group, self._send
        place = self._records
        for record in records:
            raw, line, _, fault, is_damaged = record
            if fault is not None:
                yield self._invalid(record, [], None, fault)
                continue
            cells = [cell.strip() for cell in raw]
            if not any(cells):
                continue
            if place.line - line > 1 and (swallowed := self._row_within(record)) is not None:
                yield self._invalid(record, cells, None, swallowed)
                continue
            if is_damaged:
                yield self._damaged(record, cells)
                continue
            notes: tuple[Note, ...] = ()
            missing = width + 1 - len(cells)
            if missing > 0:
                cells += [""] * missing
            elif any(cells[width:]):
                if not self._joins:
                    yield self._invalid(record, cells, None, f"more cells than columns: {len(cells)}, not {width}")
                    continue
                cells[message_at:] = [self._message_of(record), ""]
                notes = (_JOINED,)
            else:
                cells[width] = ""
            if not cells[address_at]:
                yield self._invalid(record, cells, address_at, "the address is missing")
                continue
            expires = None
            if is_erased(cells[address_at]):
                # What stands in its other cells says nothing, and must not make it a row that cannot be used.
                for at in (name_at, message_at, language_at, expires_at, send_at):
                    cells[at] = ""
            if written := cells[expires_at]:
                found = parse_date(written)
                if isinstance(found, str):
                    yield self._invalid(record, cells, expires_at, found)
                    continue
                expires = found
            if cells[send_at].lower() in _NO:
                notes += (_MAIL_NOT_SUPPRESSED,)
            self._number += 1
            yield Row(
                self._number,
                line,
                cells[address_at],
                cells[name_at] or None,
                cells[message_at] or None,
                cells[language_at] or None,
                expires,
                cells[group_at] or None,
                notes,
                Cursor(place.offset, self._number, place.line),
            )

    def _row_within(self, record: Record) -> str | None:
        """What to say where a quoted cell seems to hold further rows: its quote was closed by one of theirs.

        Otherwise the guests of those rows would be lost without a word, and their addresses sent to another one.
        """
        delimiter, width, address_at = self._dialect.delimiter, self._width, self._address
        for line, text in enumerate(StringIO(record.text, newline=""), record.line):
            cells = text.split(delimiter)
            if line > record.line and len(cells) >= width and looks_like_address(cells[address_at].strip(' "\r\n')):
                to = self._records.line - 1
                return f"lines {record.line} to {to} are one row by their quotes, but line {line} looks like another"
        return None

    def _message_of(self, record: Record) -> str:
        """The message that delimiters without quotes have cut into several cells, with the spaces behind them."""
        delimiter = self._dialect.delimiter
        cells = next(csv.reader(StringIO(record.text, newline=""), delimiter=delimiter))
        return delimiter.join(cells[self._message :]).strip()

    def _invalid(self, record: Record, cells: list[str], place: int | None, what: str) -> Invalid:
        self._number += 1
        address = cells[self._address] if self._address < len(cells) else ""
        column = None if place is None else self._dialect.headings[place] or self._dialect.fields[place].value
        return Invalid(self._number, record.line, column, what, address[:_SHOWN_ADDRESS], self.cursor)

    def _damaged(self, record: Record, cells: list[str]) -> Invalid:
        place, what = next((place, found) for place, cell in enumerate(cells) if (found := damage(cell)))
        if what is not None and (address := self._address) < len(cells) and damage(cells[address]):
            cells[address] = ""
        known = place < self._width and self._dialect.fields[place] is not Field.UNKNOWN
        return self._invalid(record, cells, place if known else None, f"the row has {what}")


@lru_cache(maxsize=1024)  # a file has few days and many rows
def parse_date(written: str) -> date | str:
    """The day that a cell names, or what is wrong with it.

    2026-12-31, with a time or without (the day counts as it is written, whatever its offset), and 31.12.2026.
    Dates with slashes are refused: 01/02/2026 is January to some and February to others.
    """
    if _SLASHED.match(written):
        return f"'{written[:40]}' can be read in two ways: write the date as 2026-12-31"
    try:
        if _ISO.fullmatch(written):
            return datetime.fromisoformat(written).date()
        if found := _GERMAN.fullmatch(written):
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return f"there is no such date: '{written[:40]}'"
    return f"not a date: '{written[:40]}'; write it as 2026-12-31"


_GOOD, _BAD = "~", "-"
"""What characters are replaced by: a row that could be used stays one, and one that could not does, too. Neither
character alone makes an address."""
_SHORTEST = 6


def is_erased(cell: str) -> bool:
    """Whether a cell's address was erased."""
    return len(cell) >= _SHORTEST and set(cell) == {_GOOD}


def blanked(record: bytes, encoding: str, delimiter: str, *, usable: bool, keep: str | None) -> bytes:
    """The bytes of a record without what it says but for the text `keep` (the group that it names): as many, with its
    delimiters, quotes and line ends, so that no other row moves, and of the same use to whoever counts rows (see
    `shared.imports.read_rows`)."""
    filler = (_GOOD if usable else _BAD).encode(encoding)
    width = len(filler)
    structure = {char.encode(encoding) for char in ('"', delimiter, "\r", "\n", " ")}
    kept = range(0)
    if keep and (at := record.find(keep.encode(encoding))) >= 0:
        kept = range(at, at + len(keep.encode(encoding)))
    found = bytearray(record)
    for at in range(0, len(record) - width + 1, width):
        if at not in kept and bytes(found[at : at + width]) not in structure:
            found[at : at + width] = filler
    return bytes(found)


def text_of(record: bytes, encoding: str) -> str:
    """As far as it is text."""
    return record.decode(encoding, "replace")
