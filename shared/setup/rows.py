"""Setups and the apps that are set up, as table rows.

A setup is a partition: the plan, and a row for each step, so that steps which run side by side never write the
same row. Records stand in one column as JSON; what is looked for by storage itself has a column of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core.checks import Confirmation
from shared.core.directory import Saml
from shared.core.errors import Conflict
from shared.core.ids import AppId, GroupId, SetupId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord
from shared.messages.commands import SetupStep
from shared.setup.model import Intent, Setup, SetupPlan, StepRecord, StoredSetup
from shared.storage.records import (
    Columns,
    from_text,
    new_row,
    read_record,
    read_versioned,
    record_row,
    save_versioned,
    to_text,
)
from shared.storage.reminders import OPEN, TableOpenWork
from shared.storage.table import Operation, Row, Table, insert, replace, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

SETUPS, APPS = "Setups", "Apps"

_SETUP = Columns(Setup, spelled={"creator": "CreatorId"}, beside=("id", "plan", "steps"))
"""What stands beside the plan."""
_PLAN, _STEP = "plan", "step-"
_APP, _SAID, _INTENT = "apps", "confirmations", "intents"


class TableSetupStore(TableOpenWork[SetupId]):
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        super().__init__(service, "setup", old=SETUPS, read_old=lambda row: SetupId(row["RowKey"]))
        self._setups = Table(service, SETUPS)
        self._apps = Table(service, APPS)

    async def create(self, setup: Setup) -> None:
        """Write a new setup with all its steps. Raises Conflict where there is one of this id."""
        rows = [_plan_row(setup), *(_step_row(setup.id, record) for record in setup.steps.values())]
        await self._setups.write([insert(row) for row in rows])

    async def read(self, setup_id: SetupId) -> StoredSetup | None:
        rows = {r["RowKey"]: r async for r in self._setups.query("PartitionKey eq @id", {"id": setup_id})}
        if _PLAN not in rows:
            return None
        return StoredSetup(_setup(setup_id, rows), {key: version_of(row) for key, row in rows.items()})

    async def list_all(self) -> list[Setup]:
        """All setups, in no order."""
        # A scan of the table: setups are few, and only administrators look at all of them.
        found: dict[str, dict[str, TableEntity]] = {}
        async for row in self._setups.query("PartitionKey ne @open", {"open": OPEN}):
            found.setdefault(row["PartitionKey"], {})[row["RowKey"]] = row
        return [_setup(SetupId(id_), rows) for id_, rows in found.items() if _PLAN in rows]

    async def save(self, stored: StoredSetup, steps: Sequence[StepRecord], *, plan: bool = False) -> StoredSetup:
        """Write steps as they now are, and with `plan` the setup's plan, all or nothing; gives the new versions.
        Raises Conflict where one of them changed since it was read."""
        rows = [_step_row(stored.setup.id, record) for record in steps]
        if plan:
            rows.append(_plan_row(stored.setup))
        if not rows:
            return stored
        operations: list[Operation] = [replace(row, stored.versions[row["RowKey"]]) for row in rows]
        versions = await self._setups.write(operations)
        fresh = dict(zip((row["RowKey"] for row in rows), versions, strict=True))
        return StoredSetup(stored.setup.with_steps(*steps), stored.versions | fresh)

    async def read_saml(self, setup_id: SetupId) -> Saml | None:
        stored = await self.read(setup_id)
        return stored.setup.plan.saml if stored is not None else None

    async def read_app(self, app_id: AppId) -> Versioned[AppRecord] | None:
        return await read_versioned(self._apps, _APP, app_id, AppRecord)

    async def list_apps(self, group: GroupId | None = None) -> list[AppRecord]:
        condition, keys = "PartitionKey eq @apps", {"apps": _APP}
        if group is not None:
            condition, keys = f"{condition} and GroupId eq @group", keys | {"group": group}
        return [read_record(row, AppRecord) async for row in self._apps.query(condition, keys)]

    async def save_app(self, record: Versioned[AppRecord]) -> Versioned[AppRecord]:
        row = record_row(_APP, record.value.app_id, record.value, GroupId=record.value.group)
        return await save_versioned(self._apps, record, row)

    async def delete_app(self, app_id: AppId) -> None:
        await self._apps.delete(_APP, app_id)

    async def read_confirmation(self, key: str) -> Confirmation | None:
        row = await self._apps.get(_SAID, key)
        return read_record(row, Confirmation) if row is not None else None

    async def write_confirmation(self, key: str, confirmation: Confirmation) -> None:
        """The latest one stands. Safe to repeat."""
        await self._apps.upsert(record_row(_SAID, key, confirmation))

    async def read_intent(self, key: str) -> Intent | None:
        row = await self._apps.get(_INTENT, _intent_key(key))
        return _intent(key, row, version_of(row), again=True) if row is not None else None

    async def take_intent(self, key: str, *, now: datetime, claim: timedelta, renew: bool = False) -> Intent | None:
        """Claim the right to make something. None while somebody else's claim lasts. With `renew` what came of
        earlier attempts is known to be gone, and the attempt counts as the first."""
        row = new_row(_INTENT, _intent_key(key), Since=to_text(now), ClaimedUntil=to_text(now + claim))
        try:
            [version] = await self._apps.write([insert(row)])
        except Conflict:
            there = await self._apps.get(row["PartitionKey"], row["RowKey"])
            if there is None or from_text(there["ClaimedUntil"]) > now:
                return None
            if not renew:
                row["Since"] = there["Since"]
            try:
                [version] = await self._apps.write([replace(row, version_of(there))])
            except Conflict:
                return None
            return _intent(key, row, version, again=not renew)
        return _intent(key, row, version, again=False)

    async def finish_intent(self, intent: Intent, result: str) -> None:
        """What came of it. Safe to repeat; a claim that was lost meanwhile is left alone."""
        since = to_text(intent.since)
        row = new_row(_INTENT, _intent_key(intent.key), Since=since, ClaimedUntil=since, Result=result)
        try:
            await self._apps.write([replace(row, intent.version)])
        except Conflict:
            return

    async def release_intent(self, intent: Intent) -> None:
        """Nothing was made: the next attempt is a first one. A claim that was lost meanwhile is left alone."""
        await self._apps.delete(_INTENT, _intent_key(intent.key), intent.version)


def _setup(setup_id: SetupId, rows: "Mapping[str, TableEntity]") -> Setup:
    plan = rows[_PLAN]
    steps = {step: read_record(rows[f"{_STEP}{step.value}"], StepRecord) for step in SetupStep}
    return _SETUP.from_columns(plan, id=setup_id, plan=read_record(plan, SetupPlan), steps=steps)


def _plan_row(setup: Setup) -> Row:
    return record_row(setup.id, _PLAN, setup.plan, **_SETUP.to_columns(setup))


def _step_row(setup_id: SetupId, record: StepRecord) -> Row:
    return record_row(setup_id, f"{_STEP}{record.step.value}", record, State=record.state.value)


def _intent_key(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:40]


def _intent(key: str, row: "Row | TableEntity", version: str, *, again: bool) -> Intent:
    return Intent(key, from_text(row["Since"]), again, row.get("Result"), version)
