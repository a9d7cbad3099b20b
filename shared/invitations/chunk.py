"""Bring the guests of a chunk as far as they go in one delivery: look up, write the intent, invite, add to the group,
mail.

A single invitation and the rows of an import take this one path. What has to wait (replication, throttling, a lane's
pace) becomes a message of its part's queue, and whoever takes that goes on from there. Each part starts from the
rows: a delivery may die at any line, and a message of any part may come twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, DirectoryBusy, Refused
from shared.core.reasons import Reason
from shared.core.ttl_cache import TtlCache
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.graph.ports import Directory
from shared.invitations.chunk_rows import BUSY, SOON, WROTE_FIRST, ChunkRows
from shared.invitations.invite import LANE, InviteGuests
from shared.invitations.join import JoinGuests
from shared.invitations.model.invitations import Invitation, State, failed
from shared.invitations.ports import MailText, Store
from shared.invitations.send_mail import MailGuests
from shared.mail.ports import Mailer
from shared.membership.access import Access
from shared.membership.model.apps import Policy
from shared.messages.commands import ChunkCommand, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.messages.outcomes import Later, Outcome
from shared.pace.pacing import Breaker, Pace

FRESH = timedelta(minutes=2)
"""For how long the look at who invites counts that was taken when the invitation was."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How the directory took a chunk: what came of inviting, whether it was too busy for some, and when to come back
    for those who wait."""

    invited: InviteGuests
    is_busy: bool
    later: Later | None


@dataclass(slots=True)
class ChunkStep:
    """`mailer` is None where no sender is set up (any more): the guests stay members, without the mail."""

    directory: Directory
    store: Store
    clock: Clock
    timing: Timing
    pace: Pace
    access: Access
    mailer: Mailer | None
    text: MailText
    _breaker: TtlCache[Versioned[Breaker]] = field(init=False)
    _join: JoinGuests = field(init=False)

    def __post_init__(self) -> None:
        self._breaker = TtlCache(self.store.read_breaker)
        self._join = JoinGuests(self.directory, self.clock, self.timing)

    async def invite(self, command: InviteChunk) -> Outcome:
        """Take a chunk of no import as far as it goes now. Safe to repeat at any time."""
        chunk, now = await ChunkRows.read(self.store, command), self.clock.now()
        try:
            await self._end_late(chunk, now)
        except DirectoryBusy as e:
            wait = busy_wait(command.attempt, e.retry_after, self.clock.jitter())
            return await self.again(command, chunk, now + wait, BUSY)
        except Conflict:
            return await self.again(command, chunk, now + SOON, WROTE_FIRST)
        if guests := len(chunk.waiting(now)):
            slot = command.slot or await self.store.reserve(LANE, self.pace, guests, now)
            if slot > now:
                return await self.again(replace(command, slot=slot), chunk, slot, "the tenant's pace")
        # A slot is used once: what comes back asks for a new one.
        taken = await self.to_members(replace(command, slot=None), chunk, now)
        return await self.finish(command, chunk, taken.later)

    async def join(self, command: JoinChunk) -> Outcome:
        """Go on from where guests have an account. Safe to repeat at any time."""
        chunk = await ChunkRows.read(self.store, command)
        later = None
        if waits := await self._join(command, chunk, set()):
            later = Later(command.again(), *max(waits))
        return await self.finish(command, chunk, later)

    async def mail(self, command: MailChunk) -> Outcome:
        """Go on from where guests are members. Safe to repeat at any time."""
        return await self.finish(command, await ChunkRows.read(self.store, command))

    async def to_members(self, command: InviteChunk | ImportChunk, chunk: ChunkRows, now: datetime) -> Taken:
        """Invite those of the chunk who wait for it, and add to the group who has an account."""
        before = {i.id.position for i in chunk.in_state(State.JOINING)}
        breaker = await self._breaker.at(now, lambda seen: not seen.value.is_open)
        invited = InviteGuests(self.directory, self.store, self.clock, self.timing, command, chunk, breaker, now)
        await invited()
        later = invited.later
        if invited.is_throttled:
            # Nothing more is asked before the time that the directory named.
            return Taken(invited, is_busy=True, later=later)
        first_time = {i.id.position for i in chunk.in_state(State.JOINING)} - before
        waits = await self._join(command, chunk, first_time)
        if waits:
            wake_at, why = max(waits)
            if later is None:
                # Who is not seen in the group's part of the directory yet joins by a message of its own.
                later = Later(JoinChunk(command.group, command.chunk, attempt=1), wake_at, why)
            else:
                # One message for both: whoever comes back invites the rest and joins them all.
                later = replace(later, not_before=max(later.not_before, wake_at))
        return Taken(invited, any(why == BUSY for _, why in waits), later)

    async def finish(self, command: ChunkCommand, chunk: ChunkRows, later: Later | None = None) -> Outcome:
        """Mail who is due Guestlist's own mail, by a message of its own where others of the chunk wait for `later`,
        and end the delivery."""
        then: tuple[MailChunk, ...] = ()
        if any(not i.is_final for i in chunk.in_state(State.MEMBER, State.MAILING)):
            due = command if isinstance(command, MailChunk) else MailChunk(command.group, command.chunk)
            if later is None:
                later = await MailGuests(self.mailer, self.text, self.store, self.clock, self.timing)(due, chunk)
            else:
                then = (due,)
        await chunk.finish(self.clock.now(), later.not_before if later else None, self.timing.stall_timeout)
        return Outcome(then=then, later=later)

    async def again(self, command: InviteChunk | ImportChunk, chunk: ChunkRows, at: datetime, why: str) -> Outcome:
        """End the delivery before anything was asked for; the command comes back."""
        await chunk.finish(self.clock.now(), at, self.timing.stall_timeout)
        return Outcome(later=Later(command.again(), at, why))

    async def _end_late(self, chunk: ChunkRows, now: datetime) -> None:
        """Of those who were parked, or have waited for long: end those that nobody may let in any more."""
        late = [i for i in chunk.waiting(now) if i.state is State.PARKED or i.created_at < now - FRESH]
        ended: list[Invitation] = []
        for who in dict.fromkeys(i.inviter_id for i in late):
            mine = [i for i in late if i.inviter_id == who]
            try:
                seen = await self.access.require_admitted(chunk.command.group, who)
            except Refused as e:
                ended += [failed(i, e.reason, e.detail, now) for i in mine]
            else:
                ended += not_admitted(mine, [(app.name, app.policy) for app in seen.apps], now)
        await chunk.write(ended)


def not_admitted(
    waiting: Sequence[Invitation], policies: Sequence[tuple[str, Policy]], now: datetime
) -> list[Invitation]:
    """Those that a policy of one of these apps, as it is now, keeps out, ended; who may have been invited already is
    not among them."""
    ended: list[Invitation] = []
    for invitation in waiting:
        domain = invitation.address.domain
        app = next((name for name, policy in policies if not policy.takes(domain)), None)
        if app is not None and invitation.effect_since is None:
            detail = f"'{app}' does not admit guests of {domain}"
            ended.append(failed(invitation, Reason.DOMAIN_NOT_ALLOWED, detail, now))
    return ended
