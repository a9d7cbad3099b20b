"""Plans and actions as table rows, in the table of the audits that made them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.audits.model.remedies import ActionState, Plan, RemedyAction
from shared.audits.rows.audits import AUDITS, PLAN, range_of, read_continuation
from shared.core.errors import Conflict
from shared.core.ids import AppId, AuditId
from shared.core.versions import Versioned
from shared.storage import continuations
from shared.storage.open_work import TableOpenWork
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
from shared.storage.table import Table, put, remove, replace, version_of

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_ACTION = "r-"
_SENT = "sent"


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
        condition, keys = range_of(_partition(audit, app), _ACTION, read_continuation(continuation))
        if states:
            names = {f"s{n}": state.value for n, state in enumerate(states)}
            condition += f"and ({' or '.join(f'State eq @{name} ' for name in names)})"
            keys |= names
        rows, more = await self._table.first(condition, keys, limit)
        found = [versioned_record(row, RemedyAction) for row in rows]
        return found, continuations.give(found[-1].value.id) if more else None

    async def save_actions(
        self, audit: AuditId, app: AppId, actions: Sequence[Versioned[RemedyAction]]
    ) -> list[Versioned[RemedyAction]]:
        """All or none, of up to 100; gives them with their new versions. Raises Conflict: one changed since it was
        read."""
        if not actions:
            return []
        rows = [replace(_action_row(audit, app, a.value), a.version or "") for a in actions]
        versions = await self._table.write(rows)
        return [Versioned(a.value, version) for a, version in zip(actions, versions, strict=True)]

    async def read_plan(self, audit: AuditId, app: AppId) -> Versioned[Plan] | None:
        return await read_versioned(self._table, audit, PLAN + app, Plan)

    async def list_plans(self, audit: AuditId) -> list[Plan]:
        return [read_record(row, Plan) async for row in self._table.query(*range_of(audit, PLAN))]

    async def save_plan(self, plan: Versioned[Plan]) -> None:
        """Raises Conflict where it changed since it was read, or is there already."""
        row = record_row(plan.value.audit, PLAN + plan.value.app, plan.value)
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
        if row is None or row["Audit"] != audit:
            return
        try:
            await self._table.write([remove(_SENT, key)])
        except Conflict:
            return


def _partition(audit: AuditId, app: AppId) -> str:
    return f"{audit}-{app}"


def _action_row(audit: AuditId, app: AppId, action: RemedyAction) -> dict[str, object]:
    return record_row(_partition(audit, app), _ACTION + action.id, action, State=action.state.value)


def _plan_of_old(row: dict[str, Any]) -> tuple[AuditId, AppId]:
    audit, _, app = str(row["RowKey"]).partition("_")
    return AuditId(audit), AppId(app)
