"""The apps that are set up, in memory, with the port's promises: versions and conflicts."""

import itertools
from dataclasses import dataclass, field

from shared.core.directory import Saml
from shared.core.errors import Conflict
from shared.core.ids import AppId, GroupId, SetupId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord


@dataclass
class FakeSetupStore:
    apps: dict[AppId, Versioned[AppRecord]] = field(default_factory=dict)
    _versions: "itertools.count[int]" = field(default_factory=itertools.count)

    def put(self, *apps: AppRecord) -> "FakeSetupStore":
        """Have these records, in place of those of the same apps."""
        self.apps |= {app.app_id: Versioned(app, self._version()) for app in apps}
        return self

    def _version(self) -> str:
        return str(next(self._versions))

    async def read_app(self, app_id: AppId) -> Versioned[AppRecord] | None:
        return self.apps.get(app_id)

    async def list_apps(self, group: GroupId | None = None) -> list[AppRecord]:
        found = [self.apps[key].value for key in sorted(self.apps)]
        return [a for a in found if group is None or a.group == group]

    async def read_saml(self, setup: SetupId) -> Saml | None:
        return None

    async def save_app(self, record: Versioned[AppRecord]) -> Versioned[AppRecord]:
        there = self.apps.get(record.value.app_id)
        if (there.version if there else None) != record.version:
            raise Conflict("the app changed")
        saved = Versioned(record.value, self._version())
        self.apps[record.value.app_id] = saved
        return saved

    async def delete_app(self, app_id: AppId) -> None:
        self.apps.pop(app_id, None)
