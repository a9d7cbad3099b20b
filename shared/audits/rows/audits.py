"""Audits as table rows: the position, an index of the runs, and a partition for each run's tasks and findings.

Records stand in one column as JSON; what is looked for by storage itself has a column of its own.
"""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

import msgspec

from shared.audits.model.findings import TOTAL, Finding, FindingFilter, FindingPage
from shared.audits.model.records import Audit, Checkpoint, Task
from shared.audits.model.totals import plus
from shared.core.ids import AuditId, new_id
from shared.core.versions import Versioned
from shared.storage import continuations
from shared.storage.records import new_row, read_record, read_versioned, record_row, save_versioned
from shared.storage.table import Row, Table, upsert, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

AUDITS = "Audits"

_RUNS, _POSITION = "audits", "position"
PLAN = "p-"
_TASK, _FINDING, _TOTALS = "k-", "f-", "t-"
_KEY = re.compile("[0-9a-f]{22,24}")
_OF_TRANSACTION = 100
_KEYS_IN_FILTER = 12
_PART = 30_000


class TableAuditStore:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, AUDITS)

    async def read_position(self) -> Versioned[Checkpoint]:
        found = await read_versioned(self._table, _POSITION, _POSITION, Checkpoint)
        return found or Versioned(Checkpoint(), None)

    async def write_position(self, position: Versioned[Checkpoint]) -> None:
        """Raises Conflict where it changed since it was read."""
        await save_versioned(self._table, position, record_row(_POSITION, _POSITION, position.value))

    async def read(self, audit: AuditId) -> Versioned[Audit] | None:
        return await read_versioned(self._table, _RUNS, audit, Audit)

    async def save(self, audit: Versioned[Audit]) -> Versioned[Audit]:
        """Raises Conflict where it changed since it was read, or is there already."""
        return await save_versioned(self._table, audit, record_row(_RUNS, audit.value.id, audit.value))

    async def list_audits(self, continuation: str | None, limit: int) -> tuple[list[Audit], str | None]:
        """The newest first. Raises Refused `parameter-invalid` for a continuation never given out."""
        keys = {"runs": _RUNS, "after": read_continuation(continuation)}
        rows, more = await self._table.first("PartitionKey eq @runs and RowKey gt @after", keys, limit)
        found = [read_record(row, Audit) for row in rows]
        return found, continuations.give(found[-1].id) if more else None

    async def list_untidied(self, before: datetime, limit: int) -> list[Versioned[Audit]]:
        """Audits begun before a moment whose findings are still there."""
        found: list[Versioned[Audit]] = []
        keys = {"runs": _RUNS, "after": new_id(before, "0" * 10)}  # Ids of older audits are greater.
        async for row in self._table.query("PartitionKey eq @runs and RowKey gt @after", keys):
            audit = read_record(row, Audit)
            if not audit.is_tidied:
                found.append(Versioned(audit, version_of(row)))
            if len(found) == limit:
                break
        return found

    async def forget(self, audit: AuditId, limit: int) -> bool:
        """Delete findings, tasks and plans, up to so many rows of each; true where none is left. What was counted
        stays. Safe to repeat."""
        async for row in self._table.query(*range_of(audit, PLAN)):
            if not await self._table.forget(f"{audit}-{str(row['RowKey']).removeprefix(PLAN)}", "", "~", limit):
                return False
        # Of the totals all but the sum, which the trend is drawn from.
        ranges = [(kind, f"{kind}~") for kind in (_FINDING, _TASK, PLAN)] + [(_TOTALS, _TOTALS + TOTAL)]
        return all([await self._table.forget(audit, first, end, limit) for first, end in ranges])

    async def add_tasks(self, audit: AuditId, tasks: Sequence[Task]) -> None:
        """Those that are there already stay as they are. Safe to repeat."""
        await self._table.insert_missing([record_row(audit, _TASK + task.name, task) for task in tasks])

    async def read_task(self, audit: AuditId, name: str) -> Task | None:
        row = await self._table.get(audit, _TASK + name)
        return read_record(row, Task) if row is not None else None

    async def write_task(self, audit: AuditId, task: Task) -> None:
        """Safe to repeat."""
        await self._table.upsert(record_row(audit, _TASK + task.name, task))

    async def list_tasks(self, audit: AuditId) -> list[Task]:
        return [read_record(row, Task) async for row in self._table.query(*range_of(audit, _TASK))]

    async def write_totals(self, audit: AuditId, name: str, totals: Mapping[str, int]) -> None:
        """What a part of a task has counted, or (`TOTAL`) all of them together. Safe to repeat."""
        # A column holds 32,768 characters and a row sixteen times as much: Azure Table Storage, data model.
        text = msgspec.json.encode({key: n for key, n in totals.items() if n}).decode()
        parts = {f"Part{n:02d}": text[at : at + _PART] for n, at in enumerate(range(0, len(text), _PART))}
        await self._table.upsert(new_row(audit, _TOTALS + name, **parts))

    async def read_totals(self, audit: AuditId, name: str) -> dict[str, int]:
        """Empty where there are none."""
        row = await self._table.get(audit, _TOTALS + name)
        return _totals(row) if row is not None else {}

    async def sum_totals(self, audit: AuditId) -> dict[str, int]:
        """What all parts have counted."""
        found: dict[str, int] = {}
        async for row in self._table.query(*range_of(audit, _TOTALS)):
            if row["RowKey"] != _TOTALS + TOTAL:
                found = plus(found, _totals(row))
        return found

    async def write_findings(self, audit: AuditId, findings: Sequence[Finding]) -> None:
        """Safe to repeat: a finding has one id."""
        rows = {finding.id: _finding_row(audit, finding) for finding in findings}
        for few in batched(rows.values(), _OF_TRANSACTION, strict=False):
            await self._table.write([upsert(row) for row in few])

    async def known_since(self, audit: AuditId, findings: Collection[str]) -> dict[str, datetime]:
        """Since when those of the findings (by id) are known that an audit had. One request a dozen."""
        found: dict[str, datetime] = {}
        for few in batched(sorted(set(findings)), _KEYS_IN_FILTER, strict=False):
            keys = {f"k{n}": _FINDING + key for n, key in enumerate(few)}
            any_of = " or ".join(f"RowKey eq @{name} " for name in keys)
            async for row in self._table.query(f"PartitionKey eq @audit and ({any_of})", {"audit": audit, **keys}):
                finding = read_record(row, Finding)
                found[finding.id] = finding.seen_since
        return found

    async def list_findings(
        self, audit: AuditId, show: FindingFilter, continuation: str | None, limit: int
    ) -> FindingPage:
        """Raises Refused `parameter-invalid` for a continuation never given out."""
        wanted = {"Severity": show.severity, "Rule": show.rule, "GroupId": show.group, "AppId": show.app}
        columns = {column: str(value) for column, value in wanted.items() if value is not None}
        condition, keys = range_of(audit, _FINDING, read_continuation(continuation), columns)
        rows, more = await self._table.first(condition, keys, limit)
        found = [read_record(row, Finding) for row in rows]
        return FindingPage(found, continuations.give(found[-1].id) if more else None)

    async def all_findings(self, audit: AuditId) -> AsyncIterator[Finding]:
        """The worst first, read page by page."""
        async for row in self._table.query(*range_of(audit, _FINDING)):
            yield read_record(row, Finding)


def range_of(
    partition: str, kind: str, after: str = "", columns: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    """The condition for rows of a kind, with its parameters; columns have to have these values."""
    condition = "PartitionKey eq @partition and RowKey gt @after and RowKey lt @end "
    condition += "".join(f"and {column} eq @{column} " for column in columns or {})
    return condition, {"partition": partition, "after": kind + after, "end": f"{kind}~", **(columns or {})}


def _finding_row(audit: AuditId, finding: Finding) -> Row:
    row = record_row(audit, _FINDING + finding.id, finding)
    row |= {"Severity": finding.severity.value, "Rule": finding.rule.value}
    ids = {"GroupId": finding.group, "AppId": finding.app}
    return row | {column: id_ for column, id_ in ids.items() if id_}


def _totals(row: "TableEntity") -> dict[str, int]:
    columns = sorted(column for column in row if re.fullmatch(r"Part\d\d", column))
    return msgspec.json.decode("".join(row[column] for column in columns), type=dict[str, int])


def read_continuation(text: str | None) -> str:
    """The key of the last row that was shown, empty for the first page. Raises Refused for any other text."""
    return continuations.take(text, _KEY) if text is not None else ""
