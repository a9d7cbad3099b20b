"""Invite the guests of an import's chunk and add them to the group, in one go where all goes well.

It is the path of the single invitation, with one storage transaction before the directory is asked to invite and one
after; the second one is also the intent to join.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.breaker import Breaker
from shared.domain.commands import ImportChunk, JoinChunk, MailChunk
from shared.domain.errors import Conflict
from shared.domain.import_ids import ImportId
from shared.domain.import_settings import ImportSettings
from shared.domain.imports import ImportState
from shared.domain.invitations import Invitation, State, failed
from shared.domain.outcomes import Later, Outcome
from shared.domain.reasons import Reason
from shared.ports.import_store import ImportStore
from shared.ports.store import Versioned
from shared.steps.chunk_rows import ChunkRows
from shared.steps.invite_chunk import InviteChunkStep, InviteWork
from shared.steps.join_chunk import BUSY, JoinChunkStep

REMEMBERED = timedelta(seconds=2)
"""How long a process believes what it read of an import's state and of the breaker while that is closed."""
NEARLY_FULL = 0.97
"""Share of the directory's limit from which imports go slower, before the first 429."""
_ROOM = 200


@dataclass(slots=True)
class ImportChunkStep:
    invite: InviteChunkStep
    join: JoinChunkStep
    imports: ImportStore
    settings: ImportSettings
    _states: dict[ImportId, tuple[datetime, ImportState]] = field(default_factory=dict)
    _breaker: tuple[datetime, Versioned[Breaker]] | None = None

    async def __call__(self, command: ImportChunk) -> Outcome:
        """Take the chunk as far as it goes now. Safe to repeat at any time."""
        step = self.invite
        now = step.clock.now()
        chunk = await ChunkRows.read(step.store, command)
        if not chunk.rows or chunk.all_final:
            return Outcome()
        import_id = next(r.value.import_id for r in chunk.rows.values() if r.value.import_id is not None)
        match await self._state(import_id, now):
            case ImportState.CANCELLED:
                await self._cancel(chunk, now)
            case ImportState.PAUSED:
                # Whoever resumes the import sets going again what is open.
                return Outcome(note="paused")
            case _:
                pass
        before = {i.id.position for i in chunk.in_state(State.JOINING)}
        work = InviteWork(step, command, chunk, await self._read_breaker(now), now, then=State.JOINING)
        invited = await work.run()
        first_time = {i.id.position for i in chunk.in_state(State.JOINING)} - before
        try:
            waits = await self.join.join(command, chunk, first_time)
        except Conflict:
            waits = []
        if work.is_throttled or any(why == BUSY for _, why in waits) or step.directory.pressure >= NEARLY_FULL:
            await step.store.slow_imports(self.settings.pace, work.throttled_for, step.clock.now())
        return await self._outcome(command, chunk, invited, waits)

    async def _outcome(
        self, command: ImportChunk, chunk: ChunkRows, invited: Outcome, waits: list[tuple[datetime, str]]
    ) -> Outcome:
        then: list[JoinChunk | MailChunk] = []
        if any(not i.is_final for i in chunk.in_state(State.MEMBER)):
            then.append(MailChunk(command.group, command.chunk))
        later = invited.later
        if waits:
            # Who is not seen in the group's part of the directory yet joins by a message of its own.
            wake_at, why = max(waits)
            join = Later(JoinChunk(command.group, command.chunk, attempt=1), wake_at, why)
            if later is None:
                later = join
            else:
                then.append(JoinChunk(command.group, command.chunk, attempt=1))
            await chunk.finish(self.invite.clock.now(), wake_at, self.invite.timing.stillness)
        return Outcome(then=tuple(then), later=later)

    async def _cancel(self, chunk: ChunkRows, now: datetime) -> None:
        """Who has not been asked for yet is not invited any more; who may have been is brought to an end."""
        waiting = [i for i in chunk.in_state(State.ACCEPTED, State.PARKED) if not _may_be_invited(i)]
        await chunk.write([failed(i, Reason.CANCELLED, None, now) for i in waiting])

    async def _state(self, import_id: ImportId, now: datetime) -> ImportState:
        known = self._states.get(import_id)
        if known is not None and known[0] > now - REMEMBERED:
            return known[1]
        stored = await self.imports.read(import_id)
        state = stored.record.value.state if stored is not None else ImportState.RUNNING
        if len(self._states) >= _ROOM:
            self._states.clear()
        self._states[import_id] = (now, state)
        return state

    async def _read_breaker(self, now: datetime) -> Versioned[Breaker]:
        known = self._breaker
        if known is not None and known[0] > now - REMEMBERED and not known[1].value.is_open:
            return known[1]
        breaker = await self.invite.store.read_breaker()
        self._breaker = (now, breaker)
        return breaker


def _may_be_invited(invitation: Invitation) -> bool:
    return invitation.effect_since is not None
