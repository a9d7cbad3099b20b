"""Exports and erasures: a row for each, and for a short time blobs with what was found of people."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from shared.core.ids import SubjectRequestId
from shared.core.versions import Versioned
from shared.people.model import Page, Person, SubjectRequest
from shared.storage.files import Container
from shared.storage.records import read_versioned, record_row, save_versioned, to_text, versioned_record
from shared.storage.table import Table

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient


PEOPLE = "People"
_CASES = "cases"
CONTAINER = "exports"


class TableSubjectRequests:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, PEOPLE)

    async def read(self, case: SubjectRequestId) -> Versioned[SubjectRequest] | None:
        return await read_versioned(self._table, _CASES, case, SubjectRequest)

    async def save(self, case: Versioned[SubjectRequest], look_at: datetime | None) -> Versioned[SubjectRequest]:
        """Insert or replace; `look_at` is when the sweeper looks at it. Raises Conflict."""
        due = {"LookAt": to_text(look_at)} if look_at is not None else {}
        return await save_versioned(self._table, case, record_row(_CASES, case.value.id, case.value, **due))

    async def list_due(self, before: datetime) -> AsyncIterator[Versioned[SubjectRequest]]:
        """Cases whose `look_at` has come."""
        keys = {"cases": _CASES, "before": to_text(before)}
        async for row in self._table.query("PartitionKey eq @cases and LookAt lt @before", keys):
            yield versioned_record(row, SubjectRequest)


class BlobExports:
    """Itself one of the `PersonalData`: what was exported is erased, too. All methods raise StorageBusy."""

    kept: Mapping[tuple[str, str], str] = MappingProxyType({})

    def __init__(self, service: "BlobServiceClient") -> None:
        self._blobs = Container(service, CONTAINER)

    async def write(self, case: SubjectRequestId, part: str, content: Any) -> None:
        """A part, as JSON. The same part again takes the place of the one before."""
        await self._blobs.write(f"{case}/{part}.json", msgspec.json.encode(content))

    async def read(self, case: SubjectRequestId, prefix: str) -> list[Any]:
        """The parts whose names begin so, in the order of their names."""
        found = [await self._blobs.read(name) async for name in self._blobs.names(f"{case}/{prefix}")]
        return [msgspec.json.decode(content) for content in found if content is not None]

    async def delete(self, case: SubjectRequestId) -> None:
        """Safe to repeat."""
        for name in [name async for name in self._blobs.names(f"{case}/")]:
            await self._blobs.delete(name)

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        page = Page()
        if stand_in is None:
            return page  # To whoever exports, an earlier export tells nothing that is not found where it came from.
        for name in [name async for name in self._blobs.names()]:
            content = (await self._blobs.read(name) or b"").decode()
            if person.mentions().search(content) or any(user in content for user in person.users):
                await self._blobs.delete(name)
                page.changed += 1
        return page
