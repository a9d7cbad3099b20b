"""A storage account with guests and owners in everything that is kept, and the work on one of them: what waits is
delivered by hand, and time goes on as it is waited for."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.audits.model.records import ActionState, Audit, Finding, Plan, PlanState, RemedyAction
from shared.audits.rows.audits import TableAuditStore, TableRemedyStore
from shared.audits.rows.snapshot import TableSnapshot
from shared.core.addresses import Address, parse_address
from shared.core.audit_rules import Remedy, Rule
from shared.core.caller import Caller
from shared.core.checks import Check, CheckState, Confirmation
from shared.core.clock import Timing
from shared.core.csv.dialect import detect
from shared.core.directory import DirectoryUser, Saml, UserChange, UserFacts
from shared.core.ids import (
    AppId,
    AuditId,
    GroupId,
    ImportId,
    InvitationId,
    PrincipalId,
    SetupId,
    SubjectRequestId,
    UserId,
    chunk_id,
    new_id,
)
from shared.core.records import ChangeLogEntry
from shared.core.versions import Versioned
from shared.imports.model.imports import Import, Progress, Rules, Target
from shared.imports.rows import TableImportStore
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.rows.store import TableStore
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.model.apps import AppRecord, Change, Kind, Policy
from shared.membership.ports import OwnAction
from shared.messages.commands import SearchPersonalData, SetupStep
from shared.messages.outcomes import Outcome
from shared.pace.pacing import DayLimit
from shared.people.files import FilePersonalData
from shared.people.model import SubjectRequest, SubjectRequestKind, SubjectRequestState
from shared.people.rows.cases import BlobExports, TableSubjectRequests
from shared.people.rows.personal_data import TablePersonalData
from shared.people.search import SubjectRequests
from shared.requests.model import Asked, Digest, JoinRequest, Limit, RequestState, request_id
from shared.requests.rows import TableRequestStore
from shared.setup.model import AppSpec, Found, SetupPlan, StepState, new_setup
from shared.setup.rows import TableSetupStore
from shared.storage.accounts import CONNECTION, blob_service, queue_service, table_service
from shared.storage.change_log import TableChangeLog
from shared.storage.files import BlobFiles
from tests.builders import NOW, an_invitation
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox

ADMIN = Caller(UserId("0ad00000-0000-4000-8000-000000000001"), "Adam Admin", frozenset({"PrivacyOfficer"}), False)
RULES = Rules(1000, sends_own_mail=True)


@dataclass(frozen=True)
class Somebody:
    """A guest or an owner; all of it is searched for in the bytes of the account."""

    address: Address
    user: UserId
    name: str
    message: str

    @classmethod
    def called(cls, name: str, domain: str = "fabrikam.com") -> Self:
        unique = uuid.uuid4().hex[:8]
        full = f"{name.capitalize()} {unique.capitalize()}"
        address = parse_address(f"{name.capitalize()}.{unique}@{domain}")
        return cls(address, UserId(str(uuid.uuid4())), full, f"Dear {name} of {unique}")

    @property
    def texts(self) -> set[str]:
        """In lower case."""
        own = (self.address.text, self.address.wire, self.name, self.message, self.user, self.user.replace("-", ""))
        return {text.lower() for text in own}


@dataclass
class Account:
    """The raw account."""

    tables: TableServiceClient
    blobs: BlobServiceClient
    queues: QueueServiceClient

    @classmethod
    @asynccontextmanager
    async def of(cls, azurite: Azurite) -> AsyncIterator[Self]:
        env = {CONNECTION: azurite.connection_string}
        async with AsyncExitStack() as exits:
            yield cls(
                await exits.enter_async_context(table_service(env)),
                await exits.enter_async_context(blob_service(env)),
                await exits.enter_async_context(queue_service(env)),
            )

    async def everything(self) -> dict[str, str]:
        """All rows, blobs and messages as text, by where they are."""
        found: dict[str, str] = {}
        async for table in self.tables.list_tables():
            async for row in self.tables.get_table_client(table.name).list_entities():
                text = "\n".join(f"{column} {value}" for column, value in sorted(row.items()))
                found[f"{table.name} {row['PartitionKey']} {row['RowKey']}"] = text
        async for container in self.blobs.list_containers():
            client = self.blobs.get_container_client(container.name)
            async for name in client.list_blob_names():
                content = await (await client.download_blob(name)).readall()
                found[f"{container.name} {name}"] = content.decode("utf-16-le" if b"\0" in content[:99] else "utf-8")
        async for queue in self.queues.list_queues():
            for n, message in enumerate(await self.queues.get_queue_client(queue.name).peek_messages(32)):
                found[f"{queue.name} {n}"] = str(message.content)
        return found

    async def clear(self) -> None:
        async for table in self.tables.list_tables():
            await self.tables.delete_table(table.name)
        async for container in self.blobs.list_containers():
            await self.blobs.delete_container(container.name)

    async def that_mention(self, who: Somebody) -> dict[str, str]:
        everything = await self.everything()
        return {k: v for k, v in everything.items() if any(text in f"{k}\n{v}".lower() for text in who.texts)}


@dataclass
class PersonWorld:
    account: Account
    clock: FakeClock = field(default_factory=FakeClock)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        tables, blobs = self.account.tables, self.account.blobs
        self.clock.count = uuid.uuid4().int % 16**9
        self.store, self.imports, self.setups = TableStore(tables), TableImportStore(tables), TableSetupStore(tables)
        self.requests, self.audits, self.remedies = (
            TableRequestStore(tables),
            TableAuditStore(tables),
            TableRemedyStore(tables),
        )
        self.snapshot, self.change_log, self.cases = (
            TableSnapshot(tables),
            TableChangeLog(tables),
            TableSubjectRequests(tables),
        )
        self.files, self.exports = BlobFiles(blobs), BlobExports(blobs)
        personal_data = (
            FilePersonalData(self.files, self.files, self.imports, RULES),
            TablePersonalData(tables),
            self.exports,
        )
        self.people = SubjectRequests(
            self.cases, personal_data, self.exports, self.audits, self.outbox, self.clock, self.timing
        )
        self.sweep = self.people.sweep

    # Working
    async def deliver(self, command: SearchPersonalData) -> Outcome:
        outcome = await self.people(command)
        for each in outcome.then:
            await self.outbox.send(each)
        if outcome.later is not None:
            await self.outbox.send(outcome.later.command, not_before=outcome.later.not_before)
        return outcome

    async def work(self, until: Callable[[SubjectRequest], bool] = lambda case: False) -> None:
        """Deliver what waits until nothing does; time goes on as it is waited for."""
        while self.outbox.sent:
            command, not_before = self.outbox.sent.pop(0)
            if not_before is not None:
                self.clock.time = max(self.clock.time, not_before)
            assert isinstance(command, SearchPersonalData)
            await self.deliver(command)
            if until(await self.case(command.case)):
                return

    async def case(self, case: SubjectRequestId) -> SubjectRequest:
        stored = await self.cases.read(case)
        assert stored is not None
        return stored.value

    async def erase(self, who: Somebody, *, confirmed: bool = True) -> SubjectRequest:
        case = await self.people.begin(SubjectRequestKind.ERASURE, who.address.text, None, ADMIN, confirmed=confirmed)
        await self.work()
        return await self.case(case.id)

    async def erase_user(self, who: Somebody) -> SubjectRequest:
        case = await self.people.begin(SubjectRequestKind.ERASURE, None, who.user, ADMIN, confirmed=True)
        await self.work()
        return await self.case(case.id)

    # Planting
    def new_id(self) -> str:
        return new_id(NOW, uuid.uuid4().hex[:10])

    def invitation(self, guest: Somebody, owner: Somebody, group: GroupId, **changes: Any) -> Invitation:
        facts: dict[str, Any] = {
            "id": InvitationId(group, new_id(NOW, uuid.uuid4().hex[:10]), 0),
            "address": guest.address,
            "display_name": guest.name,
            "message": guest.message,
            "language": "de",
            "inviter_id": owner.user,
            "inviter_name": owner.name,
            "state": State.MAILED,
            "user_id": guest.user,
            "redeem_url": f"https://login/redeem?login_hint={guest.address.wire}",
            "mail_handle": f"draft for {guest.name}",
            "detail": f"'{guest.address.text}' was there",
            "expires": NOW.date(),
        }
        return an_invitation(**(facts | changes))

    async def plant_a_little(self, guest: Somebody, owner: Somebody) -> GroupId:
        """A file with its row, an invitation and a join request."""
        group = GroupId(str(uuid.uuid4()))
        await self.store.accept([self.invitation(guest, owner, group)], None)
        await self.plant_import([guest], owner, group)
        await self.plant_request(guest, owner, group)
        return group

    async def plant(self, guest: Somebody, owner: Somebody) -> GroupId:
        """Both in everything that is kept; gives the group. Nothing of it is under way."""
        group, app = GroupId(str(uuid.uuid4())), AppId(str(uuid.uuid4()))
        invitation = self.invitation(guest, owner, group)
        await self.store.accept([invitation], None)
        await self.store.accept([self.invitation(guest, owner, group, state=State.FAILED)], None)
        await self.store.take_of_day({f"inviter-{owner.user}": DayLimit(9, 9)}, 1, NOW)
        await asyncio.gather(
            self.plant_import([guest], owner, group),
            self.plant_request(guest, owner, group),
            self.plant_setup(owner, group, app),
            self.plant_audit(guest, owner, group, app, invitation),
        )
        return group

    async def plant_import(
        self, guests: list[Somebody], owner: Somebody, group: GroupId, *, encoding: str = "utf-8", ended: bool = True
    ) -> ImportId:
        import_id = ImportId(self.new_id())
        rows = [f'{g.address.text};"{g.name}";"{g.message};\nsee you";{group}' for g in guests]
        content = "\n".join(["address;name;message;group", *rows, ""]).encode(encoding)
        await self.files.write(import_id, content)
        record = Import(
            import_id, group, "guests.csv", len(content), detect(content), owner.user, owner.name, True, NOW, "d",
            finished_at=NOW if ended else None, resumer=owner.user, resumer_name=owner.name,
        )  # fmt: skip
        policy = Policy(approvers=(owner.address.text, "somebody@contoso.com"))
        targets = {group: Target("App", "https://link", (policy,))}
        await self.imports.create(record, Progress(record.dialect.start, targets=targets, all_read=ended))
        for n, guest in enumerate(guests):
            place = InvitationId(group, chunk_id(import_id, 0, n), 0)
            row = self.invitation(guest, owner, group, id=place, import_id=import_id, line=2 + 2 * n)
            await self.store.accept_import([row], {}, NOW)
        return import_id

    async def plant_request(self, guest: Somebody, owner: Somebody, group: GroupId, **changes: Any) -> None:
        facts: dict[str, Any] = {
            "id": request_id(group, guest.address),
            "group": group,
            "address": guest.address,
            "code": "0" * 32,
            "app_name": "Contoso Travel",
            "requested_at": NOW,
            "updated_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "state": RequestState.DECLINED,
            "display_name": guest.name,
            "reason_given": guest.message,
            "decided_by": owner.user,
            "decided_by_name": owner.name,
            "to_tell": (owner.user, UserId(str(uuid.uuid4()))),
        }
        facts["again"] = Asked("0" * 32, "Contoso Travel", NOW, NOW, guest.name, guest.message)
        await self.requests.save(Versioned(JoinRequest(**(facts | changes)), None))
        if await self.requests.read_digest(owner.user) is None:
            await self.requests.save_digest(Versioned(Digest(owner.user, (group,)), None), NOW)
        await self.requests.count_up(f"address {group} {guest.address.key}", Limit(9, timedelta(days=1)), NOW)

    async def plant_setup(self, owner: Somebody, group: GroupId, app: AppId) -> None:
        person, other = DirectoryUser(owner.user, owner.name), DirectoryUser(UserId(str(uuid.uuid4())), "Oscar Other")
        plan = SetupPlan(
            AppSpec(name="Contoso Travel"),
            (owner.address.text, owner.user, "oscar@contoso.com"),
            saml=Saml(("urn:a",), ("https://a",), notification_emails=(owner.address.text, "it@contoso.com")),
            policy=Policy(approvers=(owner.address.text,)),
        )
        setup = new_setup(SetupId(self.new_id()), plan, "d", now=NOW, creator=owner.user, name=owner.name)
        confirmation = Confirmation(owner.user, owner.name, NOW, f"says {owner.name}")
        owners = replace(
            setup.steps[SetupStep.OWNERS],
            state=StepState.DONE,
            changes=(Change(Kind.OWNER, owner.user, f"{owner.name} made an owner"),),
            found=Found(owners=(person, other), approvers=(person,)),
            confirmation=confirmation,
        )
        checks = (Check("Owners", CheckState.OK, f"{owner.name}, Oscar Other"),)
        verify = replace(setup.steps[SetupStep.VERIFY], state=StepState.DONE, checks=checks, notes=(owner.name,))
        steps = {**setup.steps, SetupStep.OWNERS: owners, SetupStep.VERIFY: verify}
        await self.setups.create(replace(setup, steps=steps))
        record = AppRecord(
            app, "Contoso Travel", PrincipalId("sp"), group, "Guests", (person, other), (person,),
            Policy(approvers=(owner.address.text,)), setup.id, NOW,
            (Change(Kind.OWNER, owner.user, f"{owner.name} made an owner"), Change(Kind.GROUP, group, "group made")),
        )  # fmt: skip
        await self.setups.save_app(Versioned(record, None))
        await self.setups.write_confirmation(f"self-service-{app}", confirmation)

    async def plant_audit(
        self, guest: Somebody, owner: Somebody, group: GroupId, app: AppId, invitation: Invitation
    ) -> None:
        audit, by = AuditId(self.new_id()), f"{owner.name} ({owner.user})"
        await self.audits.save(Versioned(Audit(audit, NOW, by), None))
        about = Finding(Rule.EXPIRED, guest.user, group, app, guest.name, guest.message, NOW, guest.address.wire)
        left = Finding(Rule.OWNER_LEFT, owner.user, group, app, owner.name, "left", NOW)
        stuck = Finding(Rule.STUCK, str(invitation.id), group, None, guest.name, "", NOW, guest.address.wire)
        await self.audits.write_findings(audit, [about, left, stuck])
        await self.remedies.save_plan(
            Versioned(Plan(audit, app, group, "App", PlanState.DONE, 1, 1, NOW, by, "done", owner.user), None)
        )
        action = RemedyAction(
            Remedy.REMOVE, Rule.EXPIRED, guest.user, guest.name, guest.address.wire, about.id, ActionState.DONE
        )
        tell = RemedyAction(
            Remedy.NOTIFY_OWNER, Rule.EXPIRED, owner.user, owner.name, None, about.id, ActionState.DONE
        )
        await self.remedies.add_actions(audit, app, [action, tell])
        assert await self.remedies.take_turn(f"told_{app}_{owner.user}", audit, NOW, None)
        assert await self.remedies.take_turn(f"invited_{group}_{guest.user}", audit, NOW, None)
        for who, is_guest in ((guest, True), (owner, False)):
            facts = UserFacts(is_guest=is_guest, name=who.name, address=who.address.wire, other_addresses=())
            await self.snapshot.note_users(audit, [UserChange(who.user, facts)])
        twin = UserId(str(uuid.uuid4()))
        shared = UserFacts(is_guest=True, name="Tina Twin", address=f"tina.{twin}@fabrikam.com", other_addresses=())
        await self.snapshot.note_users(audit, [UserChange(twin, shared)])
        await self.snapshot.record_actions(
            audit,
            [
                OwnAction(guest.user, group, ExpectedMembership(True, NOW, str(invitation.id)), guest.address.key),
                OwnAction(guest.user, group, None, f"shared.{twin}@fabrikam.com"),
                OwnAction(twin, group, None, f"shared.{twin}@fabrikam.com"),
            ],
        )
        await self.snapshot.mark_twins(audit, {twin: {guest.user}})
        await self.snapshot.touch(audit, [guest.user])
        await self.snapshot.write_due({guest.user: NOW})
        entry = ChangeLogEntry(
            uuid.uuid4().hex, NOW, f"{by}, by rule 'membership-expired'", "remove", guest.user, guest.name, group,
            app, "member", "no member", str(audit), "membership-expired", f"request {guest.user}",
        )  # fmt: skip
        await self.change_log.add([entry])


def is_over(case: SubjectRequest) -> bool:
    return case.state is not SubjectRequestState.RUNNING
