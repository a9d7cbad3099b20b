"""A setup on real parts, in one process: Azurite, the simulated tenant, the real adapters; steps are run by hand, so
that a test can stop between any two, or let a delivery die at any write."""

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient

from shared.core.caller import Caller
from shared.core.clock import Timing
from shared.core.features import ALL, Features
from shared.core.ids import AppId, SetupId, UserId
from shared.graph.app_directory import GraphAppDirectory
from shared.graph.directory import GraphDirectory
from shared.graph.entitlements import GraphEntitlements
from shared.graph.guests import GraphGuestReader
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.membership.access import Access
from shared.messages.commands import Command, RemoveApp, RunSetupStep, SetupStep
from shared.messages.outcomes import Later
from shared.setup.apps import Apps
from shared.setup.commands import Answers, DryRunResult, NewSetup, SetupCommands
from shared.setup.model import (
    AppSpec,
    Intent,
    Setup,
    SetupPlan,
    StepRecord,
    StepState,
    StoredSetup,
    sorted_by_need,
)
from shared.setup.rows import APPS, SETUPS, TableSetupStore
from shared.setup.run import Tools
from shared.setup.run_step import RunSetupStepNow
from tests.contract.simulated_tenant import OWNER, SimulatedTenant, no_key
from tests.fakes.outbox import FakeOutbox
from tests.fakes.principals import FakePrincipals

ADMIN = Caller(UserId("0ad00000-0000-4000-8000-000000000001"), "Adam Admin", frozenset({"SetupAdmin"}), False)
PERMISSIONS = (
    "Directory.Read.All",
    "Group.ReadWrite.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Policy.Read.All",
    "EntitlementManagement.ReadWrite.All",
)
EXPENSES, EXPENSES_APP = "50000000-0000-4000-8000-0000000000e0", "5a000000-0000-4000-8000-0000000000e0"
ROLES_SP, ROLES_APP = "50000000-0000-4000-8000-0000000000e1", "5a000000-0000-4000-8000-0000000000e1"
ROLE_USER, ROLE_APPROVER = "e1000000-0000-4000-8000-000000000001", "e1000000-0000-4000-8000-000000000002"
GUEST = "00000000-0000-4000-8000-0000000000e1"
TEMPLATE = "Contoso Travel"
"""Of the simulated gallery."""


class Killed(BaseException):
    """The process ends here, as far as this delivery is concerned."""


class MortalStore(TableSetupStore):
    """The real store, in a process that can be told to die just before its n-th write."""

    dies_before: int | None = None
    writes = 0

    def _live(self) -> None:
        type(self).writes += 1
        if self.writes == self.dies_before:
            raise Killed

    async def save(self, stored: StoredSetup, steps: Any, *, plan: bool = False) -> StoredSetup:
        self._live()
        return await super().save(stored, steps, plan=plan)

    async def save_app(self, record: Any) -> Any:
        self._live()
        return await super().save_app(record)

    async def finish_intent(self, intent: Intent, result: str) -> None:
        self._live()
        await super().finish_intent(intent, result)

    async def take_intent(self, key: str, *, now: datetime, claim: timedelta, renew: bool = False) -> Intent | None:
        self._live()
        return await super().take_intent(key, now=now, claim=claim, renew=renew)


@dataclass
class WalkingClock:
    """The time of day, and what was waited for on top."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def wait_until(self, moment: datetime) -> None:
        self.ahead += max(timedelta(), moment - self.now())

    def jitter(self) -> float:
        return 0.0

    def random_hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]


@dataclass
class SetupWorld:
    tenant: SimulatedTenant
    session: GraphSession
    tables: TableServiceClient
    clock: WalkingClock = field(default_factory=WalkingClock)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    waits: list[Later] = field(default_factory=list)
    features: Features = ALL
    protected: frozenset[AppId] = frozenset()

    def __post_init__(self) -> None:
        self._opened: list[tuple[GraphSession, Any]] = []
        self._equip()

    def _equip(self) -> None:
        self.session.now = self.clock.now
        self.store = MortalStore(self.tables)
        MortalStore.dies_before, MortalStore.writes = None, 0
        self.tools = Tools(
            directory=GraphAppDirectory(self.session),
            groups=GraphDirectory(self.session),
            entitlements=GraphEntitlements(self.session),
            store=self.store,
            outbox=self.outbox,
            clock=self.clock,
            timing=Timing(claim=timedelta(seconds=20), doubt_window=timedelta(seconds=60)),
            tenant_id="tenant",
            authority="https://login.microsoftonline.com",
            features=self.features,
            protected=self.protected,
        )
        self.commands = SetupCommands(self.tools)
        self.run_step = RunSetupStepNow(self.tools)
        access = Access(self.tools.groups, self.store, self.clock, FakePrincipals())
        self.apps = Apps(self.tools, access, GraphGuestReader(self.session, no_key))

    def switch(self, features: Features) -> None:
        """Go on as an app that was started anew with these features."""
        self.features = features
        self._equip()

    def protect(self, app: str) -> None:
        """Go on as an app that was started anew with one more app that no setup may touch."""
        self.protected |= {AppId(app)}
        self._equip()

    async def dry_run(self, plan: SetupPlan) -> dict[SetupStep, DryRunResult]:
        return {said.step: said for said in await self.commands.dry_run(plan, ADMIN)}

    async def remove(self, app: AppId) -> None:
        """Take the app apart, to the end."""
        found = await self.apps.check_removal(app, ADMIN)
        await self.apps.remove(app, ADMIN, found.tag)
        assert await self.deliver(RemoveApp(app)) is None

    async def clean(self) -> None:
        """Storage and directory as on the first day, with one more app, and one that declares roles."""
        for table in (SETUPS, APPS):
            try:
                await self.tables.delete_table(table)
            except ResourceNotFoundError:
                continue
        self.tenant.permit(*PERMISSIONS)
        roles = [
            {"id": i, "displayName": n, "value": n.lower(), "isEnabled": True, "allowedMemberTypes": ["User"]}
            for i, n in ((ROLE_USER, "User"), (ROLE_APPROVER, "Approver"))
        ]
        for role in roles:
            role["description"] = role["displayName"]
        saml = {"preferredSingleSignOnMode": "saml", "loginUrl": "https://expenses.example/login"}
        self.tenant.seed(
            users=[{"id": GUEST, "mail": "gus@adatum.com", "displayName": "Gus", "userType": "Guest"}],
            servicePrincipals=[
                {"id": EXPENSES, "appId": EXPENSES_APP, "displayName": "Expenses", **saml},
                {"id": ROLES_SP, "appId": ROLES_APP, "displayName": "Roles", "appRoles": roles, **saml},
            ],
        )

    async def permit(self, *permissions: str) -> None:
        """Change what Guestlist's identity may do; it counts from its next token on, so it takes a new one."""
        self.tenant.permit(*permissions)
        credential = app_credential(None)
        self.session = GraphSession(base_url=self.tenant.graph_url, credential=credential)
        self._opened.append((self.session, credential))
        self._equip()

    async def close(self) -> None:
        MortalStore.dies_before = None
        for session, credential in self._opened:
            await session.close()
            await credential.close()

    async def clean_all(self) -> None:
        """As `clean`, with the directory as it was seeded."""
        self.tenant.reset()
        await self.clean()

    def plan(self, **changes: Any) -> SetupPlan:
        facts: dict[str, Any] = {"app": AppSpec(name="Expenses"), "owners": (OWNER,)}
        return SetupPlan(**(facts | changes))

    async def begin(self, plan: SetupPlan) -> SetupId:
        return (await self.commands.start(NewSetup(plan, "digest"), ADMIN, None)).id

    async def deliver(self, command: Command) -> Later | None:
        """One delivery; the later that it asks for, if any."""
        if isinstance(command, RemoveApp):
            outcome = await self.apps.remove_app(command)
        else:
            assert isinstance(command, RunSetupStep)
            outcome = await self.run_step(command)
        return outcome.later

    async def finish(self, setup: SetupId, step: SetupStep, *, most: int = 60) -> StepRecord:
        """Deliver a step until it wants nothing later, the clock jumping to what it waits for."""
        command: Command = RunSetupStep(setup, step)
        for _ in range(most):
            later = await self.deliver(command)
            if later is None:
                return await self.record(setup, step)
            self.waits.append(later)
            self.clock.wait_until(later.not_before)
            command = later.command
        raise AssertionError(f"'{step}' still waits: {self.waits[-1].why}")

    async def up_to(self, setup: SetupId, step: SetupStep) -> None:
        """Everything that the step waits for, confirmed where a person is needed."""
        for each in sorted_by_need():
            if each is step:
                return
            record = await self.finish(setup, each)
            if record.state is StepState.MANUAL:
                await self.commands.confirm(setup, each, ADMIN, None)
            elif record.state is StepState.FAILED:
                raise AssertionError(f"'{each}' failed: {record.detail}")

    async def all_of(self, setup: SetupId) -> Setup:
        """The whole setup, to its end."""
        await self.up_to(setup, SetupStep.VERIFY)
        await self.finish(setup, SetupStep.VERIFY)
        return await self.read(setup)

    async def all_of_in_real_time(self, setup: SetupId) -> Setup:
        """As `all_of`, with a clock that nobody pushes: what is waited for is the directory's own time."""
        self.clock.wait_until = lambda moment: time.sleep(0.1)  # type: ignore[method-assign]
        return await self.all_of(setup)

    async def read(self, setup: SetupId) -> Setup:
        stored = await self.store.read(setup)
        assert stored is not None
        return stored.setup

    async def record(self, setup: SetupId, step: SetupStep) -> StepRecord:
        return (await self.read(setup)).steps[step]

    async def retry(self, setup: SetupId, **answers: Any) -> None:
        await self.commands.retry(setup, ADMIN, Answers(**answers))

    def writes(self) -> int:
        """Calls that change the directory, however they were answered."""
        calls = self.tenant._ask("GET", "calls")
        return sum(int(c["count"]) for c in calls if not c["call"].startswith("GET") and "$batch" not in c["call"])

    async def graph(self, path: str) -> dict[str, Any]:
        response = await self.session.request("GET", path.replace(" ", "%20"))
        assert response.status == 200, (path, response)
        body: dict[str, Any] = response.body
        return body

    async def directory(self, app: str = EXPENSES) -> dict[str, Any]:
        """What a setup leaves, read as any Graph client reads it."""
        groups = (await self.graph("/groups?$select=id,displayName,uniqueName,groupTypes,securityEnabled"))["value"]
        made = [g for g in groups if g.get("uniqueName")]
        owners = {
            g["displayName"]: sorted(o["id"] for o in (await self.graph(f"/groups/{g['id']}/owners"))["value"])
            for g in made
        }
        assigned = (await self.graph(f"/servicePrincipals/{app}/appRoleAssignedTo"))["value"]
        return {
            "groups": sorted(g["displayName"] for g in made),
            "owners": owners,
            "assigned": sorted((a["principalDisplayName"], a["appRoleId"]) for a in assigned),
        }
