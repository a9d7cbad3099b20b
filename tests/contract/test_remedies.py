"""Each remedy of the audits: planned only, carried out, held by a limit, done twice, killed before each write, and
taken back. On Azurite and the simulated tenant, through the real adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import ActionState, PlanState
from shared.core.audit_rules import Remedy, Rule
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import AuditId, UserId
from shared.core.reasons import Reason
from shared.graph.session import GraphSession
from shared.mail.graph_mailbox import GraphMailbox
from shared.membership.model.apps import Policy
from shared.messages.commands import ApplyRemedies
from shared.pace.pacing import Pace
from shared.storage.change_log import TableChangeLog
from tests.contract.audit_world import ADMIN, APP, GROUP, PERMISSIONS, AuditWorld, Death, Killed
from tests.contract.simulated_tenant import OWNER, SimulatedTenant
from tests.fakes.principals import DISABLED

MAILBOX = OWNER
DONE_TO_GUESTS = (Remedy.RESEND, Remedy.REMOVE, Remedy.BLOCK, Remedy.DELETE)
AUDITOR = Caller(UserId("0ad00000-0000-4000-8000-000000000002"), "Audrey Auditor", frozenset({"Auditor"}), False)


@pytest.fixture
async def world(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[AuditWorld]:
    world = AuditWorld(tenant, session, tables)
    await with_mail(world)
    await world.clean(*PERMISSIONS, "Mail.ReadWrite", "Mail.Send")
    yield world
    await world.close()


async def with_mail(world: AuditWorld) -> None:
    world.tenant.seed(mailboxes=[MAILBOX])
    world.mailer = GraphMailbox(world.session, MAILBOX, pace=Pace(6000, timedelta(minutes=1), burst=100))
    world.equip(world.session, world.tables)


@dataclass(frozen=True)
class Case:
    """A remedy and a rule that may ask for it; `came` tells what it leaves in the directory, `is_back` whether
    that has been taken back."""

    remedy: Remedy
    rule: Rule
    plant: Callable[[AuditWorld], Awaitable[str]]
    came: Callable[[AuditWorld, str], bool]


async def never_came(world: AuditWorld) -> str:
    old = f"{datetime.now(UTC) - timedelta(days=31):%Y-%m-%dT%H:%M:%SZ}"
    [late] = await world.guests("late", externalUserState="PendingAcceptance", createdDateTime=old)
    return late


async def past_the_last_day(world: AuditWorld) -> str:
    [expired] = await world.guests("expired")
    yesterday = (world.clock.now() - timedelta(days=1)).date()
    await world.store.write_expiry(GROUP, "expired@fabrikam.com", yesterday)
    return expired


async def of_a_blocked_domain(world: AuditWorld) -> str:
    [blocked] = await world.guests("eve@blocked.example")
    await world.set_up(policy=Policy(blocked_domains=("blocked.example",)))
    return blocked


async def added_by_hand(world: AuditWorld) -> str:
    [stray] = world.seed_guests(["stray"])
    return stray


def is_no_member(world: AuditWorld, guest: str) -> bool:
    return guest not in world.members() and world.account(guest) is not None


def is_blocked(world: AuditWorld, guest: str) -> bool:
    found = world.account(guest)
    return found is not None and found["accountEnabled"] is False


def is_deleted(world: AuditWorld, guest: str) -> bool:
    return world.account(guest) is None


def was_invited_again(world: AuditWorld, guest: str) -> bool:
    return world.tenant.tickets().get("late@fabrikam.com") == 1 and len(mails(world)) == 1


def owners_were_told(world: AuditWorld, guest: str) -> bool:
    told = sorted(address for m in mails(world) for address in m["to"])
    return told == ["cleo@subsidiary.com", "olivia@contoso.com"]


def mails(world: AuditWorld) -> list[dict[str, Any]]:
    return world.tenant.mails()


CASES = [
    Case(Remedy.NOTIFY_OWNER, Rule.NOT_INVITED, added_by_hand, owners_were_told),
    Case(Remedy.RESEND, Rule.NEVER_REDEEMED, never_came, was_invited_again),
    Case(Remedy.REMOVE, Rule.EXPIRED, past_the_last_day, is_no_member),
    Case(Remedy.BLOCK, Rule.DOMAIN_BLOCKED, of_a_blocked_domain, is_blocked),
    Case(Remedy.DELETE, Rule.NEVER_REDEEMED, never_came, is_deleted),
]
EACH = pytest.mark.parametrize("case", CASES, ids=[c.remedy.value for c in CASES])
TO_GUESTS = pytest.mark.parametrize(
    "case", [c for c in CASES if c.remedy is not Remedy.NOTIFY_OWNER], ids=[r.value for r in DONE_TO_GUESTS]
)
WITH_A_WAY_BACK = pytest.mark.parametrize("case", CASES[2:], ids=[c.remedy.value for c in CASES[2:]])


async def audited(world: AuditWorld, case: Case, **policy: Any) -> tuple[AuditId, str]:
    """An audit of a group with one guest at fault, by a policy that asks for the remedy."""
    await world.guests("fine", "well")
    guest = await case.plant(world)
    await world.set_policy(remedies={case.rule: case.remedy}, **policy)
    return await world.audit(), guest


async def states(world: AuditWorld, audit: AuditId) -> set[ActionState]:
    return {a.state for a in await world.actions(audit)}


@EACH
async def test_a_dry_run_says_what_would_be_done_and_does_nothing(world: AuditWorld, case: Case) -> None:
    before = world.calls()
    audit, guest = await audited(world, case)

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.PLANNED
    assert await states(world, audit) == {ActionState.PLANNED}
    if case.remedy is not Remedy.NOTIFY_OWNER:
        assert [a.subject for a in await world.actions(audit)] == [guest]
    assert not case.came(world, guest)
    assert wrote(world) == wrote_before(before), "a dry run writes nothing in the directory"
    assert (await world.tools.change_log.read(None, 10))[0] == []


@EACH
async def test_a_real_run_does_it_and_writes_it_down(world: AuditWorld, case: Case) -> None:
    audit, guest = await audited(world, case, auto_apply=True)

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.DONE
    assert await states(world, audit) == {ActionState.DONE}
    assert case.came(world, guest)
    change_log = (await world.tools.change_log.read(None, 10))[0]
    if case.remedy is Remedy.NOTIFY_OWNER:
        assert change_log == [], "a mail to an owner changes nothing"
        return
    [entry] = change_log
    assert (entry.what, entry.subject, entry.rule, entry.audit) == (case.remedy.value, guest, case.rule.value, audit)
    assert entry.who == f"rule '{case.rule.value}'"
    assert entry.before
    assert entry.after
    assert entry.before != entry.after
    assert entry.request_id, "Graph's own number"


@TO_GUESTS
@pytest.mark.parametrize(
    ("limit", "says"),
    [({"max_guests": 1}, "1 is the most"), ({"max_guests": 50, "max_percent": 25}, "25 % of them, 1,")],
)
async def test_a_run_that_would_touch_too_many_touches_nobody_until_an_admin_says_so(
    world: AuditWorld, case: Case, limit: dict[str, int], says: str
) -> None:
    await world.guests("fine", "well")
    first = await case.plant(world)
    second = await another(world, case)
    await world.set_policy(remedies={case.rule: case.remedy}, auto_apply=True, **({"max_percent": 100} | limit))
    audit = await world.audit()

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.HELD
    assert (plan.touched, plan.guests) == (2, 4)
    assert plan.detail is not None
    assert says in plan.detail
    assert await states(world, audit) == {ActionState.PLANNED}
    assert not case.came(world, first)
    with pytest.raises(Refused) as refused:
        await world.commands.apply(audit, APP, AUDITOR)
    assert refused.value.reason is Reason.NOT_ADMIN

    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()
    assert await states(world, audit) == {ActionState.DONE}
    change_log = (await world.tools.change_log.read(None, 10))[0]
    assert {e.subject for e in change_log} == {first, second}
    assert all(e.who.startswith("Adam Admin (") for e in change_log)


async def another(world: AuditWorld, case: Case) -> str:
    match case.rule:
        case Rule.NEVER_REDEEMED:
            old = f"{datetime.now(UTC) - timedelta(days=31):%Y-%m-%dT%H:%M:%SZ}"
            [two] = await world.guests("two", externalUserState="PendingAcceptance", createdDateTime=old)
        case Rule.EXPIRED:
            [two] = await world.guests("two")
            await world.store.write_expiry(GROUP, "two@fabrikam.com", (world.clock.now() - timedelta(days=1)).date())
        case _:
            [two] = await world.guests("two@blocked.example")
    return two


@pytest.mark.parametrize("case", CASES[2:], ids=[c.remedy.value for c in CASES[2:]])
async def test_who_turned_a_colleague_between_audit_and_remedy_is_left_alone(world: AuditWorld, case: Case) -> None:
    await world.guests("fine", "well")
    guest, other = await case.plant(world), await another(world, case)
    await world.set_policy(remedies={case.rule: case.remedy}, auto_apply=True, max_guests=1, max_percent=100)
    audit = await world.audit()
    assert await states(world, audit) == {ActionState.PLANNED}
    become_a_colleague(world, guest)

    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()

    assert not case.came(world, guest)
    assert case.came(world, other)
    [action] = [a for a in await world.actions(audit) if a.subject == guest]
    assert (action.state, action.detail) == (ActionState.SPARED, "the account is no guest's any more")


@pytest.mark.parametrize("case", CASES[2:], ids=[c.remedy.value for c in CASES[2:]])
async def test_who_turns_a_colleague_after_the_last_look_is_left_alone_by_the_remedy_itself(
    world: AuditWorld, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = world.tools.groups.get_guests

    async def look(users: list[UserId], **_: bool) -> object:
        found = await looked(users)
        for user in users:
            become_a_colleague(world, user)
        return found

    monkeypatch.setattr(world.tools.groups, "get_guests", look)
    audit, guest = await audited(world, case, auto_apply=True, max_percent=100)

    assert not case.came(world, guest)
    [action] = await world.actions(audit)
    assert (action.state, "userType is Member" in (action.detail or "")) == (ActionState.FAILED, True)


def become_a_colleague(world: AuditWorld, guest: str) -> None:
    world._as_admin("PATCH", f"/users/{guest}", {"userType": "Member"})


@EACH
async def test_done_twice_it_is_done_once(world: AuditWorld, case: Case) -> None:
    audit, guest = await audited(world, case)
    await world.commands.apply(audit, APP, ADMIN)
    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()
    written = wrote(world)
    for _ in range(2):
        await world.deliver(ApplyRemedies(audit, APP))
        await world.deliver_all()

    assert case.came(world, guest)
    assert wrote(world) == written, "a message that comes again writes nothing"
    assert len((await world.tools.change_log.read(None, 10))[0]) == (0 if case.remedy is Remedy.NOTIFY_OWNER else 1)
    with pytest.raises(Refused) as refused:
        await world.commands.apply(audit, APP, ADMIN)
    assert refused.value.reason is Reason.REMEDIES_ENDED


@EACH
async def test_killed_before_any_write_it_is_done_once_all_the_same(
    world: AuditWorld, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0
    while True:
        await with_mail(world)
        audit, guest = await audited(world, case)
        await world.commands.apply(audit, APP, ADMIN)
        lived = await die_before(deaths + 1, world, audit, monkeypatch)
        told = [m["subject"] for m in mails(world)]

        if case.remedy is Remedy.RESEND and not case.came(world, guest):
            # Death between taking the turn and sending: nobody knows whether the mail went out; it is not repeated.
            assert (told, await states(world, audit)) == ([], {ActionState.DONE}), f"death {deaths + 1}"
            [action] = await world.actions(audit)
            assert "not known" in (action.after or "")
        else:
            assert case.came(world, guest), f"death {deaths + 1}"
            assert len(told) == {Remedy.NOTIFY_OWNER: 2, Remedy.RESEND: 1}.get(case.remedy, 0), f"death {deaths + 1}"
        plan = await world.plan(audit)
        assert plan is not None
        assert plan.state is PlanState.DONE
        assert len((await world.tools.change_log.read(None, 10))[0]) == (
            0 if case.remedy is Remedy.NOTIFY_OWNER else 1
        )
        if lived:
            break
        deaths += 1
        world.tenant.reset()
        await world.clean(*PERMISSIONS, "Mail.ReadWrite", "Mail.Send")
    assert deaths >= 5


async def die_before(write: int, world: AuditWorld, audit: AuditId, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Deliver to the end; the delivery that comes to the n-th write dies before it, and its message comes again when
    its time is over. True where there was no n-th write."""
    death = Death(write)
    with monkeypatch.context() as patch:
        death.at_every_write(patch)
        try:
            await world.deliver_all()
        except Killed:
            world.outbox.sent.clear()
            world.clock.ahead += timedelta(minutes=1)
            await world.deliver(ApplyRemedies(audit, APP))
            await world.deliver_all()
    return not death.came


@WITH_A_WAY_BACK
async def test_there_is_a_way_back(world: AuditWorld, case: Case) -> None:
    audit, guest = await audited(world, case, auto_apply=True)
    assert case.came(world, guest)

    await world.commands.undo(audit, APP, ADMIN)
    await world.deliver_all()

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.UNDONE
    assert await states(world, audit) == {ActionState.UNDONE}
    account = world.account(guest)
    assert account is not None
    assert account["accountEnabled"] is True
    assert guest in world.members()
    back, done = (await world.tools.change_log.read(None, 10))[0]
    assert (back.what, back.subject) == (f"undo-{case.remedy.value}", guest)
    assert back.who.startswith("Adam Admin (")
    assert (back.before, back.after) == (done.after, done.before)
    assert back.request_id
    # What was at fault before is so again; nothing else is.
    await world.set_policy()
    world.clock.ahead += timedelta(hours=2)
    assert await world.found() == [(case.rule.value, guest)]


@WITH_A_WAY_BACK
async def test_what_was_begun_when_its_delivery_died_is_taken_back_as_well(
    world: AuditWorld, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, guest = await audited(world, case)
    await world.commands.apply(audit, APP, ADMIN)
    command, _ = world.outbox.sent.pop(0)
    with monkeypatch.context() as patch:

        async def dies(change_log: TableChangeLog, entries: object) -> None:
            raise Killed

        patch.setattr(TableChangeLog, "add", dies)
        with pytest.raises(Killed):
            await world.deliver(command)
    assert case.came(world, guest)
    assert await states(world, audit) == {ActionState.STARTED}

    await world.commands.undo(audit, APP, ADMIN)
    await world.deliver_all()
    account = world.account(guest)
    assert account is not None
    assert account["accountEnabled"] is True
    assert guest in world.members()
    assert await states(world, audit) == {ActionState.UNDONE}


@WITH_A_WAY_BACK
async def test_the_way_back_is_gone_once_however_often_it_is_asked_for(world: AuditWorld, case: Case) -> None:
    audit, guest = await audited(world, case, auto_apply=True)
    for _ in range(2):
        await world.commands.undo(audit, APP, ADMIN)
    await world.deliver_all()
    await world.deliver(ApplyRemedies(audit, APP, back=True))

    assert guest in world.members()
    assert len((await world.tools.change_log.read(None, 10))[0]) == 2


@WITH_A_WAY_BACK
async def test_the_next_audit_does_not_wonder_about_what_was_put_right(world: AuditWorld, case: Case) -> None:
    await audited(world, case, auto_apply=True)
    world.clock.ahead += timedelta(hours=2)
    found = await world.found()

    still = {Remedy.BLOCK: {"domain-blocked", "account-disabled"}}.get(case.remedy, set())
    assert {rule for rule, _ in found} == still


def wrote(world: AuditWorld) -> dict[str, int]:
    return wrote_before(world.calls())


def wrote_before(calls: Any) -> dict[str, int]:
    """Calls that change something, but those by which a test does."""
    return {c: n for c, n in calls.items() if not c.startswith("GET") and "$batch" not in c and "$ref" not in c}


@TO_GUESTS
async def test_who_has_something_else_is_spared_unless_policy_says_so(world: AuditWorld, case: Case) -> None:
    await world.guests("fine", "well")
    guest = await case.plant(world)
    other = "60000000-0000-4000-8000-0000000000b1"
    world.tenant.seed(groups=[{"id": other, "displayName": "Other", "members": [guest]}])
    await world.set_policy(remedies={case.rule: case.remedy}, auto_apply=True)
    audit = await world.audit()

    if case.remedy is Remedy.RESEND:
        assert case.came(world, guest), "a mail takes nothing away"
        return
    [action] = await world.actions(audit)
    assert action.state is ActionState.SPARED
    assert "another group" in (action.detail or "")
    assert not case.came(world, guest)
    assert (await world.tools.change_log.read(None, 10))[0] == []

    await world.set_policy(remedies={case.rule: case.remedy}, auto_apply=True, skip_guests_with_other_access=False)
    await world.audit()
    assert case.came(world, guest)


async def test_an_invitation_is_sent_again_once_in_a_while(world: AuditWorld) -> None:
    case = CASES[1]
    await audited(world, case, auto_apply=True, resend_after_days=14)
    assert len(mails(world)) == 1
    world.clock.ahead += timedelta(days=13)
    audit = await world.audit()
    [action] = await world.actions(audit)
    assert (action.state, len(mails(world))) == (ActionState.FAILED, 1)

    world.clock.ahead += timedelta(days=2)
    await world.audit()
    assert len(mails(world)) == 2


async def test_what_has_mended_itself_since_is_left_alone(world: AuditWorld) -> None:
    await world.guests("fine")
    late, expired, stray = await never_came(world), await past_the_last_day(world), await added_by_hand(world)
    blocked = await of_a_blocked_domain(world)
    remedies = {
        Rule.NEVER_REDEEMED: Remedy.DELETE,
        Rule.EXPIRED: Remedy.REMOVE,
        Rule.DOMAIN_BLOCKED: Remedy.BLOCK,
        Rule.NOT_INVITED: Remedy.REMOVE,
    }
    await world.set_policy(remedies=remedies, max_percent=100)
    audit = await world.audit()
    world.tenant.seed(users=[world.user("late")])
    await world.store.write_expiry(GROUP, "expired@fabrikam.com", (world.clock.now() + timedelta(days=9)).date())
    world.leave(stray)
    await world.set_up(policy=Policy(), audits=(await world.setups.read_app(APP)).value.audits)  # type: ignore[union-attr]
    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()

    actions = {a.subject: a for a in await world.actions(audit)}
    assert {a.state for a in actions.values()} == {ActionState.SPARED}
    assert "accepted meanwhile" in (actions[UserId(late)].detail or "")
    assert "later last day" in (actions[UserId(expired)].detail or "")
    assert "no member" in (actions[UserId(stray)].detail or "")
    assert "allowed again" in (actions[UserId(blocked)].detail or "")


async def test_remedies_of_an_audit_that_is_not_the_last_are_not_carried_out(world: AuditWorld) -> None:
    old, _ = await audited(world, CASES[2])
    await world.audit()

    with pytest.raises(Refused) as refused:
        await world.commands.apply(old, APP, ADMIN)
    assert refused.value.reason is Reason.REMEDIES_OLD


async def test_what_the_directory_throttles_is_done_later(world: AuditWorld) -> None:
    audit, guest = await audited(world, CASES[2])
    world.tenant.fault(method="DELETE", path=r"/members/.*/\$ref$", status=429)
    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()

    assert is_no_member(world, guest)


async def test_a_missing_permission_is_said_of_each_and_stops_nobody_else(world: AuditWorld) -> None:
    audit, guest = await audited(world, CASES[3])
    await world.permit(*(p for p in PERMISSIONS if p != "User.EnableDisableAccount.All"))
    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()

    [action] = await world.actions(audit)
    assert action.state is ActionState.FAILED
    assert "User.EnableDisableAccount.All" in (action.detail or "")
    assert not is_blocked(world, guest)


async def test_owners_are_told_of_news_at_once_and_of_the_rest_once_in_a_while(world: AuditWorld) -> None:
    await audited(world, CASES[0], auto_apply=True, resend_after_days=14)
    assert len(mails(world)) == 2
    world.clock.ahead += timedelta(days=1)
    await world.audit()
    assert len(mails(world)) == 2, "nothing is new"
    world.seed_guests(["second"])
    await world.audit()
    assert len(mails(world)) == 4
    assert "Second (second@fabrikam.com)" in mails(world)[-1]["body"]
    world.clock.ahead += timedelta(days=15)
    await world.audit()
    assert len(mails(world)) == 6


async def test_a_remedy_that_a_rule_does_not_know_is_refused(world: AuditWorld) -> None:
    with pytest.raises(Refused) as refused:
        await world.set_policy(remedies={Rule.MEMBERSHIP_MISSING: Remedy.DELETE})

    assert refused.value.reason is Reason.BODY_INVALID
    assert refused.value.field == "remedies.membership-missing"


async def test_what_stands_still_is_set_going_again(world: AuditWorld) -> None:
    audit, guest = await audited(world, CASES[2])
    await world.commands.apply(audit, APP, ADMIN)
    world.outbox.sent.clear()  # The message is lost.
    assert await world.sweep() == 0
    world.clock.ahead += world.tools.timing.stall_timeout + timedelta(seconds=1)

    assert await world.sweep() == 1
    await world.deliver_all()
    assert is_no_member(world, guest)


@TO_GUESTS
async def test_a_held_plan_is_not_carried_out_for_who_is_no_administrator_any_more(
    world: AuditWorld, case: Case
) -> None:
    await world.guests("fine", "well")
    guests = [await case.plant(world), await another(world, case)]
    await world.set_policy(remedies={case.rule: case.remedy}, auto_apply=True, max_guests=1, max_percent=100)
    audit = await world.audit()
    before = wrote(world)
    await world.commands.apply(audit, APP, ADMIN)
    world.principals.roles[ADMIN.object_id] = frozenset({"Auditor"})

    await world.deliver_all()

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.HELD
    assert "decide about remedies" in (plan.detail or "")
    assert await states(world, audit) == {ActionState.PLANNED}
    assert wrote(world) == before
    world.principals.roles[ADMIN.object_id] = frozenset({"Admin"})
    await world.commands.apply(audit, APP, ADMIN)
    await world.deliver_all()
    assert await states(world, audit) == {ActionState.DONE}
    assert {e.subject for e in (await world.tools.change_log.read(None, 10))[0]} == set(guests)


@WITH_A_WAY_BACK
async def test_nothing_is_taken_back_for_who_is_no_administrator_any_more(world: AuditWorld, case: Case) -> None:
    audit, guest = await audited(world, case, auto_apply=True)
    await world.commands.undo(audit, APP, ADMIN)
    world.principals.known[ADMIN.object_id] = DISABLED

    await world.deliver_all()

    plan = await world.plan(audit)
    assert plan is not None
    assert (plan.state, "blocked from signing in" in (plan.detail or "")) == (PlanState.DONE, True)
    assert case.came(world, guest)
    world.principals.known.clear()
    await world.commands.undo(audit, APP, ADMIN)
    await world.deliver_all()
    assert await states(world, audit) == {ActionState.UNDONE}


@TO_GUESTS
async def test_what_policy_alone_begins_needs_nobody(world: AuditWorld, case: Case) -> None:
    world.principals.otherwise = None

    audit, _ = await audited(world, case, auto_apply=True)

    assert await states(world, audit) == {ActionState.DONE}
    assert world.principals.calls == []


async def test_a_plan_that_an_older_version_began_for_a_person_waits_for_one(world: AuditWorld) -> None:
    """It did not keep whose decision it was."""
    case = CASES[0]
    audit, _ = await audited(world, case)
    await world.commands.apply(audit, APP, ADMIN)
    stored = await world.tools.remedies.read_plan(audit, APP)
    assert stored is not None
    await world.tools.remedies.save_plan(replace(stored, value=replace(stored.value, by_id=None)))

    await world.deliver_all()

    plan = await world.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.HELD
    assert await states(world, audit) == {ActionState.PLANNED}
