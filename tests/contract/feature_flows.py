"""What each feature asks of the directory, through the real adapters and steps, under permissions that a test grants:
a flow gives what the directory refused of it, in the words that people get to read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import ActionState
from shared.core.addresses import parse_address
from shared.core.audit_rules import Remedy, Rule
from shared.core.checks import CheckState
from shared.core.directory import Saml
from shared.core.errors import Refused
from shared.core.features import FEATURES, Feature, needed_by
from shared.core.ids import GroupId, UserId
from shared.core.results import Declined, Invited
from shared.graph.changes import GraphChanges
from shared.graph.directory import GraphDirectory
from shared.graph.guests import GraphGuestReader
from shared.graph.ports import GuestToInvite, Standing
from shared.graph.principals import GraphPrincipals
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.mail.graph_mailbox import GraphMailbox
from shared.mail.ports import Prepared
from shared.membership.model.apps import Policy
from shared.messages.commands import SetupStep
from shared.setup.model import AppSpec, SelfService, StepState, sorted_by_need
from tests.contract.audit_world import ADMIN, APP, AuditWorld
from tests.contract.audit_world import GROUP as AUDITED
from tests.contract.mail_conditions import a_mail
from tests.contract.setup_world import ADMIN as SETUP_ADMIN
from tests.contract.setup_world import TEMPLATE, SetupWorld
from tests.contract.simulated_tenant import GUESTS, OWNER, TRAVEL, TRAVEL_APP_ID, SimulatedTenant, no_key

GROUP, TRAVEL_APP = GroupId(GUESTS), "Contoso Travel"


def exactly(feature: Feature) -> set[str]:
    """What is granted where this feature is on, with what it needs and nothing else. Setup may have an identity of
    its own, which invites nobody."""
    beside = () if feature in (Feature.SETUP, Feature.ACCESS_PACKAGES) else (Feature.INVITING,)
    return {p.name for f in (*beside, *FEATURES[feature].needs, feature) for p in needed_by(f)}


@dataclass
class Parts:
    """The parts that flows run on. `permit` says from when on the identity may do no more than is granted."""

    tenant: SimulatedTenant
    session: GraphSession
    tables: TableServiceClient
    granted: set[str]
    _opened: list[Any] = field(default_factory=list)

    def permit(self) -> GraphSession:
        self.tenant.permit(*sorted(self.granted))
        credential = app_credential(None)
        session = GraphSession(base_url=self.tenant.graph_url, credential=credential)
        self._opened += [session, credential]
        return session

    async def close(self) -> None:
        for each in self._opened:
            await each.close()


def declined(*answers: object) -> list[str]:
    return [a.detail for a in answers if isinstance(a, Declined)]


async def set_up(_groups: Sequence[GroupId]) -> Mapping[GroupId, Sequence[str]]:
    """What the records say of the group."""
    return {GROUP: [TRAVEL]}


async def inviting(parts: Parts) -> list[str]:
    session = parts.permit()
    directory, guest_reader = (
        GraphDirectory(session, set_up),
        GraphGuestReader(session, no_key, set_up, sign_ins=False),
    )
    principals = GraphPrincipals(session, TRAVEL_APP_ID)
    assert (await principals.standing([UserId(OWNER)]))[UserId(OWNER)] == Standing(True, False, False)
    assert await principals.roles_of(UserId(OWNER)) == set()
    address = parse_address("ada@fabrikam.com")
    await directory.find([address])
    facts = await directory.read_group(GROUP)
    assert [app.name for app in facts.apps] == [TRAVEL_APP]
    guest = GuestToInvite(address, "Ada", "https://myapps.microsoft.com", mail=True, language=None)
    [invited] = await directory.invite([guest])
    if not isinstance(invited, Invited):
        return declined(invited)
    joined = await directory.join(GROUP, [invited.user_id])
    if refused := declined(*joined):
        return refused
    assert await directory.are_members(GROUP, [invited.user_id]) == [True]
    [owned] = await guest_reader.owned_groups(UserId(OWNER))
    assert (owned.name, [app.name for app in owned.apps]) == ("Travel guests", [TRAVEL_APP])
    assert [g.id for g in (await guest_reader.guests(GROUP, None)).guests] == [invited.user_id]
    assert [g.id for g in (await guest_reader.guests(GROUP, None, "Ada")).guests] == [invited.user_id]
    assert await guest_reader.guest(GROUP, invited.user_id) is not None
    assert await guest_reader.mail_address(UserId(OWNER)) is not None
    [look] = await directory.get_guests([invited.user_id], accounts_alone=True)
    assert (look.is_guest, look.pending) == (True, True)
    return declined(*await directory.leave(GROUP, [invited.user_id]))


async def setup(parts: Parts) -> list[str]:
    """A whole setup of a new app of the gallery, and taking it apart."""
    world = SetupWorld(parts.tenant, parts.session, parts.tables)
    await world.clean()
    try:
        await world.permit(*sorted(parts.granted))
        saml = Saml(("api://trips",), ("https://trips.example/acs",), "https://trips.example", ("ops@contoso.com",))
        plan = world.plan(
            app=AppSpec(template=TEMPLATE, name="Trips"),
            app_role="User",
            saml=saml,
            owners=(OWNER, "cleo@subsidiary.com"),
            policy=Policy(approvers=("cleo@subsidiary.com",)),
        )
        await world.commands.dry_run(plan, SETUP_ADMIN)
        made, found = await world.begin(plan), []
        for step in sorted_by_need():
            record = await world.finish(made, step)
            found += [c.found for c in record.checks if c.state is CheckState.UNKNOWN and "Grant" in c.found]
            if record.state is StepState.FAILED:
                return [*found, record.detail or ""]
            if record.state is StepState.MANUAL:
                await world.commands.confirm(made, step, SETUP_ADMIN, None)
        [app] = await world.apps.list(SETUP_ADMIN)
        await world.apps.remove(
            app.app_id, SETUP_ADMIN, (await world.apps.check_removal(app.app_id, SETUP_ADMIN)).tag
        )
        await world.apps.remove_app(world.outbox.sent[-1][0])  # type: ignore[arg-type]
        assert await world.apps.list(SETUP_ADMIN) == []
        return found
    finally:
        await world.close()


async def access_packages(parts: Parts) -> list[str]:
    """The step that makes the package, of a setup whose other steps are done."""
    world = SetupWorld(parts.tenant, parts.session, parts.tables)
    await world.clean()
    try:
        plan = world.plan(app=AppSpec(name="Expenses"), self_service=SelfService.ACCESS_PACKAGE)
        made = await world.begin(plan)
        await world.up_to(made, SetupStep.SELF_SERVICE_ACCESS)
        await world.permit(*sorted(parts.granted))
        record = await world.finish(made, SetupStep.SELF_SERVICE_ACCESS)
        return [] if record.state is StepState.DONE else [record.detail or ""]
    finally:
        await world.close()


async def audits(parts: Parts) -> list[str]:
    """Two audits: a whole one, and one of what changed."""
    world = AuditWorld(parts.tenant, parts.session, parts.tables)
    await world.clean()
    try:
        await world.guests("fine")
        await world.permit(*sorted(parts.granted))
        for _ in range(2):
            audit = await world.read(await world.audit())
            if audit.detail:
                return [audit.detail]
        return []
    finally:
        await world.close()


async def remedies(parts: Parts) -> list[str]:
    """Each remedy that touches a guest, and taking back those that can be."""
    world = AuditWorld(parts.tenant, parts.session, parts.tables)
    await world.clean()
    try:
        old = f"{datetime.now(UTC) - timedelta(days=31):%Y-%m-%dT%H:%M:%SZ}"
        await world.guests("late", externalUserState="PendingAcceptance", createdDateTime=old)
        await world.guests("over", "eve@blocked.example")
        world.seed_guests(["stray"])
        yesterday = (world.clock.now() - timedelta(days=1)).date()
        await world.store.write_expiry(AUDITED, "over@fabrikam.com", yesterday)
        await world.set_up(policy=Policy(blocked_domains=("blocked.example",)))
        asked = {
            Rule.NEVER_REDEEMED: Remedy.RESEND,
            Rule.EXPIRED: Remedy.REMOVE,
            Rule.DOMAIN_BLOCKED: Remedy.BLOCK,
            Rule.NOT_INVITED: Remedy.DELETE,
        }
        await world.set_policy(remedies=asked, auto_apply=True, max_percent=100)
        await world.permit(*sorted(parts.granted))
        audit = await world.audit()
        if detail := (await world.read(audit)).detail:
            return [detail]
        actions = await world.actions(audit)
        assert {a.remedy for a in actions} == set(asked.values()), actions
        if refused := [a.detail or "" for a in actions if a.state is not ActionState.DONE]:
            return refused
        await world.commands.undo(audit, APP, ADMIN)
        await world.deliver_all()
        back = [a for a in await world.actions(audit) if a.remedy is not Remedy.RESEND]
        return [a.detail or "" for a in back if a.state is not ActionState.UNDONE]
    finally:
        await world.close()


async def undo(parts: Parts) -> list[str]:
    """What an undo of an import and a cancelled invitation ask of the directory."""
    [user] = [UserId(u) for u in parts.tenant.invite("ada@fabrikam.com")]
    parts.tenant.seed(groups=[{"id": GUESTS, "displayName": "Travel guests", "owners": [OWNER], "members": [user]}])
    directory = GraphDirectory(parts.permit())
    [look] = await directory.get_guests([user])
    assert look.pending
    assert not look.has_more_than(GROUP)
    left = await directory.leave(GROUP, [user])
    return declined(*left, *await directory.delete_guests([user]))


async def sign_ins(parts: Parts) -> list[str]:
    long_ago = datetime.now(UTC) - timedelta(days=100)
    activity = {"signInActivity": {"lastSignInDateTime": f"{long_ago:%Y-%m-%dT%H:%M:%SZ}"}}
    [user] = [UserId(u) for u in parts.tenant.invite("ada@fabrikam.com")]
    parts.tenant.seed(
        users=[{"id": user, "mail": "ada@fabrikam.com", "userType": "Guest", **activity}],
        groups=[{"id": GUESTS, "displayName": "Travel guests", "owners": [OWNER], "members": [user]}],
    )
    session = parts.permit()
    guest_reader = GraphGuestReader(session, no_key)
    assert await guest_reader.guest(GROUP, user) is not None
    page = await guest_reader.guests(GROUP, None)
    inactive = await GraphChanges(session).inactive_guests(datetime.now(UTC) - timedelta(days=90))
    if page.sign_ins_known and inactive is not None:
        assert page.guests[0].last_sign_in is not None
        assert set(inactive) == {user}
        return []
    return ["AuditLog.Read.All: nobody's last sign-in is known"]


async def mailbox(parts: Parts) -> list[str]:
    parts.tenant.seed(mailboxes=[OWNER])
    box, mail = GraphMailbox(parts.permit(), OWNER), a_mail()
    [prepared] = await box.prepare([mail], again=False)
    if not isinstance(prepared, Prepared):
        return declined(prepared)
    return declined(*await box.dispatch([(prepared.handle, mail)], again=False))


FLOWS: dict[Feature, Callable[[Parts], Awaitable[list[str]]]] = {
    Feature.INVITING: inviting,
    Feature.SETUP: setup,
    Feature.ACCESS_PACKAGES: access_packages,
    Feature.AUDITS: audits,
    Feature.REMEDIES: remedies,
    Feature.UNDO: undo,
    Feature.SIGN_INS: sign_ins,
    Feature.MAILBOX: mailbox,
}


async def run(feature: Feature, parts: Parts) -> list[str]:
    """What was refused, as people are told."""
    try:
        return await FLOWS[feature](parts)
    except Refused as e:
        return [e.detail or ""]
    finally:
        await parts.close()
