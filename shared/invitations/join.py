"""Add the invited guests of a chunk to their group.

Adding is safe to repeat, so no claim is held while the directory is asked: the worst that two deliveries do is to add
the same guest twice, which the directory answers with "already a member". A claim says that its Retry-After runs.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict
from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, JoinAnswer, Joined, Lagging, Unknown
from shared.core.waits import busy_again_wait, replication_wait
from shared.graph.ports import Directory
from shared.invitations.chunk_rows import BUSY, CLAIMED, SOON, WROTE_FIRST, ChunkRows
from shared.invitations.model.invitations import Invitation, State, advance, failed
from shared.messages.commands import ChunkCommand, JoinChunk


@dataclass(frozen=True, slots=True)
class JoinGuests:
    directory: Directory
    clock: Clock
    timing: Timing

    async def __call__(
        self, command: ChunkCommand, chunk: ChunkRows, first_time: set[int]
    ) -> list[tuple[datetime, str]]:
        """Add those of the chunk who are `joining` and write what came of it; gives until when to wait for those
        who are left, and why. `first_time` are the positions that nobody has tried to add before."""
        waits = []
        # Of a version before: their intent to join is not written yet.
        invited, now = chunk.in_state(State.INVITED), self.clock.now()
        try:
            await chunk.write([advance(i, State.JOINING, now, effect_since=now) for i in invited])
        except Conflict:
            waits.append((now + SOON, WROTE_FIRST))
        first_time = first_time | {i.id.position for i in invited}
        joining = [i for i in chunk.in_state(State.JOINING) if not i.is_claimed(now)]
        waits += [(i.claimed_until or now, CLAIMED) for i in chunk.in_state(State.JOINING) if i.is_claimed(now)]
        if not joining:
            return waits
        users = [i.user_id for i in joining if i.user_id is not None]
        answers = await self.directory.join(command.group, users)
        by_position = {i.id.position: a for i, a in zip(joining, answers, strict=True)}
        now = self.clock.now()
        await chunk.settle(
            by_position,
            State.JOINING,
            lambda i: self._settled(i, by_position[i.id.position], now, first_time=i.id.position in first_time),
        )
        waiting = [a for i in chunk.in_state(State.JOINING) if (a := by_position.get(i.id.position))]
        attempt = command.attempt if isinstance(command, JoinChunk) else 0
        return waits + [self._wait(attempt, a, now) for a in waiting]

    def _settled(self, invitation: Invitation, answer: JoinAnswer, now: datetime, *, first_time: bool) -> Invitation:
        overdue = now > (invitation.effect_since or now) + self.timing.join_window
        match answer:
            case Joined(before=before):
                # Only a first attempt can tell: a later one may be meeting the work of an earlier one. Whose account
                # Guestlist made was no member before.
                already = before and first_time and invitation.already_in_directory
                return advance(invitation, State.MEMBER, now, already_member=already, effect_since=None)
            case Declined(reason=reason, detail=detail):
                return failed(invitation, reason, detail, now)
            case Lagging() if overdue:
                return failed(invitation, Reason.GUEST_NOT_VISIBLE, None, now)
            case Busy():
                return replace(invitation, claimed_until=answer.until(now))
            case _:
                return invitation

    def _wait(self, attempt: int, answer: JoinAnswer, now: datetime) -> tuple[datetime, str]:
        match answer:
            case Busy(retry_after=after):
                return now + busy_again_wait(attempt, after, self.clock.jitter()), BUSY
            case Unknown(what=what):
                return now + replication_wait(attempt), what
            case Lagging():
                return now + replication_wait(attempt), "the directory does not show the guest yet"
            case _:
                return now + SOON, WROTE_FIRST
