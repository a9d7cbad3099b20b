"""Exports and erasures as table rows, one for each."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.ids import SubjectRequestId
from shared.core.versions import Versioned
from shared.people.model import SubjectRequest
from shared.storage.records import read_versioned, record_row, save_versioned, to_text, versioned_record
from shared.storage.table import Table

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

PEOPLE = "People"
_CASES = "cases"


class TableSubjectRequests:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, PEOPLE)

    async def read(self, case: SubjectRequestId) -> Versioned[SubjectRequest] | None:
        return await read_versioned(self._table, _CASES, case, SubjectRequest)

    async def save(self, case: Versioned[SubjectRequest], look_at: datetime | None) -> Versioned[SubjectRequest]:
        """Insert or replace; `look_at` is when the sweeper looks after it. Raises Conflict."""
        due = {"LookAt": to_text(look_at)} if look_at is not None else {}
        return await save_versioned(self._table, case, record_row(_CASES, case.value.id, case.value, **due))

    async def list_due(self, before: datetime) -> AsyncIterator[Versioned[SubjectRequest]]:
        """Cases whose `look_at` has come."""
        keys = {"cases": _CASES, "before": to_text(before)}
        async for row in self._table.query("PartitionKey eq @cases and LookAt lt @before", keys):
            yield versioned_record(row, SubjectRequest)
