"""Send Guestlist's own mail, with the welcome message, to the members of a chunk who are due one.

A mail is prepared, its handle is written, then it is dispatched: a crash at any line sends nothing twice.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.answers import Busy, Declined, Unknown
from shared.domain.commands import MailChunk
from shared.domain.errors import Conflict
from shared.domain.invitations import Invitation, State, advance, failed
from shared.domain.outcomes import Later, Outcome
from shared.domain.reasons import Reason
from shared.domain.timing import Timing
from shared.domain.waits import busy_wait, replication_wait
from shared.ports.clock import Clock
from shared.ports.mailer import DispatchAnswer, Dispatched, Mailer, MailText, PrepareAnswer, Prepared
from shared.ports.store import Store
from shared.steps.chunk_rows import ChunkRows
from shared.steps.claims import within

LANE = "mails"
_SOON = timedelta(seconds=1)
_LATE = Unknown("no answer within the lease")


@dataclass(frozen=True, slots=True)
class MailChunkStep:
    """`mailer` is None where no sender is set up (any more): the guests stay members, without the mail."""

    mailer: Mailer | None
    text: MailText
    store: Store
    clock: Clock
    timing: Timing

    async def __call__(self, command: MailChunk) -> Outcome:
        """Take the chunk as far as it goes now. Safe to repeat at any time."""
        now = self.clock.now()
        chunk = await ChunkRows.read(self.store, command)
        due = [i for i in chunk.in_state(State.MEMBER, State.MAILING) if not i.is_final]
        free = [i for i in due if not i.is_claimed(now)]
        waits = [(i.claimed_until or now, "another delivery is at work") for i in due if i.is_claimed(now)]
        slot = None
        if free and self.mailer is None:
            await chunk.write([failed(i, Reason.MAIL_NOT_SENT, "No mail sender is set up", now) for i in free])
        elif free and self.mailer is not None:
            free = free[: self.mailer.pace.burst]
            slot = command.slot or await self.store.reserve(LANE, self.mailer.pace, len(free), now)
            if slot > now:
                waits.append((slot, "the mail sender's pace"))
            else:
                waits += await self._send(self.mailer, command, chunk, free)
        if not waits and any(not i.is_final for i in chunk.in_state(State.MEMBER, State.MAILING)):
            waits.append((now + _SOON, "more mails than go at once"))
        wake_at, why = max(waits, default=(None, ""))
        later = None
        if wake_at is not None:
            kept = slot if slot is not None and slot > now else None
            later = Later(replace(command, attempt=command.attempt + 1, slot=kept), wake_at, why)
        await chunk.finish(self.clock.now(), wake_at, self.timing.stillness)
        return Outcome(later=later)

    async def _send(
        self, mailer: Mailer, command: MailChunk, chunk: ChunkRows, free: list[Invitation]
    ) -> list[tuple[datetime, str]]:
        now = self.clock.now()
        tried_before = {i.id.position for i in free if i.state is State.MAILING}
        until = now + self.timing.work_lease
        try:
            await chunk.write(
                [
                    advance(i, State.MAILING, now, claimed_until=until, effect_since=i.effect_since or now)
                    for i in free
                ]
            )
        except Conflict:
            return [(now + _SOON, "another delivery wrote first")]
        mine = {i.id.position for i in free}
        unprepared: dict[int, PrepareAnswer] = dict.fromkeys(mine, _LATE)
        preparing = self._prepare(mailer, self._mine(chunk, mine), tried_before)
        answers = await within(until, self.clock, preparing, unprepared)
        await chunk.settle(answers, State.MAILING, lambda i: self._settled(i, answers[i.id.position], until))
        ready = [i for i in self._mine(chunk, mine) if i.mail_handle and i.is_claimed(now)]
        unsent: dict[int, DispatchAnswer] = {i.id.position: _LATE for i in ready}
        sent = await within(until, self.clock, self._dispatch(mailer, ready, tried_before), unsent)
        await chunk.settle(sent, State.MAILING, lambda i: self._settled(i, sent[i.id.position], until))
        last: dict[int, PrepareAnswer | DispatchAnswer] = {**answers, **sent}
        left = {i.id.position for i in chunk.in_state(State.MAILING)}
        return [self._wait(command.attempt, a) for p, a in last.items() if p in left]

    @staticmethod
    def _mine(chunk: ChunkRows, positions: set[int]) -> list[Invitation]:
        return [i for i in chunk.in_state(State.MAILING) if i.id.position in positions]

    async def _prepare(
        self, mailer: Mailer, invitations: list[Invitation], tried_before: set[int]
    ) -> dict[int, PrepareAnswer]:
        answers: dict[int, PrepareAnswer] = {}
        for again in (False, True):
            some = [i for i in invitations if i.mail_handle is None and (i.id.position in tried_before) is again]
            if some:
                found = await mailer.prepare([self.text.welcome(i) for i in some], again=again)
                answers |= {i.id.position: a for i, a in zip(some, found, strict=True)}
        return answers

    async def _dispatch(
        self, mailer: Mailer, invitations: list[Invitation], tried_before: set[int]
    ) -> dict[int, DispatchAnswer]:
        answers: dict[int, DispatchAnswer] = {}
        for again in (False, True):
            some = [
                (i, i.mail_handle)
                for i in invitations
                if i.mail_handle is not None and (i.id.position in tried_before) is again
            ]
            if some:
                found = await mailer.dispatch([(h, self.text.welcome(i)) for i, h in some], again=again)
                answers |= {i.id.position: a for (i, _), a in zip(some, found, strict=True)}
        return answers

    def _settled(self, invitation: Invitation, answer: PrepareAnswer | DispatchAnswer, until: datetime) -> Invitation:
        now = self.clock.now()
        overdue = now > (invitation.effect_since or now) + self.timing.join_window
        match answer:
            case Prepared(handle=handle):
                return advance(invitation, State.MAILING, now, mail_handle=handle, claimed_until=until)
            case Dispatched():
                return advance(invitation, State.MAILED, now, effect_since=None)
            case Declined(detail=detail):
                return failed(invitation, Reason.MAIL_NOT_SENT, detail, now)
            case Unknown(what=what) if overdue:
                return failed(invitation, Reason.MAIL_NOT_SENT, what, now)
            case _:
                return advance(invitation, State.MAILING, now)

    def _wait(self, attempt: int, answer: PrepareAnswer | DispatchAnswer) -> tuple[datetime, str]:
        now = self.clock.now()
        match answer:
            case Busy(retry_after=after):
                return now + busy_wait(attempt, after, self.clock.jitter()), "the mail service is busy"
            case Unknown(what=what):
                return now + replication_wait(attempt), what
            case _:
                return now + _SOON, "another delivery wrote first"
