"""What was asked for earlier is done only while who asked may still ask for it; where it is not done, it says why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.addresses import parse_address
from shared.core.clock import Timing
from shared.core.directory import DirectoryUser
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.core.results import Blocked
from shared.imports.authority import Authority
from shared.imports.commands import ImportCommands
from shared.imports.model.imports import Import, ImportState
from shared.invitations.chunk import FRESH
from shared.invitations.model.invitations import State
from shared.membership.model.access import Action, InviteTo
from shared.membership.model.apps import AppState, Policy, RequestPolicy
from shared.messages.commands import FulfilRequest, InviteChunk, SplitImport
from shared.requests.model import RequestState
from shared.settings import read_settings
from tests.builders import CHUNK, GROUP, OWNER, STRANGER, TENANT, a_caller, a_group, an_app, an_invitation
from tests.fakes.import_store import FakeImportStore
from tests.fakes.principals import APP, DISABLED, GUEST
from tests.unit.imports.test_import_steps import ELSEWHERE, IMPORT, WIDE, Files, a_file
from tests.unit.invitations.test_accept import new
from tests.unit.requests.test_requests import APPROVER, KEY, Door
from tests.unit.world import World

ADMIN = UserId("0ad00000-0000-4000-8000-000000000001")
ROBOT = UserId("0ad00000-0000-4000-8000-000000000002")

type Loss = Callable[[World | Files], None]


def no_owner(world: World | Files) -> None:
    world.directory.groups[GROUP] = a_group(owners=frozenset({STRANGER}))


def disabled(world: World | Files) -> None:
    world.principals.known[OWNER] = DISABLED


def gone(world: World | Files) -> None:
    world.principals.known[OWNER] = None


def a_guest(world: World | Files) -> None:
    world.principals.known[OWNER] = GUEST


LOSSES = pytest.mark.parametrize(
    ("lose", "said"),
    [
        (no_owner, "may no longer invite guests"),
        (disabled, "blocked from signing in"),
        (gone, "not in the directory any more"),
        (a_guest, "is a guest's"),
    ],
)


# Groups that nothing was set up with
async def test_a_group_that_no_app_was_set_up_with_takes_nobody(world: World) -> None:
    world.setups.apps.clear()

    for caller in (a_caller(), a_caller(STRANGER, "Admin")):
        with pytest.raises(Refused) as refused:
            await world.accept(new(), caller, None)
        assert refused.value.reason is Reason.GROUP_NOT_SET_UP
    with pytest.raises(Refused) as refused:
        await Authority(world.access, FakeImportStore(), TENANT).target_of_caller(GROUP, a_caller())
    assert refused.value.reason is Reason.GROUP_NOT_SET_UP
    with pytest.raises(Refused) as refused:
        await world.accept(new(), a_caller(), "key", is_approved=True)
    assert refused.value.reason is Reason.GROUP_NOT_SET_UP
    assert (world.store.rows, world.outbox.sent) == ({}, [])


async def test_a_group_is_not_told_to_strangers_by_whether_it_is_set_up(world: World) -> None:
    world.setups.apps.clear()

    with pytest.raises(Refused) as refused:
        await world.accept(new(), a_caller(STRANGER), None)

    assert refused.value.reason is Reason.NOT_OWNER


async def test_a_setting_opens_every_group_of_an_owner(world: World) -> None:
    world.setups.apps.clear()

    access = replace(world.access, invite_to=InviteTo.OWNED)

    assert await replace(world.accept, access=access)(new(), a_caller(), None) in world.store.rows
    target = await Authority(access, FakeImportStore(), TENANT).target_of_caller(GROUP, a_caller())
    assert target.refused is None


@pytest.mark.parametrize(("said", "meant"), [(None, "set-up"), ("set-up", "set-up"), ("owned", "owned")])
def test_only_groups_that_are_set_up_take_guests_unless_a_setting_says_more(said: str | None, meant: str) -> None:
    env = {"GUESTLIST_TENANT_ID": TENANT, "GUESTLIST_API_AUDIENCE": "a"} | (
        {"GUESTLIST_INVITE_TO": said} if said else {}
    )

    assert read_settings(env).invite_to.value == meant


# Single invitations
async def parked(world: World) -> InviteChunk:
    """A guest whom Microsoft's block has kept waiting."""
    await world.given(an_invitation(address=parse_address("ada@fabrikam.com")))
    world.directory.invite_says["ada@fabrikam.com"] = [Blocked("stopped")]
    outcome = await world.do(InviteChunk(GROUP, CHUNK))
    assert world.row().state is State.PARKED
    assert outcome.later is not None
    world.clock.time = outcome.later.not_before
    assert isinstance(outcome.later.command, InviteChunk)
    return outcome.later.command


@LOSSES
async def test_who_was_parked_is_not_invited_when_the_inviter_may_not_any_more(
    world: World, lose: Loss, said: str
) -> None:
    command = await parked(world)
    world.directory.calls.clear()
    lose(world)

    await world.run(command)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.AUTHORITY_LOST)
    assert said in (world.row().detail or "")
    assert set(world.directory.calls) <= {"read_group"}
    assert world.directory.members[GROUP] == set()


async def test_who_was_parked_is_invited_when_the_inviter_still_may(world: World) -> None:
    await world.run(await parked(world))

    assert world.row().state is State.MEMBER


@LOSSES
async def test_who_waited_for_long_is_not_invited_when_the_inviter_may_not_any_more(
    world: World, lose: Loss, said: str
) -> None:
    await world.given()
    lose(world)
    world.clock.advance(FRESH + timedelta(seconds=1))

    await world.run(InviteChunk(GROUP, CHUNK))

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.AUTHORITY_LOST)
    assert said in (world.row().detail or "")
    assert world.directory.invited == []


async def test_who_was_asked_for_just_now_is_invited_on_the_look_that_was_taken_then(world: World) -> None:
    await world.given()

    await world.run(InviteChunk(GROUP, CHUNK))

    assert world.row().state is State.MEMBER
    assert world.principals.calls == []


async def test_an_administrator_who_keeps_the_role_still_invites_and_one_who_lost_it_does_not(world: World) -> None:
    command = await parked(world)
    world.put(replace(world.row(), inviter_id=ADMIN))
    world.principals.roles[ADMIN] = frozenset({"Admin"})
    await world.do(command)
    assert world.row().state is State.MEMBER
    other = World()
    command = await parked(other)
    other.put(replace(other.row(), inviter_id=ADMIN))

    await other.run(command)

    assert other.row().reason is Reason.AUTHORITY_LOST


@pytest.mark.parametrize(("role", "named", "may"), [(True, True, True), (True, False, False), (False, True, False)])
async def test_an_app_invites_while_it_has_the_role_and_the_record_names_it(
    world: World, role: bool, named: bool, may: bool
) -> None:
    command = await parked(world)
    world.put(replace(world.row(), inviter_id=ROBOT))
    world.principals.known[ROBOT] = APP
    world.principals.roles[ROBOT] = frozenset({"Inviter"} if role else ())
    world.setups.put(an_app(inviters=(ROBOT,) if named else ()))

    await world.run(command)

    assert (world.row().reason is None) is may


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, Reason.GROUP_NOT_SET_UP),
        (an_app(state=AppState.REMOVING), Reason.APP_BEING_REMOVED),
        (an_app(policy=Policy(blocked_domains=("fabrikam.com",))), Reason.DOMAIN_NOT_ALLOWED),
    ],
)
async def test_who_was_parked_is_judged_by_the_app_as_it_is_now(world: World, record, reason: Reason) -> None:  # type: ignore[no-untyped-def]
    command = await parked(world)
    world.setups.apps.clear()
    if record is not None:
        world.setups.put(record)

    await world.run(command)

    assert (world.row().state, world.row().reason) == (State.FAILED, reason)
    assert world.directory.members[GROUP] == set()


async def test_a_directory_that_does_not_say_who_may_is_asked_again(world: World) -> None:
    command = await parked(world)
    world.principals.fails = [DirectoryBusy("throttled", retry_after=timedelta(seconds=7))]

    outcome = await world.do(command)

    assert outcome.later is not None
    assert outcome.later.not_before >= world.clock.now() + timedelta(seconds=7)
    assert world.row().state is State.PARKED
    await world.run(outcome.later.command)
    assert world.row().state is State.MEMBER


async def test_whom_the_policy_let_in_is_invited_while_it_lets_everybody_in(world: World) -> None:
    openly = Policy(RequestPolicy.OPEN, allowed_domains=("fabrikam.com",))
    for policy, state in ((openly, State.MEMBER), (replace(openly, requests=RequestPolicy.APPROVAL), State.FAILED)):
        world = World()
        app = an_app(policy=openly)
        world.setups.put(app)
        world.principals.known[UserId(app.service_principal)] = APP
        command = await parked(world)
        world.put(replace(world.row(), inviter_id=UserId(app.service_principal)))
        world.setups.put(replace(app, policy=policy))

        await world.run(command)

        assert world.row().state is state


# Imports
def half() -> Files:
    """The pace lets one window be read at a time."""
    pace = replace(WIDE.pace, burst=20, per=60)
    return Files(a_file(100, bad_every=1000), settings=replace(WIDE, pace=pace))


def record(world: Files) -> Import:
    return world.imports.imports[IMPORT].record.value


async def read_on(world: Files, times: int = 20) -> None:
    for _ in range(times):
        outcome = await world.split(SplitImport(IMPORT, world.progress.pieces))
        if outcome.later is not None:
            world.clock.time = max(world.clock.time, outcome.later.not_before)


@LOSSES
async def test_an_import_that_is_half_read_stands_still_and_says_why(lose: Loss, said: str) -> None:
    world = await half().given()
    await read_on(world, 1)
    rows = len(world.store.rows)
    assert 0 < rows < 100
    lose(world)

    await read_on(world)
    for command in world.chunks:
        await world.chunk(command)

    assert len(world.store.rows) == rows
    assert world.directory.invited == []
    assert {r.value.state for r in world.store.rows.values()} == {State.ACCEPTED}, "nobody is refused for it"
    assert record(world).state is ImportState.PAUSED
    assert said in (record(world).why or "")


@LOSSES
async def test_an_import_that_is_read_invites_nobody_more_and_says_why(lose: Loss, said: str) -> None:
    world = await Files(a_file(60, bad_every=1000)).given()
    await world.read_all()
    await world.chunk(world.chunks[0])
    assert len(world.directory.invited) == 20
    lose(world)
    world.clock.advance(timedelta(seconds=3))

    for command in world.chunks[1:]:
        assert (await world.chunk(command)).later is None

    assert len(world.directory.invited) == 20
    assert record(world).state is ImportState.PAUSED
    assert said in (record(world).why or "")


async def test_a_parked_chunk_of_an_import_does_not_go_on_without_authority() -> None:
    world = await Files(b"address\na@fabrikam.com\n").given()
    await world.read_all()
    world.directory.invite_says["a@fabrikam.com"] = [Blocked("stopped")]
    outcome = await world.chunk(world.chunks[0])
    assert outcome.later is not None
    no_owner(world)
    world.clock.time = outcome.later.not_before

    await world.chunk(world.chunks[0])

    [row] = world.store.rows.values()
    assert row.value.state is State.PARKED
    assert world.directory.tickets["a@fabrikam.com"] == 0
    assert record(world).state is ImportState.PAUSED


def commands(world: Files) -> ImportCommands:
    return ImportCommands(
        world.imports,
        world.store,
        world.access,
        world.outbox,
        world.clock,
        Timing(),
        world.settings,
        world.admissions,
    )


async def test_whoever_resumes_an_import_answers_for_it() -> None:
    world = await half().given()
    await read_on(world, 1)
    no_owner(world)
    await read_on(world)
    seen = await commands(world).show(GROUP, IMPORT, a_caller(STRANGER))
    assert (seen.state, seen.record.why) == ("paused", record(world).why)

    with pytest.raises(Refused):
        await commands(world).resume(GROUP, IMPORT, a_caller())
    await commands(world).resume(GROUP, IMPORT, replace(a_caller(STRANGER), name="Sam Stranger"))

    assert (record(world).state, record(world).why) == (ImportState.RUNNING, None)
    assert (record(world).authority, record(world).authority_name) == (STRANGER, "Sam Stranger")
    assert record(world).creator == OWNER
    await read_on(world, 40)
    for command in world.chunks:
        await world.to_its_end(await world.chunk(command))
    assert world.progress.all_read
    assert len(world.directory.members[GROUP]) == 100
    assert {r.value.inviter_id for r in world.store.rows.values()} == {OWNER, STRANGER}


async def test_who_watches_their_running_import_asks_the_directory_as_its_chunks_do_and_seldom() -> None:
    world = await half().given()
    await read_on(world, 1)
    shown = commands(world)
    world.directory.calls.clear()

    for _ in range(3):
        assert (await shown.show(GROUP, IMPORT, a_caller())).state == "running"
        world.clock.advance(timedelta(seconds=10))
    assert world.directory.calls == ["read_group"]

    no_owner(world)
    with pytest.raises(Refused) as refused:
        await shown.show(GROUP, IMPORT, a_caller())
    assert refused.value.reason is Reason.IMPORT_MISSING


async def test_a_chunk_that_knows_an_old_import_does_not_pause_it_for_whoever_resumed_it() -> None:
    world = await Files(a_file(40, bad_every=1000)).given()
    await world.read_all()
    step, [first, second] = world.chunk, world.chunks
    await step(first)
    no_owner(world)
    world.clock.advance(timedelta(seconds=1))
    # It remembers the import a moment longer than who may.
    world.imports.admissions.clear()
    step.admissions._known.clear()
    stored = world.imports.imports[IMPORT].record
    await world.imports.save(replace(stored, value=replace(stored.value, resumer=STRANGER, resumer_name="Sam")))

    outcome = await step(second)

    assert record(world).state is ImportState.RUNNING
    await world.to_its_end(outcome)
    assert len(world.directory.members[GROUP]) == 40


async def test_an_administrators_file_needs_the_role_at_each_piece_whoever_owns_the_group() -> None:
    world = await half().given(for_admin=True)
    world.principals.roles[OWNER] = frozenset({"Admin"})
    await read_on(world, 1)
    rows = len(world.store.rows)
    world.principals.roles[OWNER] = frozenset({"Auditor"})

    await read_on(world)
    for command in world.chunks:
        await world.chunk(command)

    assert len(world.store.rows) == rows
    assert world.directory.invited == []
    assert "import a file whose rows name groups" in (record(world).why or "")


async def test_an_administrators_file_brings_nobody_into_a_group_that_is_not_set_up() -> None:
    content = f"address,group\na@fabrikam.com,\nb@fabrikam.com,{ELSEWHERE}\n".encode()
    world = await Files(content).given(for_admin=True)
    world.principals.roles[OWNER] = frozenset({"Admin"})
    world.directory.groups[ELSEWHERE] = a_group(id=ELSEWHERE, owners=frozenset())

    await world.read_all()
    for command in world.chunks:
        await world.to_its_end(await world.chunk(command))

    ended = {r.value.address.key: (r.value.state, r.value.reason) for r in world.store.rows.values()}
    assert ended == {
        "a@fabrikam.com": (State.MEMBER, None),
        "b@fabrikam.com": (State.FAILED, Reason.GROUP_NOT_SET_UP),
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (an_app(policy=Policy(blocked_domains=("fabrikam.com",))), Reason.DOMAIN_NOT_ALLOWED),
        (an_app(state=AppState.REMOVING), Reason.APP_BEING_REMOVED),
    ],
)
async def test_a_policy_that_changes_between_two_pieces_holds_for_the_second(changed, reason: Reason) -> None:  # type: ignore[no-untyped-def]
    world = await half().given()
    await read_on(world, 1)
    rows = len(world.store.rows)
    world.setups.put(changed)

    await read_on(world)
    for command in world.chunks:
        await world.to_its_end(await world.chunk(command))

    assert rows < len(world.store.rows) == 100
    assert {r.value.reason for r in world.store.rows.values()} == {reason}
    assert world.directory.invited == []


# Join requests
async def approved(door: Door, who: UserId = OWNER) -> FulfilRequest:
    """Somebody has said yes, and no invitation is made yet."""
    door.policy()
    await door.proven()
    door.outbox.sent.clear()
    await door.decide.approve(GROUP, KEY, a_caller(who), "Welcome")
    assert door.request.is_unfulfilled
    return FulfilRequest(GROUP, KEY)


@pytest.fixture
def door() -> Door:
    return Door()


@LOSSES
async def test_a_decision_of_who_may_not_decide_any_more_is_another_persons(
    door: Door, lose: Loss, said: str
) -> None:
    command = await approved(door)
    lose(door)

    await door.fulfil(command)

    said = "approve and decline requests" if lose is no_owner else said
    assert (door.request.state, door.request.reason) == (RequestState.PENDING, Reason.AUTHORITY_LOST)
    assert said in (door.request.detail or "")
    assert "Olivia Owner had approved it" in (door.request.detail or "")
    assert door.store.rows == {}
    await door.decide.approve(GROUP, KEY, a_caller(APPROVER), None)
    await door.fulfil(command)
    assert door.request.invitation is not None
    assert door.request.reason is None


async def test_a_former_approver_admits_nobody(door: Door) -> None:
    command = await approved(door, APPROVER)
    door.policy(approvers=(), policy=Policy())

    await door.fulfil(command)

    assert (door.request.state, door.store.rows) == (RequestState.PENDING, {})


@pytest.mark.parametrize("standing", [DISABLED, GUEST, None])
async def test_approvers_count_only_while_they_are_members_who_may_sign_in(door: Door, standing) -> None:  # type: ignore[no-untyped-def]
    door.policy()
    await door.proven()
    door.principals.known[APPROVER] = standing

    with pytest.raises(Refused) as refused:
        await door.decide.approve(GROUP, KEY, a_caller(APPROVER), None)

    assert refused.value.reason is Reason.NOT_OWNER
    assert door.request.state is RequestState.PENDING


async def test_owners_of_the_day_an_app_was_set_up_do_not_decide_for_ever(world: World) -> None:
    """Where nobody was named, older versions kept them among the approvers."""
    world.setups.put(an_app(approvers=(DirectoryUser(STRANGER, "A former owner"),)))

    assert not await world.access.may(GROUP, a_caller(STRANGER), Action.DECIDE_REQUESTS)
    assert not await world.access.may(GROUP, a_caller(STRANGER), Action.READ_REQUESTS)
    world.setups.put(an_app(approvers=(DirectoryUser(STRANGER, ""),), policy=Policy(approvers=("sam@contoso.com",))))
    assert await world.access.may(GROUP, a_caller(STRANGER), Action.DECIDE_REQUESTS)


async def test_what_a_policy_let_in_waits_for_a_person_when_the_policy_asks_for_one(door: Door) -> None:
    openly = Policy(RequestPolicy.OPEN, allowed_domains=("fabrikam.com",))
    door.policy(policy=openly)
    await door.proven()
    invited = door.request
    door.set(invitation=None)
    assert invited.state is RequestState.APPROVED
    door.store.rows.clear()
    door.policy(policy=replace(openly, requests=RequestPolicy.APPROVAL))

    await door.fulfil(FulfilRequest(GROUP, KEY))

    assert (door.request.state, door.request.reason) == (RequestState.PENDING, Reason.AUTHORITY_LOST)
    assert door.store.rows == {}
