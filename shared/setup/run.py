"""What a step of a setup has in hand, and what it can answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Never

from shared.core.checks import Check
from shared.core.clock import Clock, Timing
from shared.core.directory import Application, DirectoryUser, require_free
from shared.core.errors import DirectoryBusy, DirectoryLagging, DirectoryUnsure, Refused, Unavailable
from shared.core.features import ALL, Feature, Features
from shared.core.ids import AppId
from shared.core.reasons import Reason
from shared.graph.ports import Directory
from shared.membership.model.apps import Change
from shared.messages.commands import SetupStep
from shared.messages.ports import Outbox
from shared.setup.model import (
    Found,
    FoundApp,
    FoundGroup,
    ManualTask,
    SelfService,
    Setup,
    SetupPlan,
    StepRecord,
    StoredSetup,
)

if TYPE_CHECKING:
    from shared.graph.app_directory import GraphAppDirectory
    from shared.graph.entitlements import GraphEntitlements
    from shared.setup.rows import TableSetupStore

_SOON = timedelta(seconds=5)


class NotYet(Unavailable):
    """The step cannot go on before a while; not an error."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all steps of a setup share. `authority` is where people sign in; `protected` are apps that no setup may
    touch."""

    directory: "GraphAppDirectory"
    groups: Directory
    entitlements: "GraphEntitlements"
    store: "TableSetupStore"
    outbox: Outbox
    clock: Clock
    timing: Timing
    tenant_id: str
    authority: str
    features: Features = ALL
    protected: frozenset[AppId] = frozenset()

    def require_features(self, plan: SetupPlan) -> None:
        """Raises Refused `feature-off` where a setup, or a part of this one, is switched off."""
        self.features.need(Feature.SETUP)
        if plan.self_service is SelfService.ACCESS_PACKAGE:
            self.features.need(Feature.ACCESS_PACKAGES)


@dataclass(frozen=True, slots=True)
class Result:
    """A step came to its end; with `task` a person has to do something first."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    found: Found = field(default_factory=Found)
    task: ManualTask | None = None


@dataclass(slots=True)
class Work:
    """One delivery of one step, or its dry run, which reads, and says what it would do."""

    tools: Tools
    stored: StoredSetup
    step: SetupStep
    now: datetime
    attempt: int = 0
    dry: bool = False
    would_do: list[str] = field(default_factory=list)
    app: Application | None = None

    @property
    def setup(self) -> Setup:
        return self.stored.setup

    @property
    def plan(self) -> SetupPlan:
        return self.setup.plan

    @property
    def record(self) -> StepRecord:
        return self.setup.steps[self.step]

    @property
    def found(self) -> Found:
        return self.setup.found

    def would(self, *what: str) -> bool:
        """In a dry run: note what would be done, and true, for the step to leave it at that."""
        if self.dry:
            self.would_do += what
        return self.dry

    async def intend(self, *keys: str) -> None:
        """Write down what is about to be made. A later delivery that finds it made knows that it was ours. Raises
        Conflict: another delivery wrote first."""
        if set(keys) <= set(self.record.intends):
            return
        record = replace(self.record, intends=tuple(sorted({*self.record.intends, *keys})))
        self.stored = await self.tools.store.save(self.stored, [record])

    def was_intended(self, key: str) -> bool:
        """An earlier delivery was about to make it."""
        return key in self.record.intends

    async def make_once[T](
        self,
        key: str,
        *,
        find: Callable[[], Awaitable[T | None]],
        make: Callable[[], Awaitable[T]],
        id_of: Callable[[T], str] = str,
    ) -> tuple[T, bool]:
        """Something that the directory would make twice if asked twice, made once by whoever comes first.

        Gives it, and whether Guestlist made it (now or before). In doubt nothing is made again before the directory
        has had the time to show it. Raises NotYet: somebody else is at work on it, or an earlier attempt may have
        made it."""
        store, timing = self.tools.store, self.tools.timing
        known = await store.read_intent(key)
        there = await find()
        if there is not None:
            ours = known is not None and known.result in (None, id_of(there))
            if known is not None and ours and known.result is None:
                await store.finish_intent(known, id_of(there))
            return there, ours
        may_show = known is not None and self.now < known.since + timing.doubt_window
        if known is not None and known.result is not None and may_show:
            raise NotYet("the directory does not show yet what was made", retry_after=_SOON)
        intent = await store.take_intent(
            key, now=self.now, claim=timing.claim, renew=known is not None and not may_show
        )
        if intent is None:
            raise NotYet("another setup is making the same", retry_after=_SOON)
        if intent.again and self.now < intent.since + timing.doubt_window:
            raise NotYet("an earlier attempt may have made it", retry_after=_SOON)
        try:
            made = await make()
        except DirectoryUnsure:
            raise
        except (Refused, DirectoryBusy):
            await store.release_intent(intent)
            raise
        await store.finish_intent(intent, id_of(made))
        return made, True

    async def read_app(self) -> Application:
        """The app of this setup, read once a delivery. Raises Refused `app-protected`, and DirectoryLagging: it is
        not seen yet, though it was found or made."""
        if self.app is None:
            app = await self.tools.directory.app_by_id(self.require_app().app_id)
            if app is None:
                raise DirectoryLagging("the directory does not show the app yet")
            require_free(app, self.tools.protected)
            self.app = app
        return self.app

    async def find_people(self, names: Sequence[str], field: str) -> list[DirectoryUser]:
        """The people of these names, each once. Raises Refused `person-missing`, `owner-is-guest`, `owner-disabled`,
        naming who."""
        found: dict[str, DirectoryUser] = {}
        for name, person in zip(names, await self.tools.directory.find_people(names), strict=True):
            if person is None:
                raise Refused(Reason.PERSON_MISSING, f"'{name}'", field=field)
            if person.is_guest:
                raise Refused(Reason.OWNER_IS_GUEST, f"{person.name} ('{name}') is a guest", field=field)
            if not person.enabled:
                raise Refused(Reason.OWNER_DISABLED, f"{person.name} ('{name}')", field=field)
            found[person.id] = person
        return list(found.values())

    def require_app(self) -> FoundApp:
        return self.found.app or _missing("app")

    def require_group(self) -> FoundGroup:
        return self.found.group or _missing("group")


def _missing(what: str) -> Never:
    raise AssertionError(f"the order of steps gave no {what}")
