"""What strangers can do with join requests: to decisions, to mailboxes, to those who decide, to other mail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.addresses import parse_address
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.invitations.model.invitations import State
from shared.membership.model.apps import Policy, RequestPolicy
from shared.messages.commands import MailChunk, MailDigest, MailRequest
from shared.requests.ask import NewRequest
from shared.requests.model import Limit, RequestState, request_id
from tests.builders import CHUNK, GROUP, OWNER, a_caller, a_group, an_invitation
from tests.unit.requests.test_requests import APPROVER, KEY, SETTINGS, Door, refusal

HOUR = timedelta(hours=1)
NEW = NewRequest(GROUP, "ada@fabrikam.com", "Ada", "Please", "en", "192.0.2.1")
KEY_OF_FIRST = request_id(GROUP, parse_address("first@fabrikam.com"))
OTHER = GroupId("22222222-2222-4222-8222-222222222299")


@pytest.fixture
def door() -> Door:
    door = Door()
    door.policy()
    return door


async def proves(door: Door, name: str, number: int = 0) -> None:
    """Somebody asks from a source of their own and proves the address."""
    address = f"{name}@fabrikam.com"
    await door.asked(address, source=f"198.51.100.{number}")
    key = request_id(GROUP, parse_address(address))
    await door.prove(GROUP, key, door.requests.rows[GROUP, key].value.code)


# A decision stays what it is


@pytest.mark.parametrize("decision", ["approved", "declined", "failed"])
async def test_asking_again_leaves_a_decision_and_all_that_belongs_to_it_as_it_is(door: Door, decision: str) -> None:
    await door.proven()
    if decision == "failed":
        door.policy(policy=Policy(blocked_domains=("fabrikam.com",)))
    decide = door.decide.decline if decision == "declined" else door.decide.approve
    await decide(GROUP, KEY, a_caller(), "So we said")
    await door.deliver()
    door.policy()
    before = door.request

    for _ in range(5):
        await door.asked()
        await door.deliver()

    after = door.request
    assert after.state.value == decision
    assert (after.decided_by, after.decided_by_name, after.decided_at, after.note, after.invitation) == (
        before.decided_by, before.decided_by_name, before.decided_at, "So we said", before.invitation
    )  # fmt: skip
    listed = await door.decide.of_group(GROUP, a_caller(), state=None, continuation=None, limit=10)
    assert [r.note for r in listed.requests] == ["So we said"]
    assert len(door.mailed("Confirm")) <= SETTINGS.per_address.most


async def test_asking_while_somebody_decides_mails_nobody(door: Door) -> None:
    await door.proven()
    before, mails = door.request, list(door.mailer.sent if door.mailer else [])

    for number in range(5):
        await door.asked(source=f"192.0.2.{number}")
        await door.deliver()

    assert (door.request, door.mailer.sent if door.mailer else []) == (before, mails)


async def test_what_was_asked_again_and_never_proven_goes_and_the_decision_stays(door: Door) -> None:
    await door.proven()
    await door.decide.decline(GROUP, KEY, a_caller(), "No")
    await door.deliver()
    await door.asked()
    await door.deliver()
    assert door.request.again is not None

    door.clock.advance(timedelta(hours=25))
    await door.sweep_requests()

    assert (door.request.state, door.request.note, door.request.unproven) == (RequestState.DECLINED, "No", None)
    assert door.requests.opened == {}


async def test_an_approval_given_meanwhile_wins_over_what_was_asked_again(door: Door) -> None:
    await door.proven()
    door.set(state=RequestState.FAILED)
    await door.asked()
    again = door.request.unproven
    assert again is not None

    await door.decide.approve(GROUP, KEY, a_caller(), None)

    assert (await refusal(door.prove(GROUP, KEY, again.code))).reason is Reason.REQUEST_MISSING
    await door.deliver()
    assert door.request.invitation == door.row().id


# Mailboxes


async def test_a_mailbox_gets_few_mails_however_its_address_is_written_and_however_many_groups_there_are(
    door: Door,
) -> None:
    [app] = door.setups.apps.values()
    for number in range(10):
        group = GroupId(f"22222222-2222-4222-8222-2222222222{number:02d}")
        door.directory.groups[group] = a_group(id=group)
        key = replace(app.value, group=group, app_id=f"app-{number}")  # type: ignore[arg-type]
        door.setups.apps[key.app_id] = replace(app, value=key)
        for dots in ("ada.lovelace", "a.dalovelace", "ad.alovelace", "adalo.velace"):
            for domain in ("gmail.com", "googlemail.com"):
                door.settings = replace(SETTINGS, per_source=Limit(1000, HOUR), per_source_in_day=Limit(1000, HOUR))
                await door.ask(replace(NEW, group=group, address=f"{dots}@{domain}"))
    await door.deliver()

    assert len(door.mailed("Confirm")) == SETTINGS.per_mailbox.most


async def test_a_domain_of_a_stranger_gets_few_mails_and_others_still_get_theirs(door: Door) -> None:
    door.settings = replace(SETTINGS, per_domain=Limit(5, timedelta(days=1)))
    for number in range(5):
        await door.asked(f"anything{number}@catch-all.example.com", source=f"192.0.2.{number}")

    refused = await refusal(door.asked("more@catch-all.example.com", source="192.0.2.9"))

    assert refused.reason is Reason.TOO_MANY_REQUESTS
    assert refused.retry_after is not None
    assert refused.until == door.clock.now() + refused.retry_after
    assert "catch-all.example.com" in (refused.detail or "")
    await door.asked("ada@fabrikam.com", source="192.0.2.9")
    await door.asked("ada@gmail.com", source="192.0.2.9")


async def test_a_tenant_sends_so_many_mails_to_strangers_in_a_day(door: Door) -> None:
    door.settings = replace(SETTINGS, per_tenant=Limit(3, timedelta(days=1)))
    for number in range(3):
        await door.asked(f"g{number}@a{number}.example.com", source=f"192.0.2.{number}")

    refused = await refusal(door.asked("g4@a4.example.com", source="192.0.2.9"))

    assert (refused.reason, refused.until is not None) == (Reason.TOO_MANY_REQUESTS, True)
    door.clock.advance(timedelta(days=1))
    await door.asked("g4@a4.example.com", source="192.0.2.9")


async def test_one_source_does_not_use_up_what_is_everybodys(door: Door) -> None:
    for hour in range(12):
        for number in range(25):
            try:
                await door.asked(f"g{hour}-{number}@catch-all.example.com")
            except Exception as e:
                assert getattr(e, "reason", None) is Reason.TOO_MANY_REQUESTS  # noqa: PT017
        door.clock.advance(HOUR)
        if len(door.requests.rows) == SETTINGS.per_source_in_day.most:
            break

    assert len(door.requests.rows) == SETTINGS.per_source_in_day.most < SETTINGS.per_domain.most
    await door.asked("ada@catch-all.example.com", source="192.0.2.9")


async def test_nobody_is_turned_away_by_the_many_who_ask_for_a_group_but_mails_wait_for_the_next_hour(
    door: Door,
) -> None:
    door.settings = replace(SETTINGS, per_group=Limit(3, HOUR))
    for number in range(3):
        await door.asked(f"g{number}@fabrikam.com", source=f"192.0.2.{number}")
    began = door.clock.now()

    await door.asked(source="192.0.2.9")
    await door.deliver()

    assert door.mailed("Confirm")[3:] == []
    assert door.request.expires_at > began + SETTINGS.proof_retention
    door.clock.advance(HOUR)
    await door.deliver()
    assert [m.to for m in door.mailed("Confirm")[3:]] == ["ada@fabrikam.com"]


# Those who decide


async def test_who_decides_gets_one_mail_at_once_and_then_one_an_hour_with_the_count(door: Door) -> None:
    await proves(door, "first")
    await door.deliver()
    assert [m.subject for m in door.mailed("Waiting")] == ["Waiting: 1"]

    for number in range(30):
        await proves(door, f"more{number}", number)
    await door.deliver()
    assert len(door.mailed("Waiting")) == 1

    door.clock.advance(HOUR)
    await door.deliver()
    assert [m.subject for m in door.mailed("Waiting")] == ["Waiting: 1", "Waiting: 31"]
    assert door.mailed("Waiting")[1].text == f"https://guestlist.example/portal/groups/{GROUP}/requests"

    door.clock.advance(3 * HOUR)
    await door.sweep_requests()
    await door.deliver()
    assert len(door.mailed("Waiting")) == 2
    assert door.requests.digests == {}, "what was told long ago is forgotten"


async def test_who_decides_for_many_groups_gets_one_mail_for_all_of_them(door: Door) -> None:
    [app] = door.setups.apps.values()
    for number in range(10):
        group = GroupId(f"22222222-2222-4222-8222-2222222222{number:02d}")
        door.directory.groups[group] = a_group(id=group)
        record = replace(app.value, group=group, app_id=f"app-{number}")  # type: ignore[arg-type]
        door.setups.apps[record.app_id] = replace(app, value=record)
        await door.ask(replace(NEW, group=group, source=f"192.0.2.{number}", address=f"g{number}@fabrikam.com"))
        key = request_id(group, parse_address(f"g{number}@fabrikam.com"))
        await door.prove(group, key, door.requests.rows[group, key].value.code)
        await door.deliver()
    door.clock.advance(HOUR)
    await door.deliver()

    assert [m.subject for m in door.mailed("Waiting")] == ["Waiting: 1", "Waiting: 9"]
    assert door.mailed("Waiting")[1].text == "https://guestlist.example/portal"


async def test_owners_are_told_as_the_directory_has_them_when_the_mail_is_written(door: Door) -> None:
    newcomer = UserId("88888888-8888-4888-8888-888888888888")
    door.policy(approvers=())
    door.addresses.of |= {OWNER: "olivia@contoso.com", newcomer: "nina@contoso.com"}
    await proves(door, "first")
    await door.deliver()
    assert [m.to for m in door.mailed("Waiting")] == ["olivia@contoso.com"]

    await proves(door, "second", 2)
    await door.deliver()
    door.directory.groups[GROUP] = a_group(owners=frozenset({newcomer}))
    door.clock.advance(HOUR)
    await door.deliver()

    assert len(door.mailed("Waiting")) == 1, "she owns the group no longer"
    await proves(door, "third", 3)
    await door.deliver()
    assert [m.to for m in door.mailed("Waiting")][1:] == ["nina@contoso.com"]


async def test_a_request_that_is_proven_while_a_mail_is_written_is_in_the_next_one(door: Door) -> None:
    await proves(door, "first")
    [*_, (note, _)] = door.outbox.sent
    door.outbox.sent.clear()
    await door.mail(note)  # type: ignore[arg-type]
    [(digest, _)] = door.outbox.sent
    assert isinstance(digest, MailDigest)
    door.outbox.sent.clear()
    address = door.addresses.mail_address

    async def mail_address(user: UserId) -> str | None:
        door.addresses.mail_address = address  # type: ignore[method-assign]
        await door.tell.note(replace(door.requests.rows[GROUP, KEY_OF_FIRST].value, group=OTHER))
        return await address(user)

    door.directory.groups[OTHER] = a_group(id=OTHER)
    [app] = door.setups.apps.values()
    door.setups.apps["other"] = replace(app, value=replace(app.value, group=OTHER))  # type: ignore[index]
    door.addresses.mail_address = mail_address  # type: ignore[method-assign]
    outcome = await door.tell(digest)

    assert outcome.later is not None
    door.clock.time = max(door.clock.time + timedelta(minutes=1), outcome.later.not_before)
    door.outbox.sent.append((outcome.later.command, None))
    await door.deliver()
    assert len(door.mailed("Waiting")) == 1
    assert door.requests.digests[APPROVER][0].value.groups == (OTHER,)
    assert [due for _, due in door.parked] == [door.requests.digests[APPROVER][0].value.due_at]


async def test_a_digest_whose_message_was_lost_is_sent_by_the_sweeper(door: Door) -> None:
    await proves(door, "first")
    [*_, (note, _)] = door.outbox.sent
    door.outbox.sent.clear()
    await door.mail(note)  # type: ignore[arg-type]
    door.outbox.sent.clear()
    door.clock.advance(door.timing.stall_timeout * 2)

    await door.sweep_requests()
    await door.deliver()

    assert len(door.mailed("Waiting")) == 1


# Other mail


async def test_a_welcome_mail_does_not_wait_for_mails_to_strangers(door: Door) -> None:
    for number in range(100):
        await door.asked(f"g{number}@a{number}.example.com", source=f"192.0.2.{number}")
    for command, _ in list(door.outbox.sent):
        assert isinstance(command, MailRequest)
        await door.mail(command)
    await door.given(an_invitation(message="Welcome", state=State.MEMBER))

    waits = await door.do(MailChunk(GROUP, CHUNK))

    assert waits.later is None or waits.later.not_before - door.clock.now() < timedelta(seconds=3)


async def test_a_mail_that_waits_for_its_pace_is_not_taken_for_lost(door: Door) -> None:
    for number in range(20):
        await door.asked(f"g{number}@a{number}.example.com", source=f"192.0.2.{number}")
    slots = []
    for command, _ in list(door.outbox.sent):
        assert isinstance(command, MailRequest)
        outcome = await door.mail(command)
        slots.append(outcome.later.not_before if outcome.later else door.clock.now())
        look_at = door.requests.opened.get((GROUP, command.request))
        assert look_at is None or look_at >= slots[-1] + door.timing.stall_timeout
    assert slots[-1] > door.clock.now() + timedelta(minutes=1)
    assert door.mailer is not None
    minute = [s for s in slots if s < door.clock.now() + timedelta(minutes=1)]
    assert len(minute) <= door.mailer.pace.per / 3 + door.mailer.pace.burst / 3


async def test_no_mail_has_a_strangers_text(door: Door) -> None:
    name = "Contoso IT: call +1 555 0100, https://evil.example"
    await door.ask(replace(NEW, display_name=name, reason_given=name))
    await door.deliver()
    await door.prove(GROUP, KEY, door.request.code)
    await door.deliver()
    await door.decide.decline(GROUP, KEY, a_caller(), None)
    await door.deliver()

    assert door.mailer is not None
    assert len(door.mailer.sent) == 3
    for mail in door.mailer.sent:
        assert mail.to_name is None
        assert "evil" not in mail.subject + mail.text + mail.html


# The policy `open`


async def test_a_group_that_is_open_without_domains_has_a_person_decide(door: Door) -> None:
    door.policy(policy=Policy(RequestPolicy.OPEN, approvers=("anna@contoso.com",)))

    await door.proven()

    assert door.request.state is RequestState.PENDING
    assert len(door.mailed("Waiting")) == 1
    assert door.store.rows == {}


async def test_so_many_are_let_in_by_policy_in_a_day_and_of_the_others_a_person_decides(door: Door) -> None:
    door.settings = replace(SETTINGS, admitted=Limit(2, timedelta(days=1)))
    door.policy(policy=Policy(RequestPolicy.OPEN, allowed_domains=("fabrikam.com",)))
    for number in range(4):
        await proves(door, f"g{number}", number)
    await door.deliver()

    states = sorted(row.value.state for row in door.requests.rows.values())
    assert states == [RequestState.APPROVED] * 2 + [RequestState.PENDING] * 2
    assert len(door.store.rows) == 2


# What is kept


async def test_what_ended_is_kept_for_a_while_and_then_deleted_with_what_nobody_ever_proved(door: Door) -> None:
    await door.proven()
    await door.decide.decline(GROUP, KEY, a_caller(), None)
    await door.deliver()
    old = replace(door.request, id="0" * 22, state=RequestState.EXPIRED, proven_at=None)  # type: ignore[arg-type]
    await door.requests.save(replace(door.requests.rows[GROUP, KEY], value=old, version=None))

    await door.sweep_requests()
    assert list(door.requests.rows) == [(GROUP, KEY)]
    door.clock.advance(SETTINGS.ended_retention - timedelta(days=1))
    await door.sweep_requests()
    assert list(door.requests.rows) == [(GROUP, KEY)]
    door.clock.advance(timedelta(days=2))
    await door.sweep_requests()

    assert door.requests.rows == {}


async def test_what_waits_or_is_approved_and_not_yet_an_invitation_is_never_forgotten(door: Door) -> None:
    door.settings = replace(SETTINGS, kept=timedelta(days=1000))
    await door.proven()
    door.clock.advance(SETTINGS.ended_retention * 2)
    await door.sweep_requests()
    assert door.request.state is RequestState.PENDING

    await door.decide.approve(GROUP, KEY, a_caller(), None)
    door.outbox.sent.clear()
    door.clock.advance(SETTINGS.ended_retention * 2)
    await door.sweep_requests()
    assert door.request.is_unfulfilled
