"""Exports and erasures as table rows, one for each."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.tables.records import read_record, record_row
from shared.adapters.tables.rows import to_text
from shared.adapters.tables.table import Table, insert, replace, version_of
from shared.domain.people import Case, CaseId
from shared.ports.store import Versioned

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

PEOPLE = "People"
_CASES = "cases"


class TableCases:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, PEOPLE)

    async def read(self, case: CaseId) -> Versioned[Case] | None:
        row = await self._table.get(_CASES, case)
        return Versioned(read_record(row, Case), version_of(row)) if row is not None else None

    async def save(self, case: Versioned[Case], look_at: datetime | None) -> Versioned[Case]:
        """Insert or replace; `look_at` is when the sweeper looks after it. Raises Conflict."""
        row = record_row(_CASES, case.value.id, case.value)
        if look_at is not None:
            row["LookAt"] = to_text(look_at)
        [version] = await self._table.write([replace(row, case.version) if case.version else insert(row)])
        return Versioned(case.value, version)

    async def list_due(self, before: datetime) -> AsyncIterator[Versioned[Case]]:
        """Cases whose `look_at` has come."""
        keys = {"cases": _CASES, "before": to_text(before)}
        async for row in self._table.query("PartitionKey eq @cases and LookAt lt @before", keys):
            yield Versioned(read_record(row, Case), version_of(row))
