"""Bring the guests of an import's chunk forward, once their turn has come and while they may still be let in.

It is the path of the single invitation; what is the import's own comes before it.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.errors import Conflict, DirectoryBusy, Refused
from shared.core.ids import ImportId
from shared.core.reasons import REASONS, Reason
from shared.core.ttl_cache import REMEMBERED, TtlCache
from shared.core.waits import busy_wait
from shared.imports.admissions import Admissions
from shared.imports.authority import NOT_NOW
from shared.imports.model.imports import ImportState
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore, StoredImport
from shared.invitations.chunk import ChunkStep, Taken, not_admitted
from shared.invitations.chunk_rows import BUSY, SOON, WROTE_FIRST, ChunkRows
from shared.invitations.model.invitations import Invitation, State, failed
from shared.messages.commands import ImportChunk
from shared.messages.outcomes import Later, Outcome
from shared.pace.import_pace import ImportPace, Refusal, due

NEARLY_FULL = 0.97
"""Share of the directory's limit from which imports go slower, before the first 429."""
_PACE_REMEMBERED = timedelta(seconds=1)
_LONG = timedelta(minutes=5)


@dataclass(slots=True)
class ImportChunkStep:
    guests: ChunkStep
    imports: ImportStore
    settings: ImportSettings
    admissions: Admissions
    _pace: TtlCache[ImportPace] = field(init=False)

    def __post_init__(self) -> None:
        guests, limits = self.guests, self.settings.limits
        self._pace = TtlCache(lambda: guests.store.read_import_pace(limits, guests.clock.now()), _PACE_REMEMBERED)

    async def __call__(self, command: ImportChunk) -> Outcome:
        """Take the chunk as far as it goes now. Safe to repeat at any time."""
        step = self.guests
        now = step.clock.now()
        chunk = await ChunkRows.read(step.store, command)
        if not chunk.rows or chunk.all_final:
            return Outcome()
        import_id = next(r.value.import_id for r in chunk.rows.values() if r.value.import_id is not None)
        stored = await self.admissions.look(import_id, command.group, now)
        match stored.record.value.state if stored is not None else None:
            case ImportState.CANCELLED:
                await self._cancel(chunk, now)
            case ImportState.PAUSED:
                # Whoever resumes the import sets going again what is open.
                return Outcome(note="paused")
            case _:
                pass
        waiting = len(chunk.in_state(State.ACCEPTED, State.INVITING, State.PARKED))
        if waiting:
            position, start = await self._start(command, waiting, import_id, now)
            command = replace(command, position=position, slot=None)
            if start > now + SOON:
                return await step.again(command, chunk, start, "the tenant's pace")
            # A message waits for whole seconds, and costs two requests to storage.
            await asyncio.sleep(max(0.0, (start - now).total_seconds()))
            now = max(start, step.clock.now())
        if waiting and stored is not None and (ended := await self._check(command, chunk, stored, now)) is not None:
            return ended
        taken = await step.to_members(command, chunk, now)
        later = taken.later
        if taken.is_busy:
            later = await self._refused(command, taken, waiting, now)
        elif step.directory.pressure >= NEARLY_FULL:
            await step.store.steady_imports(self.settings.limits, step.clock.now())
        return await step.finish(command, chunk, later)

    async def _cancel(self, chunk: ChunkRows, now: datetime) -> None:
        """Who has not been asked for yet is not invited any more; who may have been is brought to an end."""
        waiting = [i for i in chunk.in_state(State.ACCEPTED, State.PARKED) if not _may_be_invited(i)]
        await chunk.write([failed(i, Reason.CANCELLED, None, now) for i in waiting])

    async def _check(
        self, command: ImportChunk, chunk: ChunkRows, stored: StoredImport, now: datetime
    ) -> Outcome | None:
        """Whether the guests who wait may still be let in; gives how the delivery ends where they may not now."""
        try:
            target = await self.admissions.need(stored, command.group)
        except DirectoryBusy as e:
            # All chunks of the import ask the same: none does before its time.
            held = Refusal(command.position or 0.0, 0, 0, scattered=True, asked_at=now, retry_after=e.retry_after)
            await self._note(held)
            wait = busy_wait(command.attempt, e.retry_after, self.guests.clock.jitter())
            return await self.guests.again(command, chunk, now + wait, BUSY)
        except Refused as e:
            if e.reason is Reason.AUTHORITY_LOST:
                if await self.admissions.authority.pause(stored.record.value, e):
                    return Outcome(note="paused")
                # What this process believes of the import is a moment old.
                later = now + 2 * REMEMBERED
                return await self.guests.again(command, chunk, later, "somebody else answers for the import now")
            if e.reason in NOT_NOW:
                return await self.guests.again(command, chunk, now + _LONG, e.detail or REASONS[e.reason].title)
            gone = [failed(i, e.reason, e.detail, now) for i in chunk.waiting(now)]
        else:
            policies = [(target.app_name, policy) for policy in target.policies]
            gone = not_admitted(chunk.waiting(now), policies, now)
        try:
            await chunk.write(gone)
        except Conflict:
            return await self.guests.again(command, chunk, now + SOON, WROTE_FIRST)
        return None

    async def _start(
        self, command: ImportChunk, waiting: int, import_id: ImportId, now: datetime
    ) -> tuple[float, datetime]:
        """The chunk's position in the line, and when it may go."""
        limits = self.settings.limits
        if command.position is not None:
            return command.position, due(await self._pace.at(now), limits, command.position, now)
        [position], state = await self.guests.store.take_positions(limits, [waiting], import_id, now)
        self._pace.put(state, now)
        return position, due(state, limits, position, now)

    async def _refused(self, command: ImportChunk, taken: Taken, waiting: int, asked_at: datetime) -> Later | None:
        """Let all know that the directory is busy; gives when to come back, with the position of those who do."""
        refusal = Refusal(
            position=command.position or 0.0,
            units=taken.invited.refused,
            let_through=waiting - taken.invited.refused,
            scattered=taken.invited.scattered,
            asked_at=asked_at,
            retry_after=taken.invited.throttled_for,
        )
        position, state, now = await self._note(refusal)
        later = taken.later
        if later is None or not isinstance(later.command, ImportChunk):
            return later
        start = due(state, self.settings.limits, position, now)
        again = replace(later.command, position=position)
        return replace(later, command=again, not_before=max(start, later.not_before))

    async def _note(self, refusal: Refusal) -> tuple[float, ImportPace, datetime]:
        now = self.guests.clock.now()
        position, state = await self.guests.store.note_refusal(self.settings.limits, refusal, now)
        self._pace.put(state, now)
        return position, state, now


def _may_be_invited(invitation: Invitation) -> bool:
    return invitation.effect_since is not None
