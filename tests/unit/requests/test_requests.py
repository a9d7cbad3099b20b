"""Join requests: what is asked, proven, decided, mailed; deliveries that die, meet or come twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from shared.core.addresses import parse_address
from shared.core.directory import DirectoryUser
from shared.core.errors import Refused
from shared.core.ids import AppId, PrincipalId, SetupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Account, Busy, Declined, Lookalike, Unknown
from shared.core.versions import Versioned
from shared.invitations.model.invitations import State
from shared.mail.ports import Mail
from shared.membership.model.apps import AppRecord, AppState, Policy, RequestPolicy
from shared.messages.commands import Command, FulfilRequest, MailDigest, MailRequest
from shared.messages.outcomes import Outcome
from shared.messages.sweep import Sweep
from shared.requests.ask import AskToJoin, NewRequest, VerifyEmail
from shared.requests.decide import DecideRequest, FulfilRequestStep
from shared.requests.model import REQUEST_STATES, JoinRequest, Limit, RequestSettings, RequestState, request_id
from shared.requests.ports import RequestDependencies, Waiting
from shared.requests.send_mail import MailRequestStep, NotifyDeciders
from shared.requests.sweep import SweepRequests
from tests.builders import GROUP, OWNER, STRANGER, a_caller
from tests.fakes.request_store import FakeRequestStore
from tests.unit.world import World

ADA = parse_address("ada@fabrikam.com")
KEY = request_id(GROUP, ADA)
APPROVER = UserId("77777777-7777-4777-8777-777777777777")
SETTINGS = RequestSettings(public_url="https://guestlist.example")


class FakeRequestText:
    def proof(self, *, key: str, to: str, app: str, link: str, hours: int, language: str) -> Mail:
        return Mail(key, to, None, f"Confirm {app}", link, f"{hours} {language}")

    def declined(self, *, key: str, to: str, app: str, note: str | None, language: str) -> Mail:
        return Mail(key, to, None, f"No to {app}", note or "", language)

    def waiting(self, *, key: str, to: str, waiting: Sequence[Waiting], link: str, language: str) -> Mail:
        return Mail(key, to, None, f"Waiting: {sum(w.count for w in waiting)}", link, language)


class FakeAddresses:
    """Of the rosters, where those who decide read mail."""

    def __init__(self) -> None:
        self.of: dict[UserId, str | None] = {APPROVER: "anna@contoso.com"}

    async def mail_address(self, user: UserId) -> str | None:
        return self.of.get(user)


@dataclass
class Door(World):
    """A world with a group that takes requests."""

    requests: FakeRequestStore = field(default_factory=FakeRequestStore)
    settings: RequestSettings = SETTINGS
    addresses: FakeAddresses = field(default_factory=FakeAddresses)
    parked: list[tuple[Command, datetime]] = field(default_factory=list)

    def policy(self, requests: RequestPolicy = RequestPolicy.APPROVAL, **changes: object) -> None:
        record = AppRecord(
            app_id=AppId("55555555-5555-4555-8555-555555555555"),
            name="Contoso Travel",
            service_principal=PrincipalId("50000000-0000-4000-8000-000000000001"),
            group=GROUP,
            group_name="Travel guests",
            owners=(DirectoryUser(OWNER, "Olivia Owner"),),
            approvers=(DirectoryUser(APPROVER, "Anna Approver"),),
            policy=Policy(requests=requests, approvers=("anna@contoso.com",), blocked_domains=("blocked.example",)),
            setup=SetupId("0" * 22),
            updated_at=self.clock.now(),
        )
        self.setups.apps[record.app_id] = Versioned(replace(record, **changes), "v")  # type: ignore[arg-type]

    @property
    def tools(self) -> RequestDependencies:
        return RequestDependencies(
            requests=self.requests,
            setups=self.setups,
            store=self.store,
            directory=self.directory,
            guest_reader=self.addresses,  # type: ignore[arg-type]
            access=self.access,
            mailer=self.mailer,
            text=FakeRequestText(),
            outbox=self.outbox,
            clock=self.clock,
            timing=self.timing,
            settings=self.settings,
        )

    @property
    def ask(self) -> AskToJoin:
        return AskToJoin(self.tools)

    @property
    def prove(self) -> VerifyEmail:
        return VerifyEmail(self.tools, self.ask)

    @property
    def decide(self) -> DecideRequest:
        return DecideRequest(self.tools)

    @property
    def tell(self) -> NotifyDeciders:
        return NotifyDeciders(self.tools)

    @property
    def mail(self) -> MailRequestStep:
        return MailRequestStep(self.tools, self.tell)

    @property
    def fulfil(self) -> FulfilRequestStep:
        return FulfilRequestStep(self.tools, self.accept)

    async def sweep_requests(self) -> int:
        rest = SweepRequests(self.tools, self.tell)
        return await Sweep(self.requests, rest.look_at, self.outbox, self.clock)() + await rest()

    @property
    def request(self) -> JoinRequest:
        return self.requests.rows[GROUP, KEY].value

    def set(self, **changes: object) -> None:
        stored = self.requests.rows[GROUP, KEY]
        value = replace(stored.value, **changes)  # type: ignore[arg-type]
        self.requests.rows[GROUP, KEY] = replace(stored, value=value)

    async def asked(self, address: str = "ada@fabrikam.com", source: str = "192.0.2.1") -> None:
        await self.ask(NewRequest(GROUP, address, "Ada", "Please", "de", source))

    async def deliver(self) -> list[str]:
        """All messages that were sent and are due, and what follows, until none is left; gives why some waited."""
        waits: list[str] = []
        self.outbox.sent += [p for p in self.parked if p[1] <= self.clock.now()]
        self.parked = [p for p in self.parked if p[1] > self.clock.now()]
        for _ in range(1000):
            if not self.outbox.sent:
                return waits
            command, due = self.outbox.sent.pop(0)
            if due is not None and due > self.clock.now():
                self.parked.append((command, due))
                continue
            outcome = Outcome()
            if isinstance(command, MailRequest):
                outcome = await self.mail(command)
                self.outbox.sent += [(c, None) for c in outcome.then]
            elif isinstance(command, MailDigest):
                outcome = await self.tell(command)
            elif isinstance(command, FulfilRequest):
                outcome = await self.fulfil(command)
            if outcome.later is not None:
                waits.append(outcome.later.why)
                self.clock.time = max(self.clock.time, outcome.later.not_before)
                self.outbox.sent.append((outcome.later.command, None))
        raise AssertionError(f"still busy: {waits}")

    async def proven(self) -> None:
        await self.asked()
        await self.deliver()
        await self.prove(GROUP, KEY, self.request.code)
        await self.deliver()

    def mailed(self, subject: str) -> list[Mail]:
        return [m for m in (self.mailer.sent if self.mailer else []) if m.subject.startswith(subject)]


@pytest.fixture
def door() -> Door:
    door = Door()
    door.policy()
    return door


async def refusal(awaited: object) -> Refused:
    with pytest.raises(Refused) as refused:
        await awaited  # type: ignore[misc]
    return refused.value


async def test_a_request_becomes_an_invitation_when_its_address_is_proven_and_an_owner_says_yes(door: Door) -> None:
    await door.asked()
    await door.deliver()
    [proof] = door.mailer.sent if door.mailer else []
    assert proof.to == "ada@fabrikam.com"
    assert proof.text == f"https://guestlist.example/request/{GROUP}/{KEY}?code={door.request.code}"
    listed = await door.decide.of_group(GROUP, a_caller(), state=None, continuation=None, limit=10)
    assert listed.requests == [], "nobody sees a request whose address is not proven"

    await door.prove(GROUP, KEY, door.request.code)
    decided = await door.decide.approve(GROUP, KEY, a_caller(), "Welcome aboard")
    await door.deliver()

    assert decided.state is RequestState.APPROVED
    invitation = door.row()
    assert door.request.invitation == invitation.id
    assert (invitation.address, invitation.display_name, invitation.inviter_id) == (ADA, "Ada", OWNER)
    assert invitation.message is not None
    assert "angenommen" in invitation.message
    assert "Welcome aboard" in invitation.message
    assert door.requests.opened == {}


async def test_a_policy_that_lets_everybody_in_needs_the_proof_alone(door: Door) -> None:
    door.policy(policy=Policy(RequestPolicy.OPEN, allowed_domains=("fabrikam.com",)))

    await door.proven()
    await door.deliver()

    assert door.request.state is RequestState.APPROVED
    assert (door.request.decided_by, door.row().inviter_name) == (None, "Contoso Travel")


@pytest.mark.parametrize(
    "closed",
    [{"requests": RequestPolicy.CLOSED}, {"state": AppState.REMOVING}],
    ids=["closed", "being taken apart"],
)
async def test_a_closed_group_is_as_one_that_is_not_there(door: Door, closed: dict[str, object]) -> None:
    door.policy(**closed)  # type: ignore[arg-type]

    assert (await refusal(door.asked())).reason is Reason.REQUESTS_CLOSED
    door.setups.apps.clear()
    assert (await refusal(door.asked())).reason is Reason.REQUESTS_CLOSED


async def test_nobody_can_ask_where_no_mail_or_no_address_of_ours_is_set_up(door: Door) -> None:
    door.settings = RequestSettings()
    assert (await refusal(door.asked())).reason is Reason.REQUESTS_CLOSED
    door.settings, door.mailer = SETTINGS, None
    assert (await refusal(door.asked())).reason is Reason.REQUESTS_CLOSED


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nobody", Reason.ADDRESS_INVALID),
        ("a+b@fabrikam.com", Reason.ADDRESS_UNSUPPORTED),
    ],
)
async def test_an_address_that_cannot_be_invited_is_refused_at_once(door: Door, address: str, reason: Reason) -> None:
    assert (await refusal(door.asked(address))).reason is reason
    assert (door.requests.rows, door.outbox.sent) == ({}, [])


async def test_a_domain_that_the_policy_blocks_is_refused_at_once(door: Door) -> None:
    door.policy(policy=Policy(blocked_domains=("fabrikam.com",)))

    assert (await refusal(door.asked())).reason is Reason.DOMAIN_NOT_ALLOWED


async def test_who_asks_again_before_the_proof_gets_the_same_link_in_another_mail(door: Door) -> None:
    await door.asked()
    await door.deliver()
    await door.asked()
    await door.deliver()

    sent = door.mailer.sent if door.mailer else []
    assert len(sent) == 2
    assert sent[0].text == sent[1].text
    assert sent[0].key != sent[1].key


async def test_who_asks_while_an_owner_decides_changes_nothing(door: Door) -> None:
    await door.proven()
    before = door.request

    await door.asked()

    assert door.request == before
    assert door.outbox.sent == []


@pytest.mark.parametrize("end", [RequestState.DECLINED, RequestState.EXPIRED, RequestState.FAILED])
async def test_who_was_not_let_in_may_ask_again_and_must_prove_again(door: Door, end: RequestState) -> None:
    await door.proven()
    door.set(state=end)
    old = door.request.code

    await door.asked()

    assert (door.request.state, door.request.code) == (end, old), "a stranger may have asked"
    assert (await door.prove(GROUP, KEY, old)).used_before
    assert door.request.state is end
    again = door.request.unproven
    assert again is not None
    assert again.code != old
    assert (await door.prove(GROUP, KEY, again.code)).request.state is RequestState.PENDING
    assert (door.request.decided_by, door.request.again) == (None, None)
    assert (await refusal(door.prove(GROUP, KEY, old))).reason is Reason.REQUEST_MISSING


async def test_limits_hold_per_source_and_say_when_to_come_back(door: Door) -> None:
    door.settings = replace(SETTINGS, per_source=Limit(2, timedelta(hours=1)))
    for number in range(2):
        await door.asked(f"g{number}@fabrikam.com")

    refused = await refusal(door.asked("g3@fabrikam.com"))

    assert refused.reason is Reason.TOO_MANY_REQUESTS
    assert refused.retry_after is not None
    assert timedelta() < refused.retry_after <= timedelta(hours=1)
    assert refused.until == door.clock.now() + refused.retry_after
    await door.asked("g3@fabrikam.com", source="192.0.2.2")
    assert len(door.requests.rows) == 3


async def test_an_address_gets_few_mails_and_nobody_is_told(door: Door) -> None:
    for _ in range(5):
        await door.asked()
        await door.deliver()

    assert len(door.mailer.sent if door.mailer else []) == SETTINGS.per_address.most


async def test_a_link_that_is_too_old_or_wrong_proves_nothing(door: Door) -> None:
    await door.asked()
    await door.deliver()

    assert (await refusal(door.prove(GROUP, KEY, "f" * 32))).reason is Reason.REQUEST_MISSING
    door.clock.advance(timedelta(hours=25))
    assert (await refusal(door.prove(GROUP, KEY, door.request.code))).reason is Reason.REQUEST_MISSING


async def test_a_proof_may_come_twice(door: Door) -> None:
    await door.proven()
    before = door.request

    again = await door.prove(GROUP, KEY, before.code)

    assert (again.request, again.used_before, door.request) == (before, True, before)
    assert door.outbox.sent == []


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        (a_caller(OWNER), True),
        (a_caller(APPROVER), True),
        (a_caller(STRANGER, "Admin"), True),
        (a_caller(STRANGER, "Auditor"), False),
        (a_caller(STRANGER), False),
    ],
)
async def test_owners_approvers_and_administrators_decide(door: Door, caller, may: bool) -> None:  # type: ignore[no-untyped-def]
    await door.proven()

    if may:
        assert (await door.decide.approve(GROUP, KEY, caller, None)).decided_by == caller.object_id
    else:
        assert (await refusal(door.decide.approve(GROUP, KEY, caller, None))).reason is Reason.NOT_OWNER


async def test_nobody_decides_about_their_own_request(door: Door) -> None:
    await door.proven()
    door.directory.accounts[ADA.key] = Account(OWNER, False, True, False)
    among_others = Lookalike(frozenset({OWNER}), "otherMails")
    door.directory.find_says[ADA.key] = [among_others, among_others]

    for decide in (door.decide.approve, door.decide.decline):
        assert (await refusal(decide(GROUP, KEY, a_caller(), None))).reason is Reason.OWN_REQUEST
    for decide in (door.decide.approve, door.decide.decline):
        assert (await refusal(decide(GROUP, KEY, a_caller(), None))).reason is Reason.OWN_REQUEST
    assert door.request.state is RequestState.PENDING


async def test_two_owners_at_once_end_in_one_decision(door: Door) -> None:
    await door.proven()
    other = a_caller(APPROVER)
    read = door.requests.read

    async def late(group, request):  # type: ignore[no-untyped-def]
        stored = await read(group, request)
        door.requests.read = read  # type: ignore[method-assign]
        await door.decide.decline(GROUP, KEY, other, "No")
        return stored

    door.requests.read = late  # type: ignore[method-assign]
    refused = await refusal(door.decide.approve(GROUP, KEY, a_caller(), None))

    assert refused.reason is Reason.REQUEST_DECIDED
    assert "declined" in (refused.detail or "")
    assert (door.request.state, door.request.decided_by) == (RequestState.DECLINED, APPROVER)
    await door.deliver()
    assert door.store.rows == {}


async def test_a_decision_beside_a_mail_that_goes_out_holds(door: Door) -> None:
    door.policy()
    await door.asked()
    await door.prove(GROUP, KEY, door.request.code)
    save = door.requests.save

    async def save_later(request: Versioned[JoinRequest]) -> Versioned[JoinRequest]:
        """As `save`, after the mail step has written."""
        door.requests.save = save  # type: ignore[method-assign]
        await door.deliver()
        return await save(request)

    door.requests.save = save_later  # type: ignore[method-assign]
    decided = await door.decide.approve(GROUP, KEY, a_caller(OWNER), None)
    assert decided.state is door.request.state is RequestState.APPROVED
    await door.deliver()
    assert door.request.invitation is not None


async def test_a_decision_may_be_sent_twice_by_who_made_it_and_is_final_for_others(door: Door) -> None:
    await door.proven()
    first = await door.decide.approve(GROUP, KEY, a_caller(), None)

    assert await door.decide.approve(GROUP, KEY, a_caller(), None) == first
    refused = await refusal(door.decide.decline(GROUP, KEY, a_caller(APPROVER), None))
    assert refused.reason is Reason.REQUEST_DECIDED


async def test_who_is_declined_is_told_once_with_the_note(door: Door) -> None:
    await door.proven()
    await door.decide.decline(GROUP, KEY, a_caller(), "Ask your own IT")
    await door.deliver()

    assert [m.text for m in door.mailed("No to Contoso Travel")] == ["Ask your own IT"]
    assert door.requests.opened == {}


async def test_an_approval_that_cannot_be_fulfilled_says_why_and_can_be_given_again(door: Door) -> None:
    await door.proven()
    door.policy(policy=Policy(blocked_domains=("fabrikam.com",)))
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    await door.deliver()
    assert (door.request.state, door.request.reason) == (RequestState.FAILED, Reason.DOMAIN_NOT_ALLOWED)

    door.policy()
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    await door.deliver()

    assert door.request.state is RequestState.APPROVED
    assert door.request.invitation == door.row().id


async def test_a_guest_who_was_invited_by_hand_meanwhile_is_not_invited_twice(door: Door) -> None:
    await door.proven()
    from tests.unit.invitations.test_accept import new

    by_hand = await door.accept(new(), a_caller(), None)
    door.outbox.sent.clear()
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    await door.deliver()

    assert door.request.invitation == by_hand
    assert len(door.store.rows) == 1


async def test_fulfilling_twice_makes_one_invitation(door: Door) -> None:
    await door.proven()
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    approved = door.requests.rows[GROUP, KEY]
    await door.deliver()
    invited = door.row()

    # As if the first delivery had died before it wrote down what came of it.
    door.requests.rows[GROUP, KEY] = approved
    await door.fulfil(FulfilRequest(GROUP, KEY))

    assert door.request.invitation == invited.id
    assert len(door.store.rows) == 1


@pytest.mark.parametrize("lost", ["prepare", "dispatch"])
async def test_a_mail_whose_answer_was_lost_goes_out_once(door: Door, lost: str) -> None:
    await door.asked()
    assert door.mailer is not None
    says = door.mailer.prepare_says if lost == "prepare" else door.mailer.dispatch_says
    says[door.request.mail_key] = [Unknown("cut")]

    waits = await door.deliver()

    assert waits == ["cut"]
    assert len(door.mailer.sent) == 1


async def test_a_mail_waits_for_a_busy_service_and_is_dropped_where_it_is_refused(door: Door) -> None:
    await door.asked()
    assert door.mailer is not None
    key = door.request.mail_key
    door.mailer.prepare_says[key] = [Busy(timedelta(seconds=30)), Declined(Reason.MAIL_NOT_SENT, "no mailbox")]

    assert await door.deliver() == ["the mail service is busy"]

    assert (door.request.mail, door.mailer.sent) == (None, [])


async def test_two_deliveries_of_one_mail_send_one(door: Door) -> None:
    await door.asked()
    before = door.requests.rows[GROUP, KEY]
    await door.mail(MailRequest(GROUP, KEY))
    claimed = replace(before.value, claimed_until=door.clock.now() + timedelta(minutes=5))
    assert (await door.mail(MailRequest(GROUP, KEY))).note == "no mail is due"

    door.requests.rows[GROUP, KEY] = replace(before, value=claimed)
    outcome = await door.mail(MailRequest(GROUP, KEY))

    assert outcome.later is not None
    assert len(door.mailer.sent if door.mailer else []) == 1


async def test_what_nobody_confirms_or_decides_expires(door: Door) -> None:
    await door.asked()
    await door.deliver()
    door.clock.advance(timedelta(hours=25))
    await door.sweep_requests()
    assert (door.requests.rows, door.requests.opened) == ({}, {}), "nobody has ever seen it"

    await door.proven()
    door.clock.advance(timedelta(days=31))
    await door.sweep_requests()
    assert door.request.state is RequestState.EXPIRED


@pytest.mark.parametrize("lost", ["proof", "approval", "declined"])
async def test_the_sweeper_sends_what_was_never_enqueued(door: Door, lost: str) -> None:
    door.outbox.fails = lost == "proof"
    await door.asked()
    if lost != "proof":
        await door.deliver()
        await door.prove(GROUP, KEY, door.request.code)
        door.outbox.fails = True
        decide = door.decide.approve if lost == "approval" else door.decide.decline
        await decide(GROUP, KEY, a_caller(), None)
    door.outbox.fails = False
    door.clock.advance(door.timing.stall_timeout * 2)

    await door.sweep_requests()
    await door.deliver()

    if lost == "approval":
        assert door.row().state is State.ACCEPTED
    else:
        assert len(door.mailed("Confirm" if lost == "proof" else "No to")) == 1
    assert door.request.mail is None


async def test_those_who_decide_are_told_once_each_that_a_request_waits(door: Door) -> None:
    other = UserId("88888888-8888-4888-8888-888888888888")
    third = UserId("99999999-9999-4999-8999-999999999999")
    door.policy(approvers=tuple(DirectoryUser(who, "") for who in (APPROVER, other, third)))
    door.addresses.of |= {other: None, third: "theo@contoso.com"}

    await door.proven()

    told = door.mailed("Waiting")
    assert [m.to for m in told] == ["anna@contoso.com", "theo@contoso.com"], "who has no mailbox is passed over"
    assert told[0].text == f"https://guestlist.example/portal/groups/{GROUP}/requests"
    assert len({m.key for m in told}) == 2
    assert (door.request.mail, door.request.to_tell) == (None, ())


async def test_an_approval_whose_message_is_lost_beside_another_mail_is_found_soon(door: Door) -> None:
    await door.asked()
    await door.deliver()
    await door.prove(GROUP, KEY, door.request.code)

    # The owner decides while the mail to them is on its way; the app dies before it enqueues what follows.
    door.outbox.fails = True
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    door.outbox.fails = False
    await door.deliver()
    assert door.request.is_unfulfilled

    for _ in range(2):
        door.clock.advance(timedelta(hours=1, seconds=1))
        await door.sweep_requests()
        await door.deliver()

    assert door.request.invitation is not None


async def test_nobody_is_told_of_a_request_that_is_decided_already(door: Door) -> None:
    await door.asked()
    await door.deliver()
    await door.prove(GROUP, KEY, door.request.code)
    door.outbox.sent.clear()
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    await door.deliver()

    await door.mail(MailRequest(GROUP, KEY))

    assert door.mailed("Waiting") == []
    assert door.request.mail is None
    assert door.request.invitation is not None


def test_the_table_of_states_is_whole_and_leads_somewhere() -> None:
    assert set(REQUEST_STATES) == set(RequestState)
    assert all(facts.meaning for facts in REQUEST_STATES.values())
    reached = {s for facts in REQUEST_STATES.values() for s in facts.followed_by}
    assert reached == set(RequestState)
