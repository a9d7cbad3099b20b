"""Invite the guests of a chunk, each once.

Before the directory is asked to invite, the guest is looked up and the intent is written. A delivery that
finds the intent of an earlier one never mails on suspicion: it looks the guest up and adopts what it finds.

A delivery that was cut off (its claim ran out) may have died before its call left, and the directory may hide a new
guest for minutes. It is not worth waiting for: inviting again without a mail finds or makes the account, and
the time at which the account was made tells which of the two calls made it, and so whether the guest was mailed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.core.clock import Clock, Timing, within
from shared.core.errors import Conflict, DirectoryBusy, Refused, StorageBusy
from shared.core.reasons import Reason
from shared.core.results import (
    Account,
    Blocked,
    Busy,
    Declined,
    Exists,
    FindAnswer,
    InviteAnswer,
    Invited,
    Lookalike,
    NotFound,
    Unknown,
)
from shared.core.versions import Versioned
from shared.core.waits import busy_wait, replication_wait
from shared.graph.ports import Directory, GuestToInvite
from shared.invitations.chunk_rows import BUSY, CLAIMED, SOON, WROTE_FIRST, ChunkRows
from shared.invitations.model.invitations import Invitation, State, advance, failed
from shared.invitations.ports import Store
from shared.messages.commands import ImportChunk, InviteChunk
from shared.messages.outcomes import Later
from shared.pace.pacing import Breaker, take_probe, trip

LANE = "invitations"
_BLOCKED = "Microsoft blocks the tenant's invitations"
_IN_DOUBT = "an invitation is in doubt"


@dataclass(slots=True)
class InviteGuests:
    """One delivery of one chunk. `refused` says afterwards how many guests the directory did not take for now, and
    `throttled_for` for how long; `scattered` that others behind one of them were taken."""

    directory: Directory
    store: Store
    clock: Clock
    timing: Timing
    command: InviteChunk | ImportChunk
    chunk: ChunkRows
    breaker: Versioned[Breaker]
    now: datetime
    throttled_for: timedelta | None = None
    refused: int = 0
    scattered: bool = False
    _waits: list[tuple[datetime, str]] = field(default_factory=list)
    _without_mail: set[int] = field(default_factory=set)
    """Positions of guests who are asked for again after a delivery was cut off."""

    async def __call__(self) -> None:
        """Invite those of the chunk who wait for it. Those who have an account by then are `joining`."""
        for invitation in self.chunk.in_state(State.ACCEPTED, State.INVITING, State.PARKED):
            if invitation.is_claimed(self.now):
                self._waits.append((invitation.claimed_until or self.now, CLAIMED))
        if not (free := self.chunk.waiting(self.now)):
            return
        try:
            to_invite = await self._look_up_and_claim(free)
        except Conflict:
            self._waits.append((self.now + SOON, WROTE_FIRST))
        else:
            if to_invite:
                await self._invite(to_invite)

    @property
    def later(self) -> Later | None:
        """When to come back for those who wait: at the latest time, as nothing may call before its Retry-After."""
        return Later(self.command.again(), *max(self._waits)) if self._waits else None

    async def _look_up_and_claim(self, free: list[Invitation]) -> list[Invitation]:
        """Find who is in the directory already, write what follows from it and the intent to invite the
        rest; gives those to invite."""
        changed: list[Invitation] = []
        to_invite: list[Invitation] = []
        try:
            found = await self.directory.find([i.address for i in free])
        except DirectoryBusy as e:
            self._wait_busy(e.retry_after, len(free))
            await self.chunk.write(_kept_off(free, Busy(e.retry_after).until(self.clock.now())))
            return []
        except Refused as e:
            await self.chunk.write([failed(i, e.reason, e.detail, self.now) for i in free])
            return []
        self.scattered |= _scattered(found)
        for invitation, answer in zip(free, found, strict=True):
            in_doubt = invitation.effect_since is not None
            match answer:
                case Account(enabled=False) if not in_doubt:
                    changed.append(failed(invitation, Reason.ACCOUNT_DISABLED, None, self.now))
                case Account(pending=False) if invitation.send_again and not in_doubt:
                    changed.append(failed(invitation, Reason.GUEST_HAS_ACCEPTED, None, self.now))
                case Account() if invitation.send_again and self._may_ask_again(invitation):
                    # Graph's own way to send again: the same account, a new ticket (graph contract "Invitations").
                    to_invite.append(invitation)
                case Account(created_at=created) if _was_made_without_mail(invitation, created):
                    to_invite.append(invitation)
                case Account(id=user):
                    # In doubt: an earlier delivery made this guest and did not live to write it down. Its
                    # ticket went with it; the app's direct link redeems as well.
                    changed.append(
                        self._invited(invitation, self.now, user_id=user, already_in_directory=not in_doubt)
                    )
                case Busy(retry_after=after):
                    self._wait_busy(after)
                    changed += _kept_off([invitation], answer.until(self.clock.now()))
                case Lookalike(where=where) if not self._may_still_show(invitation):
                    detail = f"An account of the directory has it in {where}"
                    changed.append(failed(invitation, Reason.ADDRESS_OF_ANOTHER, detail, self.now))
                case NotFound() if _was_cut_off(invitation) and self._may_ask_without_mail(invitation):
                    self._without_mail.add(invitation.id.position)
                    to_invite.append(invitation)
                case NotFound() | Lookalike() if self._may_still_show(invitation):
                    self._waits.append((self.now + replication_wait(self.command.attempt), _IN_DOUBT))
                case NotFound():
                    to_invite.append(invitation)
        if to_invite and self.breaker.value.is_open:
            allowed = 1 if await self._take_probe() else 0
            for invitation in to_invite[allowed:]:
                self._park(invitation, changed)
            to_invite = to_invite[:allowed]
        claimed = [self._claimed(invitation) for invitation in to_invite]
        await self.chunk.write([*changed, *claimed])
        return claimed

    def _claimed(self, invitation: Invitation) -> Invitation:
        """The intent. Asking without a mail keeps the time of the first attempt, which may have mailed."""
        since = invitation.effect_since if invitation.id.position in self._without_mail else self.now
        until = self.clock.now() + self.timing.work_lease
        return advance(invitation, State.INVITING, self.now, claimed_until=until, effect_since=since, user_id=None)

    @staticmethod
    def _may_ask_again(invitation: Invitation) -> bool:
        """A first attempt, or one that sent nothing: where Guestlist's own mail carries the link, inviting makes no
        more than a new ticket. Microsoft's mail may have gone out, and is not sent twice."""
        return invitation.effect_since is None or invitation.message is not None

    def _may_still_show(self, invitation: Invitation) -> bool:
        since = invitation.effect_since
        return since is not None and self.now < since + self.timing.doubt_window

    def _may_ask_without_mail(self, invitation: Invitation) -> bool:
        """Not while Microsoft blocks the tenant's invitations: each costs a probe."""
        return self._may_still_show(invitation) and not self.breaker.value.is_open

    def _park(self, invitation: Invitation, changed: list[Invitation]) -> None:
        if invitation.state is not State.PARKED:
            since = invitation.effect_since if invitation.state is State.ACCEPTED else None
            why = {"reason": Reason.TENANT_BLOCKED, "detail": self.breaker.value.detail}
            changed.append(advance(invitation, State.PARKED, self.now, effect_since=since, **why))
        probe_at = max(self.breaker.value.probe_at or self.now, self.now + SOON)
        self._waits.append((probe_at + timedelta(seconds=10) * self.clock.jitter(), _BLOCKED))

    async def _take_probe(self) -> bool:
        taken = take_probe(self.breaker.value, self.now, self.timing.probe_interval)
        if taken is None:
            return False
        try:
            await self.store.write_breaker(replace(self.breaker, value=taken))
        except Conflict:
            return False
        self.breaker = await self.store.read_breaker()
        return True

    async def _invite(self, claimed: list[Invitation]) -> None:
        guests = [
            GuestToInvite(
                address=i.address,
                display_name=i.display_name,
                redirect_url=i.direct_link,
                # Graph drops a custom message when an app invites: with one, Guestlist's own mail carries it.
                mail=i.message is None and i.id.position not in self._without_mail,
                language=i.language,
            )
            for i in claimed
        ]
        until = min(i.claimed_until or self.now for i in claimed)
        late: list[InviteAnswer] = [Unknown("no answer within the lease")] * len(guests)
        answers = await within(until, self.clock, self.directory.invite(guests), late)
        self.scattered |= _scattered(answers)
        by_position = {i.id.position: a for i, a in zip(claimed, answers, strict=True)}
        now = self.clock.now()
        await self._follow_breaker(answers, now)
        not_before = max((t for a in answers if isinstance(a, Busy) and (t := a.until(now))), default=None)

        def settled(invitation: Invitation) -> Invitation:
            after = self._settled(invitation, by_position[invitation.id.position], now)
            if after.state not in (State.ACCEPTED, State.JOINING):
                return after
            # A second message that comes meanwhile asks for nothing, not even to add who was invited.
            return replace(after, claimed_until=not_before)

        if not self._without_mail and all(isinstance(answer, Invited) for answer in answers):
            # New accounts are members of no group yet: whoever meets this delivery's work half done, finishes it.
            self.chunk.hold(by_position, settled)
        else:
            await self.chunk.settle(by_position, State.INVITING, settled)

    def _settled(self, invitation: Invitation, answer: InviteAnswer, now: datetime) -> Invitation:
        asked_without_mail = invitation.id.position in self._without_mail and invitation.message is None
        match answer:
            case Invited(user_id=user) if asked_without_mail:
                self._waits.append((now + replication_wait(self.command.attempt), _IN_DOUBT))
                return advance(invitation, State.INVITING, now, user_id=user)
            case Busy() | Blocked() if asked_without_mail:
                # The first attempt is as much in doubt as before.
                self._waits.append((now + replication_wait(self.command.attempt), _IN_DOUBT))
                return advance(invitation, State.INVITING, now)
            case Invited(user_id=user, redeem_url=url):
                return self._invited(invitation, now, user_id=user, redeem_url=url)
            case Exists(user_id=user):
                return self._invited(invitation, now, user_id=user, already_in_directory=True)
            case Busy(retry_after=after):
                self._wait_busy(after)
                return advance(invitation, State.ACCEPTED, now, effect_since=None)
            case Unknown(what=what):
                self._waits.append((now + replication_wait(self.command.attempt), what))
                return advance(invitation, State.INVITING, now)
            case Blocked(detail=detail):
                probe_at = self.breaker.value.probe_at or now + self.timing.probe_interval
                self._waits.append((probe_at, _BLOCKED))
                why = {"reason": Reason.TENANT_BLOCKED, "detail": detail}
                return advance(invitation, State.PARKED, now, effect_since=None, **why)
            case Declined(reason=reason, detail=detail):
                return failed(invitation, reason, detail, now)

    @staticmethod
    def _invited(invitation: Invitation, now: datetime, **changes: Any) -> Invitation:
        """With the intent to join: it tells who was a member before."""
        return advance(invitation, State.JOINING, now, effect_since=now, **changes)

    async def _follow_breaker(self, answers: list[InviteAnswer], now: datetime) -> None:
        """Open or close the breaker by what the directory answered, whoever else is writing it."""
        blocked = next((a for a in answers if isinstance(a, Blocked)), None)
        lifted = self.breaker.value.is_open and any(isinstance(a, Invited) for a in answers)
        if blocked is None and not lifted:
            return
        for _ in range(5):
            was = self.breaker.value
            value = trip(was, blocked.detail, now, self.timing.probe_interval) if blocked else Breaker()
            try:
                await self.store.write_breaker(replace(self.breaker, value=value))
            except Conflict:
                self.breaker = await self.store.read_breaker()
            else:
                self.breaker = replace(self.breaker, value=value)
                return
        raise StorageBusy("other deliveries kept changing the breaker")

    @property
    def is_throttled(self) -> bool:
        return self.refused > 0

    def _wait_busy(self, after: timedelta | None, guests: int = 1) -> None:
        self.refused += guests
        if after is not None:
            self.throttled_for = max(after, self.throttled_for or after)
        wait = busy_wait(self.command.attempt, after, self.clock.jitter())
        self._waits.append((self.clock.now() + wait, BUSY))


def _scattered(answers: Sequence[FindAnswer] | Sequence[InviteAnswer]) -> bool:
    """Some were taken behind one that the directory was too busy for."""
    busy = [isinstance(answer, Busy) for answer in answers]
    return True in busy and not all(busy[busy.index(True) :])


def _kept_off(invitations: Sequence[Invitation], until: datetime | None) -> list[Invitation]:
    """With a claim until then. Those in doubt wait for longer anyway; a claim says that one was cut off."""
    return [replace(i, claimed_until=until) for i in invitations if until is not None and i.effect_since is None]


def _was_cut_off(invitation: Invitation) -> bool:
    """A delivery had claimed it and wrote nothing more: whoever meets it finds the claim run out."""
    return invitation.claimed_until is not None and invitation.effect_since is not None


def _was_made_without_mail(invitation: Invitation, created_at: datetime | None) -> bool:
    """The account of a guest who was asked for again without a mail was made by that call, and not by the first."""
    first, second = invitation.effect_since, invitation.updated_at
    if invitation.state is not State.INVITING or invitation.user_id is None or first is None or created_at is None:
        return False
    return abs(second - created_at) < abs(created_at - first)
