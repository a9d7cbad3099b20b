"""Audits as table rows: an index of the runs, a partition for each run's tasks, findings and plans, and one for the
actions of each plan.

Records stand in one column as JSON; what is looked for by storage itself has a column of its own.
"""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec

from shared.audits.model.records import (
    TOTAL,
    ActionState,
    Audit,
    Checkpoint,
    Finding,
    FindingFilter,
    Plan,
    RemedyAction,
    Task,
)
from shared.audits.model.report import plus
from shared.core import continuations
from shared.core.errors import Conflict
from shared.core.ids import AppId, AuditId, new_id
from shared.core.versions import Versioned
from shared.storage.records import (
    from_text,
    new_row,
    read_record,
    read_versioned,
    record_row,
    save_versioned,
    to_text,
    versioned_record,
)
from shared.storage.reminders import TableOpenWork
from shared.storage.table import Row, Table, put, replace, upsert, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient


AUDITS = "Audits"

_RUNS, _POSITION = "audits", "position"
_TASK, _FINDING, _TOTALS, _PLAN, _ACTION = "k-", "f-", "t-", "p-", "r-"
_SENT = "sent"
_ALL = FindingFilter()
_KEY = re.compile("[0-9a-f]{22,24}")
_OF_TRANSACTION = 100
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
        keys = {"runs": _RUNS, "after": _read(continuation)}
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
        async for row in self._table.query(*_range_of(audit, _PLAN)):
            if not await self._table.forget(f"{audit}-{str(row['RowKey']).removeprefix(_PLAN)}", "", "~", limit):
                return False
        # Of the totals all but the sum, which the trend is drawn from.
        ranges = [(kind, f"{kind}~") for kind in (_FINDING, _TASK, _PLAN)] + [(_TOTALS, _TOTALS + TOTAL)]
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
        return [read_record(row, Task) async for row in self._table.query(*_range_of(audit, _TASK))]

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
        async for row in self._table.query(*_range_of(audit, _TOTALS)):
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
        async for row in self._table.rows_of(audit, sorted({_FINDING + id_ for id_ in findings})):
            finding = read_record(row, Finding)
            found[finding.id] = finding.seen_since
        return found

    async def list_findings(
        self, audit: AuditId, show: FindingFilter, continuation: str | None, limit: int
    ) -> tuple[list[Finding], str | None]:
        """The worst first. Raises Refused `parameter-invalid` for a continuation never given out."""
        condition, keys = _range_of(audit, _FINDING, _read(continuation), _columns(show))
        rows, more = await self._table.first(condition, keys, limit)
        found = [read_record(row, Finding) for row in rows]
        return found, continuations.give(found[-1].id) if more else None

    async def all_findings(self, audit: AuditId, show: FindingFilter = _ALL) -> AsyncIterator[Finding]:
        """The worst first, read page by page."""
        async for row in self._table.query(*_range_of(audit, _FINDING, columns=_columns(show))):
            yield read_record(row, Finding)


class TableRemedyStore(TableOpenWork[tuple[AuditId, AppId]]):
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        super().__init__(service, "plan", old=AUDITS, read_old=_plan_of_old, old_partition="open-plans")
        self._table = Table(service, AUDITS)

    async def add_actions(self, audit: AuditId, app: AppId, actions: Sequence[RemedyAction]) -> None:
        """Those that are there already stay as they are. Safe to repeat."""
        rows = list({action.id: _action_row(audit, app, action) for action in actions}.values())
        await self._table.insert_missing(rows)

    async def list_actions(
        self, audit: AuditId, app: AppId, continuation: str | None, limit: int, states: Sequence[ActionState] = ()
    ) -> tuple[list[Versioned[RemedyAction]], str | None]:
        """Those in the states, or all; the strongest remedies first. Raises Refused `parameter-invalid` for a
        continuation that was never given out."""
        condition, keys = _range_of(_partition(audit, app), _ACTION, _read(continuation))
        if states:
            names = {f"s{n}": state.value for n, state in enumerate(states)}
            condition += f"and ({' or '.join(f'State eq @{name} ' for name in names)})"
            keys |= names
        rows, more = await self._table.first(condition, keys, limit)
        found = [versioned_record(row, RemedyAction) for row in rows]
        return found, continuations.give(found[-1].value.id) if more else None

    async def save_actions(
        self, plan: Plan, actions: Sequence[Versioned[RemedyAction]]
    ) -> list[Versioned[RemedyAction]]:
        """All or none, of up to 100; gives them with their new versions. Raises Conflict: one changed since it was
        read."""
        if not actions:
            return []
        rows = [replace(_action_row(plan.audit, plan.app, a.value), a.version or "") for a in actions]
        versions = await self._table.write(rows)
        return [Versioned(a.value, version) for a, version in zip(actions, versions, strict=True)]

    async def read_plan(self, audit: AuditId, app: AppId) -> Versioned[Plan] | None:
        return await read_versioned(self._table, audit, _PLAN + app, Plan)

    async def list_plans(self, audit: AuditId) -> list[Plan]:
        return [read_record(row, Plan) async for row in self._table.query(*_range_of(audit, _PLAN))]

    async def save_plan(self, plan: Versioned[Plan]) -> None:
        """Raises Conflict where it changed since it was read, or is there already."""
        row = record_row(plan.value.audit, _PLAN + plan.value.app, plan.value)
        await save_versioned(self._table, plan, row)

    async def last_sent(self, key: str) -> datetime | None:
        """When a mail was last sent under a key."""
        row = await self._table.get(_SENT, key)
        return from_text(row["At"]) if row is not None else None

    async def take_turn(self, key: str, audit: AuditId, now: datetime, before: datetime | None) -> bool:
        """Write down that a mail is sent under a key now: true for exactly one caller, unless one was sent since
        `before`. None asks for no more than that this audit has not sent it."""
        row = await self._table.get(_SENT, key)
        if row is not None and (row["Audit"] == audit or (before is not None and from_text(row["At"]) > before)):
            return False
        taken = new_row(_SENT, key, Audit=audit, At=to_text(now))
        try:
            await self._table.write([put(taken, version_of(row) if row is not None else None)])
        except Conflict:
            return False
        return True

    async def give_back(self, key: str, audit: AuditId) -> None:
        """Forget a turn that this audit took: nothing was sent. Safe to repeat."""
        row = await self._table.get(_SENT, key)
        if row is not None and row["Audit"] == audit:
            await self._table.delete(_SENT, key, version_of(row))


def _range_of(
    partition: str, kind: str, after: str = "", columns: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    """The condition for rows of a kind, with its parameters; columns have to have these values."""
    condition = "PartitionKey eq @partition and RowKey gt @after and RowKey lt @end "
    condition += "".join(f"and {column} eq @{column} " for column in columns or {})
    return condition, {"partition": partition, "after": kind + after, "end": f"{kind}~", **(columns or {})}


def _columns(show: FindingFilter) -> dict[str, str]:
    wanted = {"Severity": show.severity, "Rule": show.rule, "GroupId": show.group, "AppId": show.app}
    return {column: str(value) for column, value in wanted.items() if value is not None}


def _finding_row(audit: AuditId, finding: Finding) -> Row:
    row = record_row(audit, _FINDING + finding.id, finding)
    row |= {"Severity": finding.severity.value, "Rule": finding.rule.value}
    ids = {"GroupId": finding.group, "AppId": finding.app}
    return row | {column: id_ for column, id_ in ids.items() if id_}


def _totals(row: "TableEntity") -> dict[str, int]:
    columns = sorted(column for column in row if re.fullmatch(r"Part\d\d", column))
    return msgspec.json.decode("".join(row[column] for column in columns), type=dict[str, int])


def _read(text: str | None) -> str:
    """The key of the last row that was shown, empty for the first page. Raises Refused for any other text."""
    return continuations.take(text, _KEY) if text is not None else ""


def _partition(audit: AuditId, app: AppId) -> str:
    return f"{audit}-{app}"


def _action_row(audit: AuditId, app: AppId, action: RemedyAction) -> dict[str, object]:
    return record_row(_partition(audit, app), _ACTION + action.id, action, State=action.state.value)


def _plan_of_old(row: dict[str, Any]) -> tuple[AuditId, AppId]:
    audit, _, app = str(row["RowKey"]).partition("_")
    return AuditId(audit), AppId(app)
