"""Invite the guests of an import's chunk and add them to the group, in one go where all goes well.

It is the path of the single invitation, with one storage transaction before the directory is asked to invite and one
when the guests are members. Only where some turn out to have an account is the intent to join written in between: it
tells who was a member before.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.errors import Conflict, DirectoryBusy, Refused
from shared.core.ids import ImportId
from shared.core.reasons import REASONS, Reason
from shared.core.ttl_cache import REMEMBERED, TtlCache
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.imports.admissions import Admissions
from shared.imports.authority import NOT_NOW
from shared.imports.model.imports import ImportState
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore, StoredImport
from shared.invitations.chunk_rows import ChunkRows
from shared.invitations.invite import InviteChunkStep, InviteWork, not_admitted
from shared.invitations.join import BUSY, JoinChunkStep
from shared.invitations.model.invitations import Invitation, State, failed
from shared.messages.commands import ImportChunk, JoinChunk, MailChunk
from shared.messages.outcomes import Later, Outcome
from shared.pace.breaker import Breaker
from shared.pace.import_pace import ImportPace, Refusal, due

NEARLY_FULL = 0.97
"""Share of the directory's limit from which imports go slower, before the first 429."""
_SHORT = timedelta(seconds=1)
_PACE_REMEMBERED = timedelta(seconds=1)
_LONG = timedelta(minutes=5)


@dataclass(slots=True)
class ImportChunkStep:
    invite: InviteChunkStep
    join: JoinChunkStep
    imports: ImportStore
    settings: ImportSettings
    admissions: Admissions
    _breaker: TtlCache[Versioned[Breaker]] | None = None
    _pace: TtlCache[ImportPace] | None = None

    async def __call__(self, command: ImportChunk) -> Outcome:
        """Take the chunk as far as it goes now. Safe to repeat at any time."""
        step = self.invite
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
            if start > now + _SHORT:
                return await self._again(command, chunk, start, "the tenant's pace")
            # A message waits for whole seconds, and costs two requests to storage.
            await asyncio.sleep(max(0.0, (start - now).total_seconds()))
            now = max(start, step.clock.now())
        if waiting and stored is not None and (ended := await self._check(command, chunk, stored, now)) is not None:
            return ended
        before = {i.id.position for i in chunk.in_state(State.JOINING)}
        work = InviteWork(step, command, chunk, await self._read_breaker(now), now, then=State.JOINING)
        invited = await work.run()
        first_time = {i.id.position for i in chunk.in_state(State.JOINING)} - before
        waits: list[tuple[datetime, str]] = []
        if not work.is_throttled:
            # Where it is, nothing more is asked before the time that the directory named.
            with suppress(Conflict):
                waits = await self.join.join(command, chunk, first_time)
        is_busy = any(why == BUSY for _, why in waits)
        if work.is_throttled or is_busy:
            command, invited = await self._refused(command, invited, work, waiting, now)
        elif step.directory.pressure >= NEARLY_FULL:
            await step.store.steady_imports(self.settings.limits, step.clock.now())
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
            await chunk.finish(self.invite.clock.now(), wake_at, self.invite.timing.stall_timeout)
        return Outcome(then=tuple(then), later=later)

    async def _again(self, command: ImportChunk, chunk: ChunkRows, wake_at: datetime, why: str) -> Outcome:
        await chunk.finish(self.invite.clock.now(), wake_at, self.invite.timing.stall_timeout)
        return Outcome(later=Later(replace(command, attempt=command.attempt + 1), wake_at, why))

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
            wait = busy_wait(command.attempt, e.retry_after, self.invite.clock.jitter())
            return await self._again(command, chunk, now + wait, BUSY)
        except Refused as e:
            if e.reason is Reason.AUTHORITY_LOST:
                if await self.admissions.authority.pause(stored.record.value, e):
                    return Outcome(note="paused")
                # What this process believes of the import is a moment old.
                later = now + 2 * REMEMBERED
                return await self._again(command, chunk, later, "somebody else answers for the import now")
            if e.reason in NOT_NOW:
                return await self._again(command, chunk, now + _LONG, e.detail or REASONS[e.reason].title)
            gone = [failed(i, e.reason, e.detail, now) for i in chunk.waiting(now)]
        else:
            policies = [(target.app_name, policy) for policy in target.policies]
            gone = not_admitted(chunk.waiting(now), policies, now)
        try:
            await chunk.write(gone)
        except Conflict:
            return await self._again(command, chunk, now + timedelta(seconds=1), "another delivery wrote first")
        return None

    async def _start(
        self, command: ImportChunk, waiting: int, import_id: ImportId, now: datetime
    ) -> tuple[float, datetime]:
        """The chunk's position in the line, and when it may go."""
        limits = self.settings.limits
        if command.position is not None:
            return command.position, due(await self._pace_seen().at(now), limits, command.position, now)
        [position], state = await self.invite.store.take_positions(limits, [waiting], import_id, now)
        self._pace_seen().put(state, now)
        return position, due(state, limits, position, now)

    async def _refused(
        self, command: ImportChunk, invited: Outcome, work: InviteWork, waiting: int, asked_at: datetime
    ) -> tuple[ImportChunk, Outcome]:
        """Let all know that the directory is busy; gives the command and the outcome with the position of those who
        come back."""
        refusal = Refusal(
            position=command.position or 0.0,
            units=work.refused,
            let_through=waiting - work.refused,
            scattered=work.scattered,
            asked_at=asked_at,
            retry_after=work.throttled_for,
        )
        position, state, now = await self._note(refusal)
        later = invited.later
        if later is not None and isinstance(later.command, ImportChunk):
            start = due(state, self.settings.limits, position, now)
            again = replace(later.command, position=position)
            invited = replace(invited, later=replace(later, command=again, not_before=max(start, later.not_before)))
        return replace(command, position=position), invited

    async def _note(self, refusal: Refusal) -> tuple[float, ImportPace, datetime]:
        now = self.invite.clock.now()
        position, state = await self.invite.store.note_refusal(self.settings.limits, refusal, now)
        self._pace_seen().put(state, now)
        return position, state, now

    def _pace_seen(self) -> TtlCache[ImportPace]:
        if self._pace is None:
            store, clock, limits = self.invite.store, self.invite.clock, self.settings.limits
            self._pace = TtlCache(lambda: store.read_import_pace(limits, clock.now()), _PACE_REMEMBERED)
        return self._pace

    async def _read_breaker(self, now: datetime) -> Versioned[Breaker]:
        if self._breaker is None:
            self._breaker = TtlCache(self.invite.store.read_breaker)
        return await self._breaker.at(now, lambda seen: not seen.value.is_open)


def _may_be_invited(invitation: Invitation) -> bool:
    return invitation.effect_since is not None
