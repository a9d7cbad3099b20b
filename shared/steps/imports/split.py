"""Read on in the file of an import: chunks for as long as the pace hands out slots soon, then sleep and go on.

A piece begins where the last one ended and makes the same chunks each time it is read: what is there already is met
as a conflict and left. The cursor is written when all chunks of the piece are there and enqueued.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.commands import CHUNK_SIZE, ImportChunk, SplitImport
from shared.domain.csv_erasure import ERASED_ADDRESS
from shared.domain.errors import Conflict, DirectoryBusy, Refused, StorageBusy
from shared.domain.ids import ChunkId, GroupId, InvitationId
from shared.domain.import_settings import ImportSettings
from shared.domain.imports import (
    GuestRow,
    Import,
    ImportState,
    Progress,
    Target,
    by_group,
    chunk_id,
)
from shared.domain.invitations import Invitation, failed
from shared.domain.outcomes import Later, Outcome
from shared.domain.reasons import REASONS, Reason
from shared.domain.timing import Timing
from shared.domain.waits import busy_wait
from shared.ports.clock import Clock
from shared.ports.files import Files
from shared.ports.import_store import ImportStore, StoredImport
from shared.ports.outbox import Outbox
from shared.ports.store import Guard, Store, Versioned
from shared.steps.imports.reading import Piece, Rules, read_piece
from shared.steps.imports.targets import Targets

log = logging.getLogger("guestlist")

PIECE_WINDOWS = 50
"""Windows of twenty rows that one delivery makes chunks of, at most: well within a function's time."""
_AT_A_TIME = 8
_LONG = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SplitImportStep:
    imports: ImportStore
    files: Files
    store: Store
    targets: Targets
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: ImportSettings
    rules: Rules

    async def __call__(self, command: SplitImport) -> Outcome:
        """Read one piece on. Safe to repeat at any time."""
        now = self.clock.now()
        stored = await self.imports.read(command.import_id)
        if stored is None or stored.progress.value.pieces != command.piece or stored.progress.value.all_read:
            return Outcome(note="an old message")
        if stored.record.value.state is not ImportState.RUNNING:
            return Outcome(note="not running")
        allowed, wait = await self._allowed(stored.record.value, now)
        if not allowed:
            return await self._sleep(stored, command, *wait)
        try:
            piece = await read_piece(
                self.files, stored.record.value, stored.progress.value.cursor, allowed, self.rules
            )
            targets = await self._targets(stored.progress.value, piece)
        except DirectoryBusy as e:
            until = now + busy_wait(command.attempt, e.retry_after, self.clock.jitter())
            return await self._sleep(stored, command, until, "the directory is busy")
        except Refused as e:
            # A permission was taken away: nobody's rows fail for it, reading goes on when it is back.
            return await self._sleep(stored, command, now + _LONG, e.detail or REASONS[e.reason].title)
        return await self._make(stored, command, piece, targets)

    async def _allowed(self, record: Import, now: datetime) -> tuple[int, tuple[datetime, str]]:
        """How many windows may be read now; where none may, until when to wait, and for what."""
        settings = self.settings
        pace = await self.store.read_import_pace(settings.pace, now)
        # Slots that begin within the horizon: those of the burst, and what the rate gives until then.
        ahead = (now + settings.horizon) - max(pace.free_at or now, now) + pace.interval * settings.pace.burst
        windows = int(ahead / (pace.interval * CHUNK_SIZE))
        if windows < 1:
            back = settings.horizon / 2 if settings.horizon > timedelta(seconds=2) else settings.horizon
            until = max(pace.free_at or now, now) - pace.interval * settings.pace.burst - back
            return 0, (max(until, now + timedelta(seconds=1)), "the tenant's pace")
        windows = min(windows, PIECE_WINDOWS)
        left = min(
            await self.store.read_day("tenant", settings.of_tenant, now),
            await self.store.read_day(f"inviter-{record.creator}", settings.of_inviter, now),
        )
        if left < CHUNK_SIZE:
            midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            return 0, (midnight, "the daily limit of invitations by import")
        return min(windows, left // CHUNK_SIZE), (now, "")

    async def _sleep(self, stored: StoredImport, command: SplitImport, until: datetime, why: str) -> Outcome:
        progress = stored.progress.value
        if (progress.wakes_at, progress.why) != (until, why) and until > self.clock.now() + timedelta(seconds=10):
            fresh = replace(stored.progress, value=replace(progress, wakes_at=until, why=why))
            try:
                await self.imports.save_progress(command.import_id, fresh)
            except Conflict:
                return Outcome(note="another delivery reads on")
            await self.imports.open(command.import_id, until + self.timing.stillness)
        return Outcome(later=Later(replace(command, attempt=command.attempt + 1), until, why))

    async def _targets(self, progress: Progress, piece: Piece) -> dict[GroupId, Target]:
        targets = dict(progress.targets)
        for window in piece.windows:
            for row in window:
                if row.group not in targets:
                    targets[row.group] = await self.targets.of_row(row.group)
        return targets

    async def _make(
        self, stored: StoredImport, command: SplitImport, piece: Piece, targets: dict[GroupId, Target]
    ) -> Outcome:
        record, progress = stored.record.value, stored.progress.value
        chunks = [
            (chunk_id(record.id, progress.windows + n, kind), group, rows)
            for n, window in enumerate(piece.windows)
            for kind, (group, rows) in enumerate(by_group(window))
        ]
        for start in range(0, len(chunks), _AT_A_TIME):
            few = chunks[start : start + _AT_A_TIME]
            await asyncio.gather(*(self._write(record, c, g, rows, targets[g]) for c, g, rows in few))
        now = self.clock.now()
        starts = await self._slots(record, chunks, now)
        for n in range(0, len(chunks), _AT_A_TIME):
            sends = zip(chunks[n : n + _AT_A_TIME], starts[n : n + _AT_A_TIME], strict=True)
            await asyncio.gather(
                *(self.outbox.send(ImportChunk(g, c, slot=at), not_before=at) for (c, g, _), at in sends)
            )
        bad = Counter(progress.bad) + Counter(row.reason.value for row in piece.bad)
        fresh = Progress(
            cursor=piece.cursor,
            pieces=progress.pieces + 1,
            windows=progress.windows + len(piece.windows),
            rows=progress.rows + piece.rows,
            bad=dict(bad),
            targets=targets,
            all_read=piece.ended,
        )
        try:
            await self.imports.save_progress(record.id, Versioned(fresh, stored.progress.version))
        except Conflict:
            return Outcome(note="another delivery read on")
        await self.imports.open(record.id, max([now, *starts]) + self.timing.stillness)
        if fresh.all_read:
            return Outcome()
        return Outcome(then=(SplitImport(record.id, fresh.pieces),))

    async def _slots(
        self, record: Import, chunks: list[tuple[ChunkId, GroupId, list[GuestRow]]], now: datetime
    ) -> list[datetime]:
        if not chunks:
            return []
        units = [len(rows) for _, _, rows in chunks]
        settings = self.settings
        await self.store.take_of_day("tenant", settings.of_tenant, sum(units), now)
        await self.store.take_of_day(f"inviter-{record.creator}", settings.of_inviter, sum(units), now)
        return await self.store.reserve_imports(settings.pace, units, now)

    async def _write(
        self, record: Import, chunk: ChunkId, group: GroupId, rows: list[GuestRow], target: Target
    ) -> None:
        """Write a chunk, unless it is there: a delivery before this one may have written it."""
        now = self.clock.now()
        invitations = [self._invitation(record, chunk, n, row, target, now) for n, row in enumerate(rows)]
        invitations = _without_twins(invitations, now)
        look_at = now + self.timing.stillness
        try:
            await self.store.accept_import(invitations, {}, look_at)
        except Conflict:
            if await self.store.read_chunk(group, chunk):
                return
            guards = await self.store.find_guards(group, [i.address.key for i in invitations if not i.is_final])
            checked = [_checked(i, guards.get(i.address.key), now) for i in invitations]
            try:
                await self.store.accept_import(checked, guards, look_at)
            except Conflict as e:
                raise StorageBusy("other requests kept inviting the same guests") from e

    def _invitation(
        self, record: Import, chunk: ChunkId, position: int, row: GuestRow, target: Target, now: datetime
    ) -> Invitation:
        invitation = Invitation(
            id=InvitationId(row.group, chunk, position),
            address=row.address,
            display_name=row.display_name,
            message=row.message,
            language=row.language,
            inviter_id=record.creator,
            inviter_name=record.creator_name,
            app_name=target.app_name,
            direct_link=target.direct_link,
            created_at=now,
            updated_at=now,
            import_id=record.id,
            line=row.line,
            expires=row.expires,
        )
        if row.address == ERASED_ADDRESS:
            return failed(invitation, Reason.PERSON_ERASED, None, now)
        if target.refused is not None:
            return failed(invitation, target.refused, None, now)
        if not all(policy.takes(row.address.domain) for policy in target.policies):
            detail = f"'{target.app_name}' does not admit guests of {row.address.domain}"
            return failed(invitation, Reason.DOMAIN_NOT_ALLOWED, detail, now)
        return invitation


def _without_twins(invitations: list[Invitation], now: datetime) -> list[Invitation]:
    """A guest whom the rows of one chunk have twice is invited by the first of them."""
    first: dict[str, Invitation] = {}
    found = []
    for invitation in invitations:
        twin = None if invitation.is_final else first.setdefault(invitation.address.key, invitation)
        is_twin = twin is not None and twin is not invitation
        found.append(_duplicate(invitation, twin, now) if is_twin and twin else invitation)
    return found


def _checked(invitation: Invitation, guard: Guard | None, now: datetime) -> Invitation:
    """The invitation, or why there is none: the address has another one to this group."""
    if guard is None or invitation.is_final:
        return invitation
    there = guard.invitation
    if there.import_id == invitation.import_id:
        return _duplicate(invitation, there, now)
    if not there.is_final:
        return failed(invitation, Reason.INVITATION_UNDER_WAY, f"by the invitation {there.id}", now)
    return invitation


def _duplicate(invitation: Invitation, first: Invitation, now: datetime) -> Invitation:
    return failed(invitation, Reason.DUPLICATE_IN_FILE, f"line {first.line} has the same address", now)
