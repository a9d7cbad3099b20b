"""What the first bytes of a CSV file say of all of it: encoding, delimiter, what each column means by the headings
that people and Microsoft's template write, and where the rows begin."""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shared.core.csv.encoding import Encoding, encoding_of, split
from shared.core.csv.records import Cursor, Record, RecordReader
from shared.core.errors import Refused
from shared.core.reasons import Reason

HEAD_BYTES = 64 * 1024
"""Bytes that `detect` wants to see, or the whole file where it is smaller."""
MAX_COLUMNS = 256
"""More columns than this are no list of guests; and the dialect is kept in a record of limited size."""


class Field(StrEnum):
    ADDRESS = "address"
    DISPLAY_NAME = "displayName"
    MESSAGE = "message"
    LANGUAGE = "language"
    EXPIRES = "expires"
    GROUP = "group"
    REDIRECT_ADDRESS = "inviteRedirectUrl"  # Microsoft's template only: the app's own link is used instead
    SEND_MAIL = "sendEmail"  # Microsoft's template only
    UNKNOWN = "unknown"


class NoteKind(StrEnum):
    """What a note is about; callers may count and branch on it."""

    ENCODING_GUESSED = "encoding-guessed"
    COLUMN_UNKNOWN = "column-unknown"
    COLUMN_REPEATED = "column-repeated"
    REDIRECT_IGNORED = "redirect-ignored"
    MAIL_NOT_SUPPRESSED = "mail-not-suppressed"
    MESSAGE_JOINED = "message-joined"


class Note(NamedTuple):
    """What a person should know of the file or of one row, though nothing is wrong with it."""

    kind: NoteKind
    text: str


class Columns(NamedTuple):
    """The columns of a file in its order; `headings` are short, for naming a column to a person."""

    fields: tuple[Field, ...]
    headings: tuple[str, ...]
    notes: tuple[Note, ...]


# Microsoft's bulk-invite template names its columns in brackets, whatever the language of the words around them.
# Source: Entra admin center, Users > Bulk operations > Bulk invite, and "Bulk invite guest users" in
# Microsoft's documentation of Entra External ID.
_TEMPLATE = {
    "inviteeemail": Field.ADDRESS,
    "inviteredirecturl": Field.REDIRECT_ADDRESS,
    "sendemail": Field.SEND_MAIL,
    "customizedmessagebody": Field.MESSAGE,
}

_WORDS = {
    Field.ADDRESS: (
        "address, mail, email, mail address, email address, guest, guest address, "
        "adresse, mailadresse, email adresse, gast, gastadresse"
    ),
    Field.DISPLAY_NAME: "display name, name, full name, guest name, anzeigename, vollständiger name, gastname",
    Field.MESSAGE: (
        "message, welcome message, welcome text, nachricht, begrüßung, begrüßungsnachricht, begrüßungstext, "
        "willkommensnachricht, willkommenstext"
    ),
    Field.LANGUAGE: "language, preferred language, message language, lang, locale, sprache, bevorzugte sprache",
    Field.EXPIRES: (
        "expires, expires on, expires at, expiry, expiry date, expiration, expiration date, valid until, "
        "ablauf, ablaufdatum, läuft ab, läuft ab am, gültig bis"
    ),
    Field.GROUP: "group, group id, group object id, gruppe, gruppen id, objekt id der gruppe",
}


def _plain(heading: str) -> str:
    """Letters and digits only: no case, no spaces, no hyphens; ä as ae, as those write who have no such key."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        folded = folded.replace(letter, letters)
    return "".join(char for char in folded if char.isalnum())


_FIELDS = {_plain(word): field for field, words in _WORDS.items() for word in words.split(",")} | _TEMPLATE

_BRACKETED = re.compile(r"\[(\w+)\]")
_ADDRESS = re.compile(r"[^@\s<>;,\"]+@[^@\s<>;,\"]+")
_SHOWN_NAMES, _SHOWN_LETTERS = 10, 60


def field_of(heading: str) -> Field:
    """What a column headed so means."""
    for name in _BRACKETED.findall(heading):
        if (found := _TEMPLATE.get(name.casefold())) is not None:
            return found
    return _FIELDS.get(_plain(heading), Field.UNKNOWN)


def is_template(headings: list[str]) -> bool:
    """Whether these are the headings of Microsoft's template."""
    names = {name.casefold() for heading in headings for name in _BRACKETED.findall(heading)}
    return "inviteeemail" in names


def columns_of(headings: list[str]) -> Columns:
    """What each column means. A field named twice is read from the first of its columns."""
    headings = [heading.strip() for heading in headings]
    while headings and not headings[-1]:
        headings.pop()
    fields: list[Field] = []
    unknown: list[str] = []
    repeated: list[str] = []
    for heading in headings:
        field = field_of(heading)
        if field is Field.UNKNOWN:
            unknown.append(heading or "(no heading)")
        elif field in fields:
            repeated.append(heading)
            field = Field.UNKNOWN
        fields.append(field)
    unused = "The redirection URLs of the file are not used: each guest is led to the app of the group."
    notes = (
        (unknown, NoteKind.COLUMN_UNKNOWN, f"Not read, as the heading is not known: {_names(unknown)}."),
        (repeated, NoteKind.COLUMN_REPEATED, f"Not read, as an earlier column means the same: {_names(repeated)}."),
        (Field.REDIRECT_ADDRESS in fields, NoteKind.REDIRECT_IGNORED, unused),
    )
    shown = tuple(
        "" if field is Field.UNKNOWN else _short(heading) for field, heading in zip(fields, headings, strict=True)
    )
    return Columns(tuple(fields), shown, tuple(Note(kind, text) for applies, kind, text in notes if applies))


def looks_like_address(cell: str) -> bool:
    """Whether a cell can only be meant as a mail address; whether it is a good one is not asked here."""
    return _ADDRESS.fullmatch(cell.strip()) is not None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"


def _names(names: list[str]) -> str:
    shown = ", ".join(f"'{_short(name)}'" for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


_DELIMITERS = (",", ";", "\t")
_EXCEL_DELIMITER = re.compile(r'"?sep=([^\r\n" ])"?[\r\n]*', re.IGNORECASE)
_EXCEL_LINE_BYTES = 64
_VERSION = re.compile(r"version:\s*v?[0-9]", re.IGNORECASE)

_GUESSED = Note(
    NoteKind.ENCODING_GUESSED,
    "The file is not UTF-8 and was read as Windows-1252, as Excel in Western Europe saves 'CSV'. If letters look "
    "wrong, save it as 'CSV UTF-8'.",
)


class Dialect(msgspec.Struct, frozen=True, rename="camel"):
    """How to read a file, found once; it travels with the import.

    `fields` and `headings` are by column; without a row of headings there is one column, of addresses, and
    its heading is empty. `start` is where the first row is looked for. `is_template`: Microsoft's.
    """

    encoding: str
    delimiter: str
    fields: tuple[Field, ...]
    headings: tuple[str, ...]
    is_template: bool
    start: Cursor
    notes: tuple[Note, ...] = ()


def detect(head: bytes) -> Dialect:
    """How to read the file that begins with `head`: its first `HEAD_BYTES`, or all of it where it is smaller. Raises
    Refused `file-empty` where there is nothing, or nothing below the headings; `file-unreadable` where it is no CSV;
    `file-no-address-column` where no column is headed as one of addresses and the file is no bare list of addresses
    either. `field` is ``file``."""
    encoding = encoding_of(head)
    is_whole = len(head) < HEAD_BYTES
    delimiter, rest = _excel_delimiter(head, encoding)
    headed = [_headed(head, encoding, rest, each, is_whole) for each in ([delimiter] if delimiter else _DELIMITERS)]
    # The delimiter that makes the best headings of the first row: most known columns, then most columns.
    best = max(headed, key=lambda found: found.rank)
    if best.fault is not None:
        raise Refused(Reason.FILE_UNREADABLE, best.fault, field="file")
    notes = (_GUESSED,) if encoding.guessed else ()
    if Field.ADDRESS in best.columns.fields:
        start, columns, template = best.below, best.columns, best.is_template
    elif _is_list(best.cells):
        start, columns, template = best.at, Columns((Field.ADDRESS,), ("",), ()), False
    else:
        raise Refused(Reason.FILE_NO_ADDRESS_COLUMN, _what_there_is(best), field="file")
    if is_whole and not any(_filled(_records(head, encoding, best.delimiter, start, is_whole=True))):
        raise Refused(Reason.FILE_EMPTY, "there is no row below the headings", field="file")
    return Dialect(
        encoding=encoding.name,
        delimiter=best.delimiter,
        fields=columns.fields,
        headings=columns.headings,
        is_template=template,
        start=start,
        notes=(*notes, *columns.notes),
    )


class _Headed(NamedTuple):
    """The first row that is not empty, read with one delimiter. It lies at `at`, the next one at `below`."""

    delimiter: str
    cells: list[str]
    columns: Columns
    at: Cursor
    below: Cursor
    line: int
    is_template: bool
    fault: str | None

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int]:
        known = sum(field is not Field.UNKNOWN for field in self.columns.fields)
        is_headed, is_list = Field.ADDRESS in self.columns.fields, _is_list(self.cells)
        return is_headed, is_list, self.fault is None, known, len(self.columns.fields)


def _excel_delimiter(head: bytes, encoding: Encoding) -> tuple[str, Cursor]:
    """The delimiter that a first line ``sep=;`` names, if there is one, and where the file goes on."""
    for text, size in split(head[encoding.mark : encoding.mark + _EXCEL_LINE_BYTES], encoding.name):
        if found := _EXCEL_DELIMITER.fullmatch(text):
            return found[1], Cursor(encoding.mark + size, 0, 2)
        break
    return "", Cursor(encoding.mark, 0, 1)


def _headed(head: bytes, encoding: Encoding, start: Cursor, delimiter: str, is_whole: bool) -> _Headed:
    for record, at, below in _filled(_records(head, encoding, delimiter, start, is_whole=is_whole)):
        if record.cells and _VERSION.match(record.cells[0].strip()):
            continue
        fault = record.fault
        if record.is_damaged:
            fault = "the headings have NULs or bytes that are no text"
        columns = columns_of(record.cells)
        if len(columns.fields) > MAX_COLUMNS:
            fault = f"there are {len(columns.fields)} columns, more than {MAX_COLUMNS}"
        fault = fault and f"line {record.line}: {fault}"
        return _Headed(delimiter, record.cells, columns, at, below, record.line, is_template(record.cells), fault)
    if is_whole:
        raise Refused(Reason.FILE_EMPTY, field="file")
    what = f"there are no headings in the first {HEAD_BYTES // 1024} KiB"
    raise Refused(Reason.FILE_UNREADABLE, what, field="file")


def _records(
    head: bytes, encoding: Encoding, delimiter: str, start: Cursor, *, is_whole: bool
) -> Iterator[tuple[Record, Cursor, Cursor]]:
    """Each record with where it begins and where the next one does."""
    reader = RecordReader(encoding.name, delimiter, start)
    at = start
    for record in reader.feed(head[start.offset :], last=is_whole):
        below = Cursor(reader.offset, 0, reader.line, reader.is_within_line)
        yield record, at, below
        at = below


def _filled(records: Iterator[tuple[Record, Cursor, Cursor]]) -> Iterator[tuple[Record, Cursor, Cursor]]:
    return (found for found in records if found[0].fault or any(cell.strip() for cell in found[0].cells))


def _is_list(cells: list[str]) -> bool:
    return bool(cells) and looks_like_address(cells[0]) and not any(cell.strip() for cell in cells[1:])


def _what_there_is(best: _Headed) -> str:
    if any(looks_like_address(cell) for cell in best.cells):
        return f"line {best.line} has an address and no headings: a file with several columns needs a row of headings"
    shown = ", ".join(f"'{' '.join(cell.split())[:60]}'" for cell in best.cells[:10] if cell.strip())
    return f"the headings in line {best.line} are {shown}"
