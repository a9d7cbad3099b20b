"""Invite the guests of an import's chunk and add them to the group, in one go where all goes well.

It is the path of the single invitation, with one storage transaction before the directory is asked to invite and one
after; the second one is also the intent to join.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.breaker import Breaker
from shared.domain.commands import ImportChunk, JoinChunk, MailChunk
from shared.domain.errors import Conflict
from shared.domain.import_ids import ImportId
from shared.domain.import_settings import ImportSettings
from shared.domain.imports import ImportState
from shared.domain.invitations import Invitation, State, failed
from shared.domain.outcomes import Later, Outcome
from shared.domain.pacing import ImportPace
from shared.domain.reasons import Reason
from shared.ports.import_store import ImportStore
from shared.ports.store import Versioned
from shared.steps.chunk_rows import ChunkRows
from shared.steps.imports.glance import Glance
from shared.steps.invite_chunk import InviteChunkStep, InviteWork
from shared.steps.join_chunk import BUSY, JoinChunkStep

NEARLY_FULL = 0.97
"""Share of the directory's limit from which imports go slower, before the first 429."""
_ROOM = 200


@dataclass(slots=True)
class ImportChunkStep:
    invite: InviteChunkStep
    join: JoinChunkStep
    imports: ImportStore
    settings: ImportSettings
    _states: dict[ImportId, Glance[ImportState]] = field(default_factory=dict)
    _breaker: Glance[Versioned[Breaker]] | None = None
    _pace: Glance[ImportPace] | None = None

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
        if (until := await self._held_until(now)) is not None:
            # Asking all the same would only make the directory's debt larger, for people as well.
            return await self._again(replace(command, slot=None), chunk, until, BUSY)
        waiting = len(chunk.in_state(State.ACCEPTED, State.INVITING, State.PARKED))
        if waiting and command.attempt and command.slot is None:
            # What was refused was paid for in vain: it stands in line again.
            [slot] = await step.store.reserve_imports(self.settings.pace, [waiting], now)
            if slot > now:
                return await self._again(replace(command, slot=slot), chunk, slot, "the tenant's pace")
        before = {i.id.position for i in chunk.in_state(State.JOINING)}
        work = InviteWork(step, command, chunk, await self._read_breaker(now), now, then=State.JOINING)
        invited = await work.run()
        first_time = {i.id.position for i in chunk.in_state(State.JOINING)} - before
        waits: list[tuple[datetime, str]] = []
        if not work.is_throttled:
            # Where it is, nothing more is asked before the time that the directory named.
            with suppress(Conflict):
                waits = await self.join.join(command, chunk, first_time)
        if work.is_throttled or any(why == BUSY for _, why in waits) or step.directory.pressure >= NEARLY_FULL:
            await step.store.slow_imports(self.settings.pace, work.throttled_for, step.clock.now())
        return await self._outcome(command, chunk, invited, waits)

    async def _outcome(
        self, command: ImportChunk, chunk: ChunkRows, invited: Outcome, waits: list[tuple[datetime, str]]
    ) -> Outcome:
        then: list[MailChunk] = []
        if any(not i.is_final for i in chunk.in_state(State.MEMBER)):
            then.append(MailChunk(command.group, command.chunk))
        later = invited.later
        if waits:
            # Who is not seen in the group's part of the directory yet joins by a message of its own.
            wake_at, why = max(waits)
            if later is None:
                later = Later(JoinChunk(command.group, command.chunk, attempt=1), wake_at, why)
            else:
                # One message for both: whoever comes back invites the rest and joins them all.
                later = replace(later, not_before=max(later.not_before, wake_at))
            await chunk.finish(self.invite.clock.now(), wake_at, self.invite.timing.stillness)
        return Outcome(then=tuple(then), later=later)

    async def _again(self, command: ImportChunk, chunk: ChunkRows, wake_at: datetime, why: str) -> Outcome:
        await chunk.finish(self.invite.clock.now(), wake_at, self.invite.timing.stillness)
        return Outcome(later=Later(replace(command, attempt=command.attempt + 1), wake_at, why))

    async def _cancel(self, chunk: ChunkRows, now: datetime) -> None:
        """Who has not been asked for yet is not invited any more; who may have been is brought to an end."""
        waiting = [i for i in chunk.in_state(State.ACCEPTED, State.PARKED) if not _may_be_invited(i)]
        await chunk.write([failed(i, Reason.CANCELLED, None, now) for i in waiting])

    async def _state(self, import_id: ImportId, now: datetime) -> ImportState:
        if import_id not in self._states:
            if len(self._states) >= _ROOM:
                self._states.clear()
            self._states[import_id] = Glance(lambda: self._read_state(import_id))
        return await self._states[import_id].at(now)

    async def _read_state(self, import_id: ImportId) -> ImportState:
        stored = await self.imports.read(import_id)
        return stored.record.value.state if stored is not None else ImportState.RUNNING

    async def _held_until(self, now: datetime) -> datetime | None:
        """Until when the directory asked all imports to keep off; None where it did not."""
        if self._pace is None:
            self._pace = Glance(
                lambda: self.invite.store.read_import_pace(self.settings.pace, self.invite.clock.now())
            )
        until = (await self._pace.at(now)).held_until
        return until if until is not None and until > now else None

    async def _read_breaker(self, now: datetime) -> Versioned[Breaker]:
        if self._breaker is None:
            self._breaker = Glance(self.invite.store.read_breaker)
        return await self._breaker.at(now, lambda seen: not seen.value.is_open)


def _may_be_invited(invitation: Invitation) -> bool:
    return invitation.effect_since is not None
