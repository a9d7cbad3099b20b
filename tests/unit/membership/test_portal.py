"""What owners do on the portal: cancel, send again, remove, set a last day, keep templates, look at a mail."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.core.addresses import ERASED_ADDRESS
from shared.core.caller import Caller
from shared.core.directory import GroupFacts
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import AppId, GroupId, InvitationId, PrincipalId, SetupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Account, Busy
from shared.core.texts import fill, unknown_placeholders
from shared.graph.ports import GuestFacts, GuestPage
from shared.invitations.accept import NewInvitation
from shared.invitations.commands import CancelInvitation, PreviewMail, Templates
from shared.invitations.mail_text import JinjaMailText
from shared.invitations.model.invitations import State
from shared.invitations.take_back import DeleteUnused
from shared.membership.access import Access
from shared.membership.groups import GuestCommands, ShowGroups
from shared.membership.model.access import Role
from shared.membership.model.apps import AppRecord, MessageTemplate, Policy
from shared.membership.stop import StopSwitch
from shared.messages.commands import InviteChunk
from tests.builders import CHUNK, GROUP, OWNER, STRANGER, TENANT, a_caller, a_group, an_invitation
from tests.fakes.audits import FakeDoings, FakeTrail
from tests.unit.requests.test_requests import APPROVER, Door
from tests.unit.world import World

ADA = UserId("user-guest0@fabrikam.com")
ELSEWHERE = GroupId("22222222-2222-4222-8222-222222222223")
APP = AppId("55555555-5555-4555-8555-555555555555")


@dataclass
class FakeRosters:
    owned: dict[UserId, list[GroupFacts]] = field(default_factory=dict)
    there: dict[GroupId, list[GuestFacts]] = field(default_factory=dict)

    async def owned_groups(self, owner: UserId) -> list[GroupFacts]:
        return self.owned.get(owner, [])

    async def guests(self, group: GroupId, continuation: str | None, find: str | None = None) -> GuestPage:
        if continuation is not None:
            raise Refused(Reason.PARAMETER_INVALID, "the continuation was never given out", field="continuation")
        return GuestPage(self.there.get(group, []), None, True)

    async def mail_address(self, user: UserId) -> str | None:
        return None

    async def guest(self, group: GroupId, user: UserId) -> GuestFacts | None:
        return next((g for g in self.there.get(group, []) if g.id == user), None)


def access(world: World) -> Access:
    return world.access


def stop_of(world: World) -> StopSwitch:
    return StopSwitch(world.store, world.outbox, FakeTrail(), world.clock)


def cancel(world: World) -> CancelInvitation:
    unused = DeleteUnused(world.directory, world.store, world.setups)
    return CancelInvitation(access(world), world.directory, world.store, world.clock, unused, stop_of(world))


async def refused(awaited: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await awaited
    return refused.value


async def a_pending_guest(world: World, **changes: Any) -> None:
    """A guest who was invited and is a member, and has not accepted."""
    await world.given(an_invitation(**changes))
    await world.run(InviteChunk(GROUP, CHUNK))
    assert world.row().state in (State.MEMBER, State.MAILED)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.PARKED])
async def test_who_was_not_asked_yet_is_never_asked(world: World, state: State) -> None:
    await world.given()
    world.put(replace(world.row(), state=state))

    undone = await cancel(world)(world.row().id, a_caller())

    assert undone.state is State.UNDONE
    await world.run(InviteChunk(GROUP, CHUNK))
    assert (world.directory.invited, world.row().state) == ([], State.UNDONE)


async def test_a_guest_who_has_not_accepted_leaves_and_the_account_goes_where_it_has_nothing_else(
    world: World,
) -> None:
    await a_pending_guest(world, expires=date(2026, 12, 31))

    await cancel(world)(world.row().id, a_caller())

    assert world.row().state is State.UNDONE
    assert world.directory.members[GROUP] == set()
    assert world.directory.accounts == {}
    assert world.store.expiries == {}
    assert (await cancel(world)(world.row().id, a_caller())).state is State.UNDONE, "a repeat is harmless"


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INVITING, State.INVITED, State.JOINING, State.MEMBER])
@pytest.mark.parametrize("is_set_up", [True, False])
async def test_an_account_that_the_owner_of_another_group_has_pending_stays_when_one_cancels(
    world: World, state: State, is_set_up: bool
) -> None:
    """The other invitation is not at its end: of it the directory shows nothing yet."""
    await a_pending_guest(world)
    there = an_invitation(id=InvitationId(ELSEWHERE, CHUNK, 0), state=state, user_id=ADA, already_in_directory=True)
    await world.store.accept([there], None)
    if is_set_up:
        facts = (
            APP,
            "Trips",
            PrincipalId(APP),
            ELSEWHERE,
            "Trips",
            (),
            (),
            Policy(),
            SetupId("s"),
            world.clock.now(),
        )
        world.setups.put(AppRecord(*facts))
    else:
        await world.store.open_chunks.open((ELSEWHERE, CHUNK), world.clock.now())

    undone = await cancel(world)(world.row().id, a_caller())

    assert undone.state is State.UNDONE
    assert world.directory.members[GROUP] == set()
    assert set(world.directory.accounts) == {"guest0@fabrikam.com"}
    assert "another group has invited it" in (undone.detail or "")


@pytest.mark.parametrize("state", [State.FAILED, State.UNDONE])
async def test_what_another_group_has_given_up_keeps_no_account(world: World, state: State) -> None:
    await a_pending_guest(world)
    there = an_invitation(id=InvitationId(ELSEWHERE, CHUNK, 0), state=state)
    await world.store.accept([there], None)
    await world.store.open_chunks.open((ELSEWHERE, CHUNK), world.clock.now())

    await cancel(world)(world.row().id, a_caller())

    assert world.directory.accounts == {}


async def test_who_turned_a_colleague_since_is_not_cancelled(world: World) -> None:
    await a_pending_guest(world)
    world.directory.accounts["guest0@fabrikam.com"] = Account(ADA, False, True, True)

    assert (await refused(cancel(world)(world.row().id, a_caller()))).reason is Reason.NOT_A_GUEST
    assert world.directory.members[GROUP] == {ADA}


async def test_a_guest_with_another_group_keeps_the_account(world: World) -> None:
    await a_pending_guest(world)
    world.directory.members[GroupId("elsewhere")].add(ADA)

    await cancel(world)(world.row().id, a_caller())

    assert len(world.directory.accounts) == 1
    assert world.directory.members[GROUP] == set()


async def test_a_guest_who_holds_a_directory_role_keeps_the_account_and_the_answer_says_why(world: World) -> None:
    await a_pending_guest(world)
    world.directory.roles.add(ADA)

    undone = await cancel(world)(world.row().id, a_caller())

    assert len(world.directory.accounts) == 1
    assert world.directory.members[GROUP] == set()
    assert "holds a directory role" in (undone.detail or "")


async def test_a_guest_who_was_there_before_keeps_what_was_there(world: World) -> None:
    world.directory.accounts["guest0@fabrikam.com"] = Account(ADA, True, True, True)
    world.directory.members[GROUP].add(ADA)
    await a_pending_guest(world)

    await cancel(world)(world.row().id, a_caller())

    assert world.directory.members[GROUP] == {ADA}
    assert len(world.directory.accounts) == 1


async def test_a_guest_who_has_accepted_is_not_cancelled(world: World) -> None:
    await a_pending_guest(world)
    world.directory.accounts["guest0@fabrikam.com"] = Account(ADA, True, True, False)

    assert (await refused(cancel(world)(world.row().id, a_caller()))).reason is Reason.GUEST_HAS_ACCEPTED
    assert world.directory.members[GROUP] == {ADA}


@pytest.mark.parametrize("state", [State.INVITING, State.INVITED, State.JOINING, State.MAILING])
async def test_what_is_in_flight_is_let_land(world: World, state: State) -> None:
    await world.given()
    world.put(replace(world.row(), state=state, effect_since=world.clock.now(), message="m"))

    found = await refused(cancel(world)(world.row().id, a_caller()))

    assert (found.reason, found.retry_after) == (Reason.INVITATION_IN_FLIGHT, timedelta(seconds=2))


async def test_the_invitation_of_somebody_whose_data_was_erased_is_over(world: World) -> None:
    await world.given()
    world.put(replace(world.row(), state=State.MEMBER, address=ERASED_ADDRESS, user_id=None))

    assert (await refused(cancel(world)(world.row().id, a_caller()))).reason is Reason.INVITATION_ENDED


async def test_others_are_told_that_there_is_no_such_invitation(world: World) -> None:
    await world.given()

    for caller in (a_caller(STRANGER), a_caller(STRANGER, "Auditor")):
        assert (await refused(cancel(world)(world.row().id, caller))).reason is Reason.INVITATION_MISSING
    missing = replace(world.row().id, position=9)
    assert (await refused(cancel(world)(missing, a_caller()))).reason is Reason.INVITATION_MISSING
    world.put(replace(world.row(), state=State.FAILED, reason=Reason.OWN_DOMAIN))
    assert (await refused(cancel(world)(world.row().id, a_caller()))).reason is Reason.INVITATION_ENDED


def again(**changes: Any) -> NewInvitation:
    facts = {"display_name": None, "message": None, "language": None, "digest": "d"} | changes
    return NewInvitation(GROUP, "guest0@fabrikam.com", send_again=True, **facts)


async def sent_again(world: World) -> None:
    world.store.rows.clear()
    made = await world.accept(again(), a_caller(), None)
    world.outbox.sent.clear()
    await world.run(InviteChunk(GROUP, made.chunk))


async def test_sending_again_mails_a_new_ticket_of_the_same_account(world: World) -> None:
    await a_pending_guest(world)

    await sent_again(world)

    assert world.row().state is State.MAILED
    assert len(world.directory.accounts) == 1
    assert world.directory.tickets["guest0@fabrikam.com"] == 2
    assert world.mailer is not None
    [mail] = world.mailer.sent
    assert mail.text.endswith("/2"), "the mail has the new ticket"
    assert world.directory.mails == ["guest0@fabrikam.com"], "Microsoft mailed the first time alone"


async def test_without_a_sender_of_our_own_microsoft_sends_again(world: World) -> None:
    world.mailer = None
    await a_pending_guest(world)

    await sent_again(world)

    assert world.row().state is State.MEMBER
    assert world.directory.mails == ["guest0@fabrikam.com"] * 2


async def test_a_guest_who_has_accepted_is_sent_nothing(world: World) -> None:
    await a_pending_guest(world)
    world.directory.accounts["guest0@fabrikam.com"] = Account(ADA, True, True, False)

    await sent_again(world)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.GUEST_HAS_ACCEPTED)
    assert world.directory.tickets["guest0@fabrikam.com"] == 1


async def test_microsofts_mail_is_not_sent_a_third_time_where_the_second_is_in_doubt(world: World) -> None:
    world.mailer = None
    await a_pending_guest(world)
    world.store.rows.clear()
    made = await world.accept(again(), a_caller(), None)
    # A delivery that died right after the directory had mailed.
    world.put(replace(world.row(), state=State.INVITING, effect_since=world.clock.now()))

    await world.run(InviteChunk(GROUP, made.chunk))

    assert world.row().state is State.MEMBER
    assert world.directory.mails == ["guest0@fabrikam.com"]


async def test_a_last_day_that_is_over_is_refused_and_one_to_come_is_kept(world: World) -> None:
    new = NewInvitation(GROUP, "guest0@fabrikam.com", None, None, None, "d", expires=date(2026, 3, 1))
    found = await refused(world.accept(new, a_caller(), None))
    assert (found.reason, found.field) == (Reason.BODY_INVALID, "expires")

    await world.accept(replace(new, expires=date(2026, 3, 2)), a_caller(), None)

    assert world.store.expiries == {(GROUP, "guest0@fabrikam.com"): date(2026, 3, 2)}


def guest(**changes: Any) -> GuestFacts:
    facts = {"accepted": True, "since": None, "created_at": None, "enabled": True} | changes
    return GuestFacts(ADA, "Ada", "Ada@Fabrikam.com", **facts)


def commands(world: World, *guests: GuestFacts) -> GuestCommands:
    guest_reader, own_actions, change_log = FakeRosters(there={GROUP: list(guests)}), FakeDoings(), FakeTrail()
    stop = stop_of(world)
    return GuestCommands(
        access(world), world.directory, guest_reader, world.store, own_actions, change_log, world.clock, stop
    )


async def test_a_guest_is_listed_with_the_last_day_and_renewed(world: World) -> None:
    guests = commands(world, guest())
    await guests.set_expiry(GROUP, ADA, date(2026, 12, 31), a_caller())

    assert (await guests.list(GROUP, a_caller(), None))[1] == {ADA: date(2026, 12, 31)}
    await guests.set_expiry(GROUP, ADA, None, a_caller())
    assert (await guests.list(GROUP, a_caller(), None))[1] == {}
    assert (await refused(guests.set_expiry(GROUP, ADA, date(2026, 3, 1), a_caller()))).field == "expires"


async def test_removing_ends_the_membership_and_the_last_day_and_keeps_the_account(world: World) -> None:
    guests = commands(world, guest())
    world.directory.members[GROUP].add(ADA)
    await guests.set_expiry(GROUP, ADA, date(2026, 12, 31), a_caller())

    await guests.remove(GROUP, ADA, a_caller())

    assert (world.directory.members[GROUP], world.store.expiries) == (set(), {})
    assert "delete_guests" not in world.directory.calls


async def test_removing_says_when_the_directory_is_busy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: Any) -> list[Busy]:
        return [Busy(timedelta(seconds=7))]

    monkeypatch.setattr(world.directory, "leave", busy)

    with pytest.raises(DirectoryBusy) as found:
        await commands(world, guest()).remove(GROUP, ADA, a_caller())

    assert found.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("caller", [a_caller(STRANGER), a_caller(STRANGER, "Auditor"), a_caller(APPROVER)])
async def test_only_owners_and_administrators_change_guests(world: World, caller: Caller) -> None:
    guests = commands(world, guest())

    assert (await refused(guests.remove(GROUP, ADA, caller))).reason is Reason.NOT_OWNER
    assert (await refused(guests.set_expiry(GROUP, ADA, None, caller))).reason is Reason.NOT_OWNER


async def test_who_is_no_guest_of_the_group_cannot_be_tended_there(world: World) -> None:
    guests = commands(world)

    assert (await refused(guests.remove(GROUP, ADA, a_caller()))).reason is Reason.GUEST_MISSING
    assert (await refused(guests.set_expiry(GROUP, ADA, None, a_caller()))).reason is Reason.GUEST_MISSING
    assert (await refused(guests.list(GROUP, a_caller(), "made up"))).field == "continuation"


def templates(world: World) -> Templates:
    return Templates(access(world), world.setups, world.clock, 100)


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ([MessageTemplate("a", "Hello {password}")], "value[0].text", "{password}"),
        ([MessageTemplate("a", "x"), MessageTemplate("A", "y")], "value[1].name", "twice"),
        ([MessageTemplate("a", "x" * 101)], "value[0].text", "101"),
        ([MessageTemplate(str(n), "x") for n in range(21)], "value", "20"),
    ],
)
async def test_templates_that_cannot_be_used_are_refused_with_the_place(
    wrong: list[MessageTemplate], field: str, said: str
) -> None:
    door = Door()
    door.policy()

    found = await refused(templates(door).write(APP, wrong, a_caller()))

    assert found.field == field
    assert said in (found.detail or "")


async def test_templates_are_kept_with_the_app_for_its_owner(world: World) -> None:
    door = Door()
    door.policy()
    wanted = [MessageTemplate("Hello", "Dear {guest}, welcome to {app}. {inviter}")]

    await templates(door).write(APP, wanted, a_caller())

    assert list(await templates(door).show(APP, a_caller(STRANGER, "Auditor"))) == wanted
    for awaited in (
        templates(door).show(APP, a_caller(STRANGER)),
        templates(door).write(APP, [], a_caller(STRANGER)),
    ):
        assert (await refused(awaited)).reason is Reason.APP_MISSING


async def test_a_mail_is_shown_as_the_guest_will_get_it(world: World) -> None:
    preview = PreviewMail(access(world), JinjaMailText(), world.clock, TENANT, True)
    asked = {"address": "ada@fabrikam.com", "display_name": "Ada", "language": "en"}

    mail = await preview(GROUP, a_caller(), message="Dear {guest}, {app} awaits. {nobody}", **asked)

    assert mail is not None
    assert mail.subject == "Olivia Owner has invited you to Contoso Travel"
    assert "Dear Ada, Contoso Travel awaits. {nobody}" in mail.text
    assert await preview(GROUP, a_caller(), message="  ", **asked) is None
    assert (await refused(preview(GROUP, a_caller(STRANGER), message="x", **asked))).reason is Reason.NOT_OWNER


def test_placeholders_are_filled_once_and_nothing_is_computed() -> None:
    values = {"guest": "{app}", "app": "Contoso"}

    assert fill("{guest} {app} {inviter} {0} {{app}}", values) == "{app} Contoso {inviter} {0} {Contoso}"
    assert unknown_placeholders("{guest} {x} {x} {y z} {app}") == ["x"]


async def test_people_see_the_groups_that_they_own_or_decide_for(world: World) -> None:
    door = Door()
    door.policy()
    guest_reader = FakeRosters(owned={OWNER: [a_group(), a_group(id=GroupId("other"), name="Another")]})
    show = ShowGroups(access(door), guest_reader, door.setups)

    async def seen(caller: Caller, *, with_all: bool = False) -> list[tuple[str, Role]]:
        return [(s.facts.name, s.role) for s in await show.of_caller(caller, with_all=with_all)]

    assert await seen(a_caller()) == [("Another", Role.OWNER), ("Travel app guests", Role.OWNER)]
    assert await seen(a_caller(APPROVER)) == [("Travel guests", Role.APPROVER)]
    assert await seen(a_caller(STRANGER)) == []
    assert await seen(a_caller(STRANGER, "Admin")) == []
    assert await seen(a_caller(STRANGER, "Admin"), with_all=True) == [("Travel guests", Role.ADMIN)]
    assert await seen(a_caller(STRANGER, "Auditor"), with_all=True) == [("Travel guests", Role.AUDITOR)]
    assert await seen(a_caller(OWNER, is_app=True)) == [("Travel guests", Role.OWNER)]
    assert (await refused(show.of_caller(a_caller(), with_all=True))).reason is Reason.NOT_ADMIN


async def test_while_all_is_stopped_nothing_changes_in_the_directory(world: World) -> None:
    await stop_of(world).stop(a_caller(OWNER, "Operator"), "Odd invitations")
    found = await refused(commands(world, guest()).remove(GROUP, ADA, a_caller()))
    assert (found.reason, found.detail) == (Reason.STOPPED, "Odd invitations")

    await world.given(an_invitation(), an_invitation(1))
    world.put(replace(world.row(1), state=State.MEMBER, user_id=ADA))
    found = await refused(cancel(world)(InvitationId(GROUP, CHUNK, 1), a_caller()))
    assert found.reason is Reason.STOPPED
    # What was not asked yet is a record alone.
    assert (await cancel(world)(InvitationId(GROUP, CHUNK, 0), a_caller())).state is State.UNDONE
