"""A person in the files of imports: the rows with their address, and where else a file names it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.core.csv.rows import Invalid, Row, RowReader, blanked, text_of
from shared.core.errors import Refused
from shared.core.ids import ImportId
from shared.imports.model.imports import GuestRow, Import, Rules, read_row
from shared.imports.ports import ImportStore
from shared.imports.read_rows import parts
from shared.people.model import Found, Page, Person
from shared.storage.ports import Files

if TYPE_CHECKING:
    from shared.storage.files import BlobFiles

_WHERE, _WHAT = "files of imports", "a row of a file"
_KEPT = "a row that holds its place, without a word: the rows behind it keep their numbers"


@dataclass(frozen=True, slots=True)
class FilePersonalData:
    """The port's `PersonalData`, of all files: one file is a page."""

    uploads: "BlobFiles"
    files: Files
    imports: ImportStore
    rules: Rules
    kept: Mapping[tuple[str, str], str] = field(default_factory=lambda: {(_WHERE, _WHAT): _KEPT})

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        import_id = await self.uploads.after(ImportId(after) if after else None)
        page = Page(after=import_id)
        stored = await self.imports.read(import_id) if import_id is not None else None
        if import_id is None or stored is None:
            return page  # Of a file without a record nobody was promised anything: the sweeper deletes it.
        record, edits = stored.record.value, list[tuple[int, bytes]]()
        mentions = _Mentions(person, record.dialect.encoding)
        try:
            async for offset, raw, row in self._rows(record):
                if row.address.lower() in person.addresses or (isinstance(row, Invalid) and mentions.at(raw)):
                    page.found.append(_found(record, raw, row))
                    edits.append((offset, self._blanked(record, raw, row)))
                elif mentions.at(raw):
                    page.mentions.append(f"import {record.id} line {row.line}")
        except Refused:
            return page  # The file was deleted meanwhile.
        if edits and record.finished_at is None:
            # What was read before could still become an invitation.
            page.under_way.append(f"import {import_id}")
        elif edits and stand_in is not None:
            await self.uploads.patch(import_id, edits)
            page.changed = len(edits)
        return page

    async def _rows(self, record: Import) -> AsyncIterator[tuple[int, bytes, Row | Invalid]]:
        """Each row with where it begins and the bytes from there to its end."""
        reader, held = RowReader(record.dialect, record.dialect.start), bytearray()
        begin = record.dialect.start.offset
        async for part, last in parts(self.files, record, begin):
            held += part
            for row in reader.feed(part, last=last):
                end = row.next_cursor.offset
                yield begin, bytes(held[: end - begin]), row
                del held[: end - begin]
                begin = end

    def _blanked(self, record: Import, raw: bytes, row: Row | Invalid) -> bytes:
        group, dialect = row.group if isinstance(row, Row) else None, record.dialect
        usable = isinstance(read_row(row, record, self.rules), GuestRow)
        return blanked(raw, dialect.encoding, dialect.delimiter, usable=usable, keep=group)


class _Mentions:
    """Whether bytes name a person; most do not, and are not decoded."""

    def __init__(self, person: Person, encoding: str) -> None:
        self._needles = [address.encode(encoding, "ignore").lower() for address in person.addresses]
        self._pattern, self._encoding = person.mentions(), encoding

    def at(self, raw: bytes) -> bool:
        lowered = raw.lower()
        found = any(needle in lowered for needle in self._needles)
        return found and self._pattern.search(text_of(raw, self._encoding)) is not None


def _found(record: Import, raw: bytes, row: Row | Invalid) -> Found:
    text = text_of(raw, record.dialect.encoding).strip()
    return Found(_WHERE, _WHAT, "the guest", {"Import": record.id, "Line": row.line, "Text": text})
