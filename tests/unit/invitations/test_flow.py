"""From accepted to the end: states, weather, redelivery, breaker, mail, sweeper, poison."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.core.results import (
    Account,
    Blocked,
    Busy,
    Declined,
    Exists,
    InviteAnswer,
    Invited,
    JoinAnswer,
    Lagging,
    Lookalike,
    Unknown,
)
from shared.graph.ports import GuestToInvite
from shared.invitations.model.invitations import State, advance
from shared.invitations.sweep import REDRIVES
from shared.messages.commands import CHUNK_SIZE, ChunkCommand, InviteChunk, JoinChunk, MailChunk
from shared.pace.pacing import Pace
from tests.builders import CHUNK, GROUP, NOW, an_invitation
from tests.unit.world import World

INVITE, JOIN, MAIL = InviteChunk(GROUP, CHUNK), JoinChunk(GROUP, CHUNK), MailChunk(GROUP, CHUNK)
KEY = an_invitation().address.key
USER = UserId(f"user-{KEY}")
GUEST = Account(USER, is_guest=True, enabled=True, pending=False)


async def test_a_guest_without_a_message_ends_as_member_with_microsofts_mail(world: World) -> None:
    await world.given()

    waits = await world.run(INVITE)

    assert waits == []
    assert (world.row().state, world.row().user_id, world.row().already_in_directory) == (State.MEMBER, USER, False)
    assert world.directory.members[GROUP] == {USER}
    assert world.directory.mails == [KEY]
    assert world.mailer is not None
    assert world.mailer.sent == []
    assert world.store.open_chunks.opened == {}


async def test_a_guest_with_a_message_is_invited_silently_and_gets_our_mail(world: World) -> None:
    await world.given(an_invitation(message="Good to have you"))

    await world.run(INVITE)

    assert world.row().state is State.MAILED
    assert world.directory.mails == []
    assert world.mailer is not None
    [mail] = world.mailer.sent
    assert "Good to have you" in mail.text
    assert (world.row().redeem_url or "no link") in mail.text
    assert world.store.open_chunks.opened == {}


async def test_one_delivery_makes_an_accepted_guest_a_member_and_mails(world: World) -> None:
    await world.given(an_invitation(message="Good to have you"))

    outcome = await world.do(INVITE)

    assert (outcome.then, outcome.later) == ((), None)
    assert world.row().state is State.MAILED
    assert world.directory.calls == ["find", "invite", "join"]
    assert world.directory.members[GROUP] == {USER}
    assert world.mailer is not None
    assert len(world.mailer.sent) == 1
    assert world.store.open_chunks.opened == {}


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("part", ["invite", "join", "prepare", "dispatch"])
async def test_a_delivery_that_dies_between_the_parts_is_brought_to_the_end_by_the_next(
    world: World, part: str, side: str, is_known: bool
) -> None:
    """Killed at a call and again at each later one: the next begins where the rows say."""
    if is_known:
        world.directory.accounts[KEY] = GUEST
    await world.given(an_invitation(message="hi"))
    assert world.mailer is not None
    service: object = world.mailer if hasattr(world.mailer, part) else world.directory
    call = getattr(service, part)

    async def dies(*args, **kwargs):  # type: ignore[no-untyped-def]
        if side == "after":
            await call(*args, **kwargs)
        raise InterruptedError(f"{part}, {side}")

    setattr(service, part, dies)
    with suppress(InterruptedError):
        await world.do(INVITE)
    setattr(service, part, call)
    world.clock.advance(world.timing.work_lease + timedelta(seconds=1))

    await world.run(INVITE)

    row = world.row()
    assert (row.state, row.already_member, row.already_in_directory) == (State.MAILED, False, is_known)
    assert world.directory.tickets == ({} if is_known else {KEY: 1})
    assert world.directory.members[GROUP] == {USER}
    assert (len(world.mailer.sent), world.directory.mails) == (1, [])
    assert world.store.open_chunks.opened == {}


async def test_a_delivery_that_joins_goes_on_to_the_mail(world: World) -> None:
    await world.given(an_invitation(state=State.INVITED, message="hi", user_id=USER))

    outcome = await world.do(JOIN)

    assert (outcome.then, outcome.later) == ((), None)
    assert world.row().state is State.MAILED


async def test_what_has_to_wait_becomes_the_message_of_its_part(world: World) -> None:
    world.directory.join_says[USER] = [Lagging()]
    await world.given(an_invitation(message="hi"))
    assert world.mailer is not None
    for _ in range(2):
        await world.store.reserve("mails", world.mailer.pace, world.mailer.pace.burst, NOW)

    first = await world.do(INVITE)
    assert world.row().state is State.JOINING
    assert first.later is not None
    assert first.later.command == replace(JOIN, attempt=1)
    assert first.later.not_before == NOW + timedelta(seconds=2)
    world.clock.time = first.later.not_before
    second = await world.do(first.later.command)

    assert (world.row().state, world.mailer.sent) == (State.MEMBER, [])
    assert second.later is not None
    assert second.later.command == replace(MAIL, attempt=1, slot=second.later.not_before)
    await world.run(second.later.command)
    assert world.row().state is State.MAILED


async def test_members_are_mailed_by_a_message_of_their_own_while_others_wait(world: World) -> None:
    world.directory.join_says[USER] = [Lagging()]
    await world.given(an_invitation(0, message="hi"), an_invitation(1, message="hi"))

    outcome = await world.do(INVITE)

    assert (world.row(0).state, world.row(1).state) == (State.JOINING, State.MEMBER)
    assert outcome.then == (MAIL,)
    assert outcome.later is not None
    assert isinstance(outcome.later.command, JoinChunk)


async def test_who_is_in_the_directory_joins_without_an_invitation(world: World) -> None:
    world.directory.accounts[KEY] = GUEST
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().already_in_directory) == (State.MEMBER, True)
    assert world.directory.invited == []


async def test_who_is_a_member_already_is_a_success_without_any_mail(world: World) -> None:
    world.directory.accounts[KEY] = GUEST
    world.directory.members[GROUP].add(USER)
    await world.given(an_invitation(message="hi"))

    await world.run(INVITE)

    assert (world.row().state, world.row().already_member, world.row().reason) == (State.MEMBER, True, None)
    assert world.mailer is not None
    assert (world.directory.mails, world.mailer.sent) == ([], [])


async def test_an_internal_account_that_graph_names_joins_the_group(world: World) -> None:
    world.directory.invite_says[KEY] = [Exists(UserId("internal"))]
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().user_id) == (State.MEMBER, "internal")


async def test_an_account_that_has_the_address_besides_its_own_is_not_taken_for_the_guest(world: World) -> None:
    world.directory.find_says[KEY] = [Lookalike(frozenset({UserId("other")}), "otherMails")]
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.ADDRESS_OF_ANOTHER)
    assert "otherMails" in (world.row().detail or "")
    assert "other" not in world.directory.members[GROUP]
    assert world.directory.invited == []


async def test_a_disabled_account_is_refused(world: World) -> None:
    world.directory.accounts[KEY] = replace(GUEST, enabled=False)
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.ACCOUNT_DISABLED)


@pytest.mark.parametrize(
    "reason",
    [
        Reason.ADDRESS_REFUSED_BY_DIRECTORY,
        Reason.ADDRESS_OF_GROUP,
        Reason.DOMAIN_BLOCKED,
        Reason.OWN_DOMAIN,
        Reason.CROSS_TENANT_BLOCKED,
        Reason.INVITES_SWITCHED_OFF,
        Reason.PERMISSION_MISSING,
        Reason.DIRECTORY_REFUSED,
    ],
)
async def test_what_the_directory_declines_fails_that_guest_alone(world: World, reason: Reason) -> None:
    world.directory.invite_says[KEY] = [Declined(reason, "its words")]
    await world.given(an_invitation(0), an_invitation(1))

    await world.run(INVITE)

    assert (world.row(0).state, world.row(0).reason, world.row(0).detail) == (State.FAILED, reason, "its words")
    assert world.row(1).state is State.MEMBER


async def test_a_full_chunk_costs_one_call_each_to_find_invite_and_join(world: World) -> None:
    await world.given(*(an_invitation(n) for n in range(CHUNK_SIZE)))

    await world.run(INVITE)

    assert world.directory.calls == ["find", "invite", "join"]
    assert all(world.row(n).state is State.MEMBER for n in range(CHUNK_SIZE))


async def test_what_is_throttled_waits_as_asked_and_what_succeeded_stays(world: World) -> None:
    world.directory.invite_says[KEY] = [Busy(timedelta(seconds=17))]
    await world.given(an_invitation(0), an_invitation(1))

    outcome = await world.do(INVITE)

    assert (world.row(0).state, world.row(1).state) == (State.ACCEPTED, State.JOINING)
    assert outcome.later is not None
    assert outcome.later.not_before >= NOW + timedelta(seconds=17)
    # Nothing is asked before that, not even to add who was invited.
    assert (outcome.then, world.directory.calls) == ((), ["find", "invite"])
    await world.run(outcome.later.command)
    assert (world.row(0).state, world.row(1).state) == (State.MEMBER, State.MEMBER)
    assert world.directory.tickets == {KEY: 1, an_invitation(1).address.key: 1}


@pytest.mark.parametrize("call", ["find", "answer to find", "invite", "join", "mail"])
async def test_a_message_that_comes_twice_asks_for_nothing_before_the_retry_after(world: World, call: str) -> None:
    after = timedelta(seconds=17)
    invitation = an_invitation(message="hi")
    assert world.mailer is not None
    match call:
        case "find":
            world.directory.find_fails = [DirectoryBusy("429", retry_after=after)]
        case "answer to find":
            world.directory.find_says[KEY] = [Busy(after)]
        case "invite":
            world.directory.invite_says[KEY] = [Busy(after)]
        case "join":
            world.directory.join_says[USER] = [Busy(after)]
        case _:
            world.mailer.dispatch_says[str(invitation.id)] = [Busy(after)]
    await world.given(invitation, an_invitation(1))
    first = await world.do(INVITE)
    calls, mails = list(world.directory.calls), len(world.mailer.sent)
    world.clock.time = NOW + after - timedelta(seconds=1)

    for again in (INVITE, JOIN, MAIL):
        await world.do(again)

    assert (world.directory.calls, len(world.mailer.sent)) == (calls, mails)
    assert first.later is not None
    world.clock.time = first.later.not_before
    for command in (*first.then, first.later.command):
        await world.run(command)
    assert (world.row().state, world.row(1).state) == (State.MAILED, State.MEMBER)
    assert len(world.mailer.sent) == 1


async def test_a_look_up_that_finds_the_directory_down_waits_and_goes_on(world: World) -> None:
    world.directory.find_fails = [DirectoryBusy("500"), DirectoryBusy("503", retry_after=timedelta(seconds=30))]
    await world.given()

    await world.run(INVITE)

    assert world.row().state is State.MEMBER
    assert world.clock.time >= NOW + timedelta(seconds=35)


async def test_a_look_up_that_lacks_a_permission_fails_with_its_name(world: World) -> None:
    world.directory.find_fails = [Refused(Reason.PERMISSION_MISSING, "Grant User.Read.All")]
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().reason, world.row().detail) == (
        State.FAILED,
        Reason.PERMISSION_MISSING,
        "Grant User.Read.All",
    )


async def test_a_call_without_an_answer_is_looked_up_and_adopted_not_repeated(world: World) -> None:
    world.directory.invite_says[KEY] = [Unknown("504")]
    await world.given(an_invitation(message="hi"))

    await world.run(INVITE)

    assert (world.row().state, world.directory.tickets[KEY]) == (State.MAILED, 1)
    assert not world.row().already_in_directory
    assert world.mailer is not None
    # The ticket was in the answer that never came: the mail carries the app's direct link, which redeems too.
    assert world.row().direct_link in world.mailer.sent[0].text


async def test_a_guest_that_the_directory_hides_for_minutes_is_not_invited_again(world: World) -> None:
    world.directory.invite_says[KEY] = [Unknown("cut")]
    world.directory.hidden.add(KEY)
    await world.given()
    outcome = await world.do(INVITE)
    for _ in range(6):
        assert outcome.later is not None
        world.clock.time = outcome.later.not_before
        outcome = await world.do(outcome.later.command)
    assert world.clock.time > NOW + timedelta(seconds=120)
    world.directory.hidden.clear()

    assert outcome.later is not None
    await world.run(outcome.later.command)

    assert (world.row().state, world.directory.tickets[KEY]) == (State.MEMBER, 1)


async def test_after_the_doubt_window_a_guest_never_seen_is_invited(world: World) -> None:
    await world.given()
    world.put(advance(world.row(), State.INVITING, NOW, effect_since=NOW))

    await world.run(INVITE)

    assert (world.row().state, world.directory.tickets[KEY]) == (State.MEMBER, 1)
    assert world.clock.time >= NOW + world.timing.doubt_window


def cut_off(world: World) -> None:
    """The instance died after it had claimed the guest; the lease has ended."""
    until = NOW + world.timing.work_lease
    world.put(advance(world.row(), State.INVITING, NOW, claimed_until=until, effect_since=NOW))
    world.clock.time = until + timedelta(minutes=1)


async def test_who_was_claimed_by_an_instance_that_died_before_its_call_is_mailed_once_and_at_once(
    world: World,
) -> None:
    await world.given()
    cut_off(world)

    await world.run(INVITE)

    assert (world.row().state, world.directory.mails) == (State.MEMBER, [KEY])
    assert not world.row().already_in_directory
    assert world.clock.time < NOW + timedelta(minutes=2)


async def test_who_was_mailed_by_an_instance_that_died_and_is_hidden_yet_is_not_mailed_again(world: World) -> None:
    await world.given()
    [answer] = await world.directory.invite([GuestToInvite(world.row().address, None, "https://app", True, None)])
    assert isinstance(answer, Invited)
    cut_off(world)
    world.directory.hidden.add(KEY)
    outcome = await world.do(INVITE)
    assert outcome.later is not None
    world.directory.hidden.clear()

    await world.run(outcome.later.command)

    assert (world.row().state, world.directory.mails) == (State.MEMBER, [KEY])
    assert world.row().user_id == answer.user_id


async def test_asking_again_without_a_mail_may_be_cut_off_as_well(world: World) -> None:
    await world.given()
    cut_off(world)
    world.directory.hidden.add(KEY)
    await world.do(INVITE)
    assert world.directory.mails == []
    until = world.clock.time + world.timing.work_lease
    world.put(replace(world.row(), user_id=None, claimed_until=until))
    world.clock.time = until
    outcome = await world.do(INVITE)
    assert outcome.later is not None
    world.directory.hidden.clear()

    await world.run(outcome.later.command)

    assert (world.row().state, world.directory.mails) == (State.MEMBER, [KEY])


async def test_who_gets_our_own_mail_is_asked_for_again_at_once(world: World) -> None:
    await world.given(an_invitation(message="hi"))
    cut_off(world)
    before = world.clock.time

    await world.run(INVITE)

    assert (world.row().state, world.clock.time, world.directory.mails) == (State.MAILED, before, [])


async def test_a_throttled_question_after_a_cut_off_keeps_the_doubt(world: World) -> None:
    await world.given()
    cut_off(world)
    world.directory.invite_says[KEY] = [Busy(timedelta(seconds=30))]

    outcome = await world.do(INVITE)

    assert outcome.later is not None
    assert world.row().effect_since == NOW
    await world.run(outcome.later.command)
    assert (world.row().state, world.directory.mails) == (State.MEMBER, [KEY])


async def test_an_invitation_that_outlives_its_lease_is_in_doubt_and_not_repeated(world: World) -> None:
    world.timing = replace(world.timing, work_lease=timedelta(milliseconds=20))
    await world.given()
    invite = world.directory.invite

    async def invite_slowly(guests):  # type: ignore[no-untyped-def]
        answers = await invite(guests)
        await asyncio.sleep(3600)
        return answers

    world.directory.invite = invite_slowly  # type: ignore[method-assign]
    outcome = await world.do(INVITE)
    world.directory.invite = invite  # type: ignore[method-assign]

    assert (world.row().state, world.row().claimed_until) == (State.INVITING, None)
    assert outcome.later is not None
    await world.run(outcome.later.command)
    assert (world.row().state, world.directory.tickets[KEY]) == (State.MEMBER, 1)


@pytest.mark.parametrize("call", ["prepare", "dispatch"])
async def test_a_mail_that_outlives_its_lease_is_sent_once(world: World, call: str) -> None:
    world.timing = replace(world.timing, work_lease=timedelta(milliseconds=20))
    await world.given(an_invitation(message="hi"))
    assert world.mailer is not None
    quick = getattr(world.mailer, call)

    async def slow(mails, *, again):  # type: ignore[no-untyped-def]
        answers = await quick(mails, again=again)
        await asyncio.sleep(3600)
        return answers

    setattr(world.mailer, call, slow)
    outcome = await world.do(INVITE)
    setattr(world.mailer, call, quick)

    assert outcome.later is not None
    assert isinstance(outcome.later.command, MailChunk)
    await world.run(outcome.later.command)
    assert world.row().state is State.MAILED
    assert len(world.mailer.sent) == 1


async def test_a_second_delivery_keeps_off_while_the_first_is_at_work(world: World) -> None:
    await world.given()
    until = NOW + timedelta(minutes=5)
    world.put(advance(world.row(), State.INVITING, NOW, claimed_until=until, effect_since=NOW))

    outcome = await world.do(INVITE)

    assert outcome.later is not None
    assert outcome.later.not_before == until
    assert world.directory.calls == []


async def test_a_delivery_after_everything_is_done_does_nothing(world: World) -> None:
    await world.given(an_invitation(message="hi"))
    await world.run(INVITE)
    calls, writes = list(world.directory.calls), world.store.writes

    for command in (INVITE, JOIN, MAIL):
        outcome = await world.do(command)
        assert outcome.later is None

    assert (world.directory.calls, world.store.writes) == (calls, writes)


@pytest.mark.parametrize("moment", ["before effect", "after effect"])
async def test_a_storage_that_fails_around_the_invite_makes_no_second_ticket(world: World, moment: str) -> None:
    await world.given()
    if moment == "before effect":
        world.store.fail_next = ["save"]
        with pytest.raises(Exception, match="told to fail"):
            await world.do(INVITE)
    else:
        invite = world.directory.invite

        async def invite_and_fail(guests):  # type: ignore[no-untyped-def]
            answers = await invite(guests)
            world.store.fail_next = ["save"]
            return answers

        world.directory.invite = invite_and_fail  # type: ignore[method-assign]
        with pytest.raises(Exception, match="told to fail"):
            await world.do(INVITE)
        world.directory.invite = invite  # type: ignore[method-assign]

    await world.run(INVITE)

    assert (world.row().state, world.directory.tickets[KEY], world.directory.mails) == (State.MEMBER, 1, [KEY])


async def test_replication_is_waited_out_before_a_guest_joins(world: World) -> None:
    world.directory.join_says[USER] = [Lagging()] * 7
    await world.given()

    await world.run(INVITE)

    assert world.row().state is State.MEMBER
    assert world.clock.time >= NOW + timedelta(seconds=120)


async def test_a_guest_never_shown_fails_after_the_join_window(world: World) -> None:
    world.directory.join_says[USER] = [Lagging()] * 500
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.GUEST_NOT_VISIBLE)


async def test_a_join_without_an_answer_is_repeated_and_is_no_earlier_membership(world: World) -> None:
    world.directory.join_says[USER] = [Unknown("cut")]
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().already_member) == (State.MEMBER, False)


async def test_a_group_that_changed_its_kind_fails_the_join_with_the_reason(world: World) -> None:
    world.directory.join_says[USER] = [Declined(Reason.GROUP_DYNAMIC, "403")]
    await world.given()

    await world.run(INVITE)

    assert (world.row().state, world.row().reason) == (State.FAILED, Reason.GROUP_DYNAMIC)


async def test_the_tenants_block_parks_all_work_and_a_probe_finds_its_end(world: World) -> None:
    blocked = Blocked("suspicious activity")
    keys = [an_invitation(n).address.key for n in range(3)]
    for key in keys:
        world.directory.invite_says[key] = [blocked]
    await world.given(*(an_invitation(n) for n in range(3)))

    outcome = await world.do(INVITE)

    assert [world.row(n).state for n in range(3)] == [State.PARKED] * 3
    assert {world.row(n).reason for n in range(3)} == {Reason.TENANT_BLOCKED}
    assert world.store.breaker.value.is_open
    assert outcome.later is not None
    assert outcome.later.not_before >= NOW + world.timing.probe_interval

    # Still blocked at the first probe: one guest was tried, not three.
    world.directory.invite_says[keys[0]] = [blocked]
    calls = len(world.directory.invited)
    world.clock.time = outcome.later.not_before
    outcome = await world.do(outcome.later.command)
    assert world.directory.calls.count("invite") == 2
    assert len(world.directory.invited) == calls
    assert outcome.later is not None

    await world.run(outcome.later.command)

    assert world.store.breaker.value.open_since is None
    assert [world.row(n).state for n in range(3)] == [State.MEMBER] * 3
    assert world.directory.tickets == dict.fromkeys(keys, 1)
    assert world.directory.mails.count(keys[0]) == 1


async def test_while_the_breaker_is_open_nobody_else_calls_the_directory(world: World) -> None:
    world.directory.invite_says[KEY] = [Blocked("suspicious activity")]
    await world.given()
    await world.do(INVITE)
    calls = world.directory.calls.count("invite")

    outcome = await world.do(INVITE)

    assert world.directory.calls.count("invite") == calls
    assert outcome.later is not None


async def test_the_lanes_pace_puts_a_chunk_to_sleep_and_its_slot_is_kept(world: World) -> None:
    world.pace = Pace(60, timedelta(minutes=1), burst=20)
    await world.store.reserve("invitations", world.pace, 20, NOW)
    await world.store.reserve("invitations", world.pace, 20, NOW)
    await world.given()

    outcome = await world.do(INVITE)

    assert world.directory.calls == []
    assert outcome.later is not None
    assert outcome.later.not_before > NOW
    await world.run(outcome.later.command)
    assert world.row().state is State.MEMBER


@pytest.mark.parametrize("where", ["prepare_says", "dispatch_says"])
async def test_a_mail_without_an_answer_is_sent_once(world: World, where: str) -> None:
    assert world.mailer is not None
    invitation = an_invitation(message="hi")
    getattr(world.mailer, where)[str(invitation.id)] = [Unknown("504")]
    await world.given(invitation)

    await world.run(INVITE)

    assert world.row().state is State.MAILED
    assert (len(world.mailer.sent), len(world.mailer.drafts)) == (1, 1)


async def test_a_throttled_mail_waits_as_asked(world: World) -> None:
    assert world.mailer is not None
    invitation = an_invitation(message="hi")
    world.mailer.dispatch_says[str(invitation.id)] = [Busy(timedelta(seconds=40))]
    await world.given(invitation)

    await world.run(INVITE)

    assert world.row().state is State.MAILED
    assert world.clock.time >= NOW + timedelta(seconds=40)


async def test_a_mail_that_is_declined_leaves_a_member_who_is_told_of(world: World) -> None:
    assert world.mailer is not None
    invitation = an_invitation(message="hi")
    world.mailer.prepare_says[str(invitation.id)] = [Declined(Reason.MAIL_NOT_SENT, "no mailbox")]
    await world.given(invitation)

    await world.run(INVITE)

    assert (world.row().state, world.row().reason, world.row().detail) == (
        State.MEMBER,
        Reason.MAIL_NOT_SENT,
        "no mailbox",
    )
    assert world.store.open_chunks.opened == {}


async def test_a_chunk_of_messages_goes_at_the_mailboxs_pace(world: World) -> None:
    assert world.mailer is not None
    await world.given(*(an_invitation(n, message="hi") for n in range(CHUNK_SIZE)))

    await world.run(INVITE)

    assert len(world.mailer.sent) == CHUNK_SIZE
    assert all(world.row(n).state is State.MAILED for n in range(CHUNK_SIZE))
    assert world.clock.time >= NOW + timedelta(seconds=20)


async def test_a_sender_that_was_taken_away_leaves_members_without_the_mail(world: World) -> None:
    await world.given(an_invitation(message="hi"))
    world.mailer = None

    await world.run(INVITE)

    assert (world.row().state, world.row().reason) == (State.MEMBER, Reason.MAIL_NOT_SENT)


@pytest.mark.parametrize(
    ("state", "changes", "command"),
    [
        (State.ACCEPTED, {}, INVITE),
        (State.INVITING, {}, INVITE),
        (State.PARKED, {}, INVITE),
        (State.INVITED, {}, JOIN),
        (State.JOINING, {}, JOIN),
        (State.MEMBER, {"message": "hi"}, MAIL),
        (State.MAILING, {"message": "hi"}, MAIL),
    ],
)
async def test_the_sweeper_sets_going_what_stands_still(world: World, state, changes, command) -> None:  # type: ignore[no-untyped-def]
    await world.given(an_invitation(state=state, **changes))
    await world.sweep()
    assert world.outbox.sent == []
    world.clock.advance(world.timing.stall_timeout + timedelta(seconds=1))

    assert await world.sweep() == 1

    assert world.outbox.sent == [(command, None)]
    await world.sweep()
    assert len(world.outbox.sent) == 1


async def test_the_sweeper_forgets_what_has_ended_or_never_began(world: World) -> None:
    await world.given(an_invitation(state=State.FAILED))
    world.clock.advance(world.timing.stall_timeout + timedelta(seconds=1))
    assert await world.sweep() == 0
    assert world.store.open_chunks.opened == {}


@pytest.mark.parametrize(
    ("state", "command", "ends_as", "reason"),
    [
        (State.ACCEPTED, INVITE, State.FAILED, Reason.GAVE_UP),
        (State.INVITING, INVITE, State.FAILED, Reason.GAVE_UP),
        (State.JOINING, JOIN, State.FAILED, Reason.GAVE_UP),
        (State.JOINING, INVITE, State.FAILED, Reason.GAVE_UP),
        (State.MAILING, INVITE, State.MEMBER, Reason.MAIL_NOT_SENT),
        (State.MAILING, MAIL, State.MEMBER, Reason.MAIL_NOT_SENT),
    ],
)
async def test_a_poisoned_command_ends_its_invitations_with_what_happened(  # type: ignore[no-untyped-def]
    world: World, state, command, ends_as, reason
) -> None:
    await world.given(an_invitation(0, state=state, message="hi"), an_invitation(1, state=State.FAILED))

    assert await world.give_up(replace(command, redrives=REDRIVES)) == 1

    assert (world.row(0).state, world.row(0).reason) == (ends_as, reason)
    assert str(world.row(0).detail).endswith(f"in every delivery; the logs name it by chunk {CHUNK}")
    assert await world.give_up(replace(command, redrives=REDRIVES)) == 0
    assert world.store.open_chunks.opened == {}


async def test_nobody_is_given_up_as_deliveries_were_killed(world: World) -> None:
    await world.given(an_invitation(state=State.INVITING))
    command: ChunkCommand = INVITE
    waits = []

    for redrives in range(1, REDRIVES + 1):
        assert await world.give_up(command) is None
        sent, not_before = world.outbox.sent[-1]
        assert sent == replace(command, redrives=redrives)
        assert not_before is not None
        waits.append(not_before - world.clock.now())
        command = replace(command, redrives=redrives)

    assert world.row().state is State.INVITING
    assert waits == sorted(waits)
    assert await world.give_up(command) == 1
    assert world.row().reason is Reason.GAVE_UP


COMMANDS = st.lists(st.sampled_from([INVITE, JOIN, MAIL]), max_size=8)


@given(
    before=COMMANDS, between=COMMANDS, weather=st.lists(st.sampled_from(["busy", "unknown", "lagging"]), max_size=4)
)
async def test_any_order_and_repetition_of_deliveries_ends_alike(before, between, weather) -> None:  # type: ignore[no-untyped-def]
    world = World()
    says: dict[str, JoinAnswer] = {
        "busy": Busy(timedelta(seconds=3)),
        "unknown": Unknown("cut"),
        "lagging": Lagging(),
    }
    world.directory.join_says[USER] = [says[w] for w in weather]
    world.directory.invite_says[KEY] = list[InviteAnswer](
        [Busy(timedelta(seconds=3))] * min(2, weather.count("busy"))
    )
    await world.given(an_invitation(message="hi"))
    for command in before:
        await world.do(command)
    await world.do(INVITE)
    for command in between:
        await world.do(command)
        world.clock.advance(timedelta(seconds=1))

    await world.run(INVITE)
    await world.run(JOIN)
    await world.run(MAIL)

    assert world.row().state is State.MAILED
    assert world.directory.tickets[KEY] == 1
    assert world.mailer is not None
    assert len(world.mailer.sent) == 1
    assert world.directory.members[GROUP] == {USER}
