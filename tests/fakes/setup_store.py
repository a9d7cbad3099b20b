"""A store of setups in memory that keeps the port's promises: versions, conflicts, all or nothing."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.applications import AppId
from shared.core.checks import Confirmation
from shared.core.errors import Conflict
from shared.core.ids import GroupId, SetupId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord
from shared.setup.model.records import Setup, StepRecord
from shared.setup.ports import Intent, StoredSetup
from tests.fakes.open_work import FakeOpenWork

_PLAN = "plan"


@dataclass
class _Intent:
    since: datetime
    until: datetime
    result: str | None
    version: str


@dataclass
class FakeSetupStore(FakeOpenWork[SetupId]):
    setups: dict[SetupId, StoredSetup] = field(default_factory=dict)
    apps: dict[AppId, Versioned[AppRecord]] = field(default_factory=dict)
    said: dict[str, Confirmation] = field(default_factory=dict)
    intents: dict[str, _Intent] = field(default_factory=dict)
    _versions: "itertools.count[int]" = field(default_factory=itertools.count)

    def put(self, *apps: AppRecord) -> "FakeSetupStore":
        """Have these records, in place of those of the same apps."""
        self.apps |= {app.app_id: Versioned(app, self._version()) for app in apps}
        return self

    def _version(self) -> str:
        return str(next(self._versions))

    async def create(self, setup: Setup) -> None:
        if setup.id in self.setups:
            raise Conflict("the setup is there already")
        keys = [_PLAN, *(f"step-{step.value}" for step in setup.steps)]
        self.setups[setup.id] = StoredSetup(setup, {key: self._version() for key in keys})

    async def read(self, setup_id: SetupId) -> StoredSetup | None:
        return self.setups.get(setup_id)

    async def list_all(self) -> AsyncIterator[Setup]:
        for stored in list(self.setups.values()):
            yield stored.setup

    async def save(self, stored: StoredSetup, steps: Sequence[StepRecord], *, plan: bool = False) -> StoredSetup:
        there = self.setups[stored.setup.id]
        keys = [f"step-{r.step.value}" for r in steps] + ([_PLAN] if plan else [])
        if any(there.versions[key] != stored.versions[key] for key in keys):
            raise Conflict("a record changed")
        records = {r.step: r for r in steps}
        fresh = {key: self._version() for key in keys}
        wanted = stored.setup.plan if plan else there.setup.plan
        kept = replace(there.setup, plan=wanted, steps={**there.setup.steps, **records})
        self.setups[stored.setup.id] = StoredSetup(kept, there.versions | fresh)
        mine = replace(stored.setup, steps={**stored.setup.steps, **records})
        return StoredSetup(mine, stored.versions | fresh)

    async def read_app(self, app_id: AppId) -> Versioned[AppRecord] | None:
        return self.apps.get(app_id)

    async def list_apps(self, group: GroupId | None = None) -> list[AppRecord]:
        found = [self.apps[key].value for key in sorted(self.apps)]
        return [a for a in found if group is None or a.group == group]

    async def save_app(self, record: Versioned[AppRecord]) -> Versioned[AppRecord]:
        there = self.apps.get(record.value.app_id)
        if (there.version if there else None) != record.version:
            raise Conflict("the app changed")
        saved = Versioned(record.value, self._version())
        self.apps[record.value.app_id] = saved
        return saved

    async def delete_app(self, app_id: AppId) -> None:
        self.apps.pop(app_id, None)

    async def read_confirmation(self, key: str) -> Confirmation | None:
        return self.said.get(key)

    async def write_confirmation(self, key: str, confirmation: Confirmation) -> None:
        self.said[key] = confirmation

    async def read_intent(self, key: str) -> Intent | None:
        found = self.intents.get(key)
        return Intent(key, found.since, True, found.result, found.version) if found else None

    async def take_intent(self, key: str, *, now: datetime, claim: timedelta, anew: bool = False) -> Intent | None:
        there = self.intents.get(key)
        if there is not None and there.until > now:
            return None
        again = there is not None and not anew
        since = there.since if there is not None and again else now
        taken = _Intent(since, now + claim, None, self._version())
        self.intents[key] = taken
        return Intent(key, since, again, None, taken.version)

    async def finish_intent(self, intent: Intent, result: str) -> None:
        there = self.intents.get(intent.key)
        if there is not None and there.version == intent.version:
            self.intents[intent.key] = _Intent(intent.since, intent.since, result, self._version())

    async def release_intent(self, intent: Intent) -> None:
        there = self.intents.get(intent.key)
        if there is not None and there.version == intent.version:
            del self.intents[intent.key]
