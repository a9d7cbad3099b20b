"""Audits on real parts, in one process: Azurite, the simulated tenant, the real adapters; what waits in queues is
delivered by hand, so that a test can deliver it twice, in another order, or let a delivery die at any write."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient

from shared.audits.apply_remedies import ApplyRemediesStep
from shared.audits.commands import AuditCommands
from shared.audits.dependencies import AuditDependencies
from shared.audits.mail_text import JinjaAuditText
from shared.audits.model.records import Audit, Finding, Plan, RemedyAction
from shared.audits.model.rules import AuditSettings
from shared.audits.remedies import Effects
from shared.audits.rows.audits import AUDITS, TableAuditStore, TableRemedyStore
from shared.audits.rows.snapshot import SNAPSHOT, TableSnapshot
from shared.audits.run import RunAuditTask, StartAudit
from shared.core.addresses import parse_address
from shared.core.caller import Caller
from shared.core.clock import Timing
from shared.core.directory import DirectoryUser, Saml
from shared.core.features import ALL, Features
from shared.core.ids import AppId, AuditId, GroupId, InvitationId, PrincipalId, SetupId, UserId, new_id
from shared.core.versions import Versioned
from shared.graph.app_directory import GraphAppDirectory
from shared.graph.changes import GraphChanges
from shared.graph.directory import GraphDirectory
from shared.graph.guests import GraphGuestReader
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.rows.invitations import INVITATIONS, TableInvitationHistory, to_row
from shared.invitations.rows.store import TableStore
from shared.mail.ports import Mailer
from shared.membership.access import Access
from shared.membership.model.apps import AppRecord, AuditPolicy, Policy
from shared.messages.commands import ApplyRemedies, Command, RunAudit
from shared.messages.sweep import Sweep
from shared.pace.pacing import Pace
from shared.requests.rows import TableRequestStore
from shared.requests.sweep import FindStuckRequests
from shared.setup.model import AppSpec, SetupPlan, new_setup
from shared.setup.rows import APPS, SETUPS, TableSetupStore
from shared.setup.sweep import SweepSetups
from shared.storage.change_log import CHANGE_LOG, TableChangeLog
from shared.storage.table import Table, insert
from tests.contract.setup_world import WalkingClock
from tests.contract.simulated_tenant import (
    COLLEAGUE,
    DEFAULT_ROLE,
    GUESTS,
    OWNER,
    TENANT,
    TRAVEL,
    TRAVEL_APP_ID,
    SimulatedTenant,
    no_key,
)
from tests.fakes.outbox import FakeOutbox
from tests.fakes.principals import FakePrincipals

ADMIN = Caller(UserId("0ad00000-0000-4000-8000-000000000001"), "Adam Admin", frozenset({"Admin"}), False)
PERMISSIONS = (
    "User.Invite.All",
    "Directory.Read.All",
    "User.Read.All",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "GroupMember.ReadWrite.All",
    "AuditLog.Read.All",
)
GROUP, APP = GroupId(GUESTS), AppId(TRAVEL_APP_ID)
LONG_AGO = timedelta(days=2)


class Killed(BaseException):
    """The process ends here, as far as this delivery is concerned."""


class Death:
    """Comes before the n-th write, of storage, queues or directory; once."""

    def __init__(self, write: int) -> None:
        self.left = write

    @property
    def came(self) -> bool:
        return self.left <= 0

    def _live(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def at_every_write(self, patch: pytest.MonkeyPatch) -> None:
        death, write, send, request = self, Table.write, FakeOutbox.send, GraphSession.request

        async def mortal_write(table: Table, operations: Any) -> Any:
            death._live()
            return await write(table, operations)

        async def mortal_send(outbox: FakeOutbox, command: Command, **more: Any) -> None:
            death._live()
            await send(outbox, command, **more)

        async def mortal_request(session: GraphSession, method: str, path: str, **more: Any) -> Any:
            parts = (more.get("body") or {}).get("requests", [])
            if method != "GET" and not (parts and all(part["method"] == "GET" for part in parts)):
                death._live()
            return await request(session, method, path, **more)

        patch.setattr(Table, "write", mortal_write)
        patch.setattr(FakeOutbox, "send", mortal_send)
        patch.setattr(GraphSession, "request", mortal_request)


@dataclass
class AuditWorld:
    tenant: SimulatedTenant
    session: GraphSession
    tables: TableServiceClient
    clock: WalkingClock = field(default_factory=WalkingClock)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    settings: AuditSettings = field(default_factory=AuditSettings)
    mailer: Mailer | None = None
    features: Features = ALL
    principals: FakePrincipals = field(
        default_factory=lambda: FakePrincipals(roles={ADMIN.object_id: frozenset({"Admin"})})
    )

    def __post_init__(self) -> None:
        self._opened: list[tuple[GraphSession, Any]] = []
        self.equip(self.session, self.tables)

    def equip(self, session: GraphSession, tables: TableServiceClient) -> None:
        """The steps, on the real adapters."""
        groups, guest_reader = GraphDirectory(session), GraphGuestReader(session, no_key)
        self.store = TableStore(tables)
        self.setups = TableSetupStore(tables)
        self.tools = AuditDependencies(
            audits=TableAuditStore(tables),
            snapshot=TableSnapshot(tables),
            changes=GraphChanges(session),
            history=TableInvitationHistory(tables),
            remedies=TableRemedyStore(tables),
            change_log=TableChangeLog(tables),
            store=self.store,
            setups=self.setups,
            find_stuck=(
                FindStuckRequests(TableRequestStore(tables), self.outbox),
                SweepSetups(self.setups, self.outbox, self.clock, Timing()).find_stuck,
            ),
            directory=GraphAppDirectory(session),
            groups=groups,
            outbox=self.outbox,
            clock=self.clock,
            timing=Timing(claim=timedelta(seconds=20)),
            settings=self.settings,
            features=self.features,
        )
        self.access = Access(groups, self.setups, self.clock, self.principals)
        self.start = StartAudit(self.tools)
        self.run_task = RunAuditTask(self.tools)
        pace = Pace(6000, timedelta(minutes=1), burst=1000)
        effects = Effects(
            self.tools, self.mailer, JinjaAuditText(), guest_reader, "https://guests.example", TENANT, pace
        )
        self.apply_remedies = ApplyRemediesStep(self.tools, effects, self.access)
        self.sweep_remedies = Sweep(self.tools.remedies, self.run_task.look_at, self.outbox, self.clock)
        self.commands = AuditCommands(self.tools, self.access)

    async def sweep(self) -> int:
        return await self.run_task.sweep() + await self.sweep_remedies()

    def switch(self, features: Features) -> None:
        """Go on as an app that was started anew with these features."""
        self.features = features
        self.equip(self.session, self.tables)

    async def clean(self, *permissions: str) -> None:
        """Storage and directory as on the first day, with an app that is set up as it should be."""
        await self._drop(AUDITS, SNAPSHOT, CHANGE_LOG, SETUPS, APPS, INVITATIONS)
        self.tenant.permit(*(permissions or PERMISSIONS))
        roles = [
            {"principalId": id_, "resourceId": TRAVEL, "appRoleId": DEFAULT_ROLE}
            for id_ in (OWNER, COLLEAGUE, GUESTS)
        ]
        powers = ("User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All")
        person = {"clientId": ADMIN_CLIENT, "objectId": f"{ADMIN_CLIENT[:-1]}f", "name": "admin center"}
        self.tenant.seed(
            groups=[self.group()],
            appRoleAssignments=roles,
            clients=[person | {"graphPermissions": [*powers, "AppRoleAssignment.ReadWrite.All"]}],
        )
        await self.set_up()

    async def forget(self) -> None:
        """As if there had been no audit yet."""
        await self._drop(AUDITS, SNAPSHOT)

    async def _drop(self, *tables: str) -> None:
        for table in tables:
            try:
                await self.tables.delete_table(table)
            except ResourceNotFoundError:
                continue

    @staticmethod
    def group(**changes: Any) -> dict[str, Any]:
        return {"id": GUESTS, "displayName": "Travel guests", "owners": [OWNER, COLLEAGUE]} | changes

    def regroup(self, **changes: Any) -> None:
        """Change the group by any means, even those that Graph does not offer; its members stay."""
        self.tenant.seed(groups=[self.group(**({"members": sorted(self.members())} | changes))])

    async def set_up(self, *, saml: Saml | None = None, policy: Policy | None = None, **changes: Any) -> AppRecord:
        """The app's record, as a setup leaves it."""
        setup = SetupId(new_id(self.clock.now(), self.clock.random_hex(10)))
        plan = SetupPlan(app=AppSpec(name="Contoso Travel"), owners=(OWNER,), saml=saml)
        made = new_setup(setup, plan, "digest", now=self.clock.now(), creator=ADMIN.object_id, name="Adam Admin")
        await self.setups.create(made)
        known = await self.setups.read_app(APP)
        record = AppRecord(
            app_id=APP,
            name="Contoso Travel",
            service_principal=PrincipalId(TRAVEL),
            group=GROUP,
            group_name="Travel guests",
            owners=(DirectoryUser(UserId(OWNER), "Olivia Owner"), DirectoryUser(UserId(COLLEAGUE), "Cleo Colleague")),
            approvers=(),
            policy=policy or Policy(),
            setup=setup,
            updated_at=self.clock.now(),
        )
        await self.setups.save_app(Versioned(replace(record, **changes), known.version if known else None))
        return record

    async def set_policy(self, **changes: Any) -> None:
        await self.commands.write_policy(APP, AuditPolicy(**changes), ADMIN)

    async def permit(self, *permissions: str) -> None:
        """Change what Guestlist's identity may do; it counts from its next token on, so it takes a new one."""
        self.tenant.permit(*permissions)
        credential = app_credential(None)
        self.session = GraphSession(base_url=self.tenant.graph_url, credential=credential)
        self._opened.append((self.session, credential))
        self.equip(self.session, self.tables)

    async def close(self) -> None:
        for session, credential in self._opened:
            await session.close()
            await credential.close()

    # Guests
    async def guests(self, *names: str, **changes: Any) -> list[str]:
        """Guests that Guestlist invited, and who came. Two days later."""
        ids = self.seed_guests(names, **changes)
        await self.remember(names, ids)
        self.clock.ahead += LONG_AGO
        return ids

    def seed_guests(self, names: Iterable[str], *, join: bool = True, **changes: Any) -> list[str]:
        """Guests in the directory, and (else `join` is false) in the group."""
        users = [self.user(name, **changes) for name in names]
        self.tenant.seed(users=users)
        ids = [str(user["id"]) for user in users]
        if join:
            self.join(*ids)
        return ids

    def join(self, *ids: str) -> None:
        """Make them members, as a person does in the admin center."""
        for id_ in ids:
            reference = {"@odata.id": f"{self.tenant.graph_url}/directoryObjects/{id_}"}
            self._as_admin("POST", f"/groups/{GUESTS}/members/$ref", reference)

    def leave(self, *ids: str) -> None:
        for id_ in ids:
            self._as_admin("DELETE", f"/groups/{GUESTS}/members/{id_}/$ref")

    def delete(self, *ids: str) -> None:
        for id_ in ids:
            self._as_admin("DELETE", f"/users/{id_}")

    def restore(self, user: str) -> None:
        self._as_admin("POST", f"/directory/deletedItems/{user}/restore")

    def patch(self, path: str, **changes: Any) -> None:
        self._as_admin("PATCH", path, changes)

    def _as_admin(self, method: str, path: str, body: Any = None) -> Any:
        """As somebody else than Guestlist, with every permission."""
        address = f"{self.tenant.graph_url}{path}"
        answer = self.tenant.http.request(method, address, json=body, headers=self._token())
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _token(self) -> dict[str, str]:
        order = {"audience": "https://graph.microsoft.com", "clientId": ADMIN_CLIENT}
        return {"Authorization": f"Bearer {self.tenant._ask('POST', 'tokens', order)['access_token']}"}

    def user(self, name: str, **changes: Any) -> dict[str, Any]:
        """A guest as the directory keeps it, who accepted on the day after the invitation."""
        address = name if "@" in name else f"{name}@fabrikam.com"
        created = datetime.now(UTC) - LONG_AGO
        facts = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, address)),
            "mail": address,
            "displayName": name.partition("@")[0].title(),
            "userType": "Guest",
            "creationType": "Invitation",
            "externalUserState": "Accepted",
            "createdDateTime": f"{created:%Y-%m-%dT%H:%M:%SZ}",
            "externalUserStateChangeDateTime": f"{created + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        return facts | changes

    async def remember(
        self, names: Sequence[str], ids: Sequence[str], *, group: GroupId = GROUP, **changes: Any
    ) -> list[Invitation]:
        """Their invitations, as they stand when Guestlist is done with them."""
        written: list[Invitation] = []
        at, table = self.clock.now(), Table(self.tables, INVITATIONS)
        for start in range(0, len(names), 20):
            chunk = new_id(at, self.clock.random_hex(10))
            few = [
                self._invitation(InvitationId(group, chunk, n), name, id_, at, **changes)
                for n, (name, id_) in enumerate(zip(names[start : start + 20], ids[start : start + 20], strict=True))
            ]
            written += few
        for start in range(0, len(written), 100):
            await table.write([insert(to_row(i)) for i in written[start : start + 100]])
        return written

    @staticmethod
    def _invitation(id_: InvitationId, name: str, user: str, at: datetime, **changes: Any) -> Invitation:
        address = name if "@" in name else f"{name}@fabrikam.com"
        facts: dict[str, Any] = {
            "id": id_,
            "address": parse_address(address),
            "display_name": None,
            "message": None,
            "language": None,
            "inviter_id": UserId(OWNER),
            "inviter_name": "Olivia Owner",
            "app_name": "Contoso Travel",
            "direct_link": "https://myapps.microsoft.com/",
            "created_at": at,
            "updated_at": at,
            "state": State.MEMBER,
            "user_id": UserId(user),
        }
        return Invitation(**(facts | changes))

    # Running
    async def audit(self) -> AuditId:
        """A whole audit, with what policy has done about it."""
        audit = await self.start.start_manual(ADMIN)
        await self.deliver_all()
        return audit.id

    async def deliver_all(self, *, most: int = 5000) -> None:
        """Deliver what is in the queues, and what follows from it, until nothing is left."""
        for _ in range(most):
            if not self.outbox.sent:
                return
            command, not_before = self.outbox.sent.pop(0)
            if not_before is not None:
                self.clock.wait_until(not_before)
            await self.deliver(command)
        raise AssertionError("there is no end of it")

    async def deliver(self, command: Command) -> None:
        """One delivery; what follows is in the queues then."""
        match command:
            case RunAudit():
                outcome = await self.run_task(command)
            case ApplyRemedies():
                outcome = await self.apply_remedies(command)
            case _:
                return  # The work of other steps, set going again.
        for then in outcome.then:
            await self.outbox.send(then)
        if outcome.later is not None:
            await self.outbox.send(outcome.later.command, not_before=outcome.later.not_before)

    async def read(self, audit: AuditId) -> Audit:
        return await self.commands.show(audit, ADMIN)

    async def findings(self, audit: AuditId) -> list[Finding]:
        return [f async for f in self.tools.audits.all_findings(audit)]

    async def found(self, audit: AuditId | None = None) -> list[tuple[str, str]]:
        """Rule and subject of what an audit finds; a new one, where none is given."""
        audit = audit or await self.audit()
        state = await self.read(audit)
        assert state.phase.value == "done", state
        return sorted((f.rule.value, f.subject) for f in await self.findings(audit))

    async def plan(self, audit: AuditId) -> Plan | None:
        stored = await self.tools.remedies.read_plan(audit, APP)
        return stored.value if stored else None

    async def actions(self, audit: AuditId) -> list[RemedyAction]:
        return [a.value for a in (await self.tools.remedies.list_actions(audit, APP, None, 1000))[0]]

    def members(self) -> set[str]:
        return {str(m["id"]) for m in self._as_admin("GET", f"/groups/{GUESTS}/members?$top=999")["value"]}

    def account(self, user: str) -> dict[str, Any] | None:
        """A guest's account as anybody reads it."""
        token = self._token()
        select = "id,accountEnabled,externalUserState,userType"
        answer = self.tenant.http.get(f"{self.tenant.graph_url}/users/{user}?$select={select}", headers=token)
        return None if answer.status_code == 404 else dict(answer.raise_for_status().json())

    def calls(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for call in self.tenant._ask("GET", "calls"):
            found[call["call"]] += int(call["count"])
        return found


ADMIN_CLIENT = "c0000000-0000-4000-8000-000000000009"
"""An app with every permission: what people do in the admin center."""
