"""Read on in the file of an import: chunks for as long as the pace hands out slots soon, then sleep and go on.

A piece begins where the last one ended and makes the same chunks each time it is read: what is there already is met
as a conflict and left. The cursor is written when all chunks of the piece are there and enqueued.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched, chain

from shared.core.addresses import ERASED_ADDRESS
from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict, DirectoryBusy, Refused
from shared.core.ids import ChunkId, GroupId, InvitationId
from shared.core.reasons import REASONS, Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.core.waits import busy_wait
from shared.imports.admissions import Admissions
from shared.imports.authority import NOT_NOW
from shared.imports.model.imports import (
    GuestRow,
    Import,
    ImportState,
    Progress,
    Rules,
    Target,
    by_group,
    in_transactions,
)
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore, StoredImport
from shared.imports.read_rows import Piece, read_piece
from shared.invitations.model.invitations import Invitation, failed
from shared.invitations.ports import Guard, Store
from shared.messages.commands import CHUNK_SIZE, ImportChunk, SplitImport
from shared.messages.outcomes import Outcome, later
from shared.messages.ports import Outbox
from shared.pace.import_pace import ImportPace, due, room
from shared.pace.pacing import group_key, next_day
from shared.storage.ports import Files

log = logging.getLogger("guestlist")

PIECE_WINDOWS = 50
"""Windows of twenty rows that are read at once and made chunks of, at most."""
_FIRST_WINDOWS = 8
"""Those of a file's first piece. Each further piece is twice as large: all instances have work early, and few pieces
are written down."""
_AT_A_TIME = 8
_LONG = timedelta(minutes=5)
_A_DELIVERY = timedelta(seconds=30)
"""For how long one delivery reads piece after piece."""


@dataclass(frozen=True, slots=True)
class SplitImportStep:
    imports: ImportStore
    files: Files
    store: Store
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: ImportSettings
    rules: Rules
    admissions: Admissions

    async def __call__(self, command: SplitImport) -> Outcome:
        """Read on, piece by piece. Safe to repeat at any time."""
        until = self.clock.now() + _A_DELIVERY
        while True:
            try:
                outcome = await self._read_on(command)
            except Conflict:
                return Outcome(note="another delivery reads on")
            match outcome.then:
                # A message more for each piece would wait until its queue is looked at.
                case (SplitImport() as command,) if self.clock.now() < until:
                    continue
                case _:
                    return outcome

    async def _read_on(self, command: SplitImport) -> Outcome:
        """Read one piece. Raises Conflict where another delivery reads on."""
        now = self.clock.now()
        stored = await self.imports.read(command.import_id)
        if stored is None or stored.progress.value.all_read:
            return Outcome(note="an old message")
        progress = stored.progress.value
        if progress.pieces != command.piece:
            if progress.pieces < command.piece or (progress.made_until is not None and progress.made_until > now):
                return Outcome(note="another delivery reads on")
            # A delivery of this message read some pieces and died.
            command = replace(command, piece=progress.pieces)
        record = stored.record.value
        if record.state is not ImportState.RUNNING:
            return Outcome(note="not running")
        allowed, wait = await self._allowed(record, progress.pieces, now)
        if not allowed:
            return await self._sleep(stored, command, *wait)
        try:
            # Whoever started the import, or resumed it, still may: days can lie between two pieces.
            if record.for_admin:
                await self.admissions.authority.require_role(record)
            else:
                await self._target(stored, record.group)
            piece = await read_piece(self.files, record, progress.cursor, allowed, self.rules)
            fits = await self._fitting(piece, now)
            if piece.windows and not fits:
                return await self._sleep(
                    stored, command, next_day(now), "the daily limit of invitations to one group"
                )
            if fits < len(piece.windows):
                piece = await read_piece(self.files, record, progress.cursor, fits, self.rules)
            targets = await self._targets(stored, piece)
        except DirectoryBusy as e:
            until = now + busy_wait(command.attempt, e.retry_after, self.clock.jitter())
            return await self._sleep(stored, command, until, "the directory is busy")
        except Refused as e:
            if e.reason is Reason.AUTHORITY_LOST:
                await self.admissions.authority.pause(record, e)
                return Outcome(note="paused")
            # A permission was taken away: nobody's rows fail for it, reading goes on when it is back.
            return await self._sleep(stored, command, now + _LONG, e.detail or REASONS[e.reason].title)
        return await self._make(stored, command, piece, targets)

    async def _allowed(self, record: Import, pieces: int, now: datetime) -> tuple[int, tuple[datetime, str]]:
        """How many windows may be read now; where none may, until when to wait, and for what."""
        settings = self.settings
        pace = await self.store.read_import_pace(settings.limits, now)
        guests, until = room(pace, settings.limits, record.id, settings.horizon)
        if not guests:
            return 0, (max(until, now + timedelta(seconds=1)), "the tenant's pace")
        windows = min(guests // CHUNK_SIZE, PIECE_WINDOWS, _FIRST_WINDOWS << min(pieces, 3))
        left = await self.store.read_day(settings.of(record.creator), now)
        if left < CHUNK_SIZE:
            return 0, (next_day(now), "the daily limit of invitations by import")
        return min(windows, left // CHUNK_SIZE), (now, "")

    async def _fitting(self, piece: Piece, now: datetime) -> int:
        """How many windows of a piece the days of its groups have room for."""
        left: dict[GroupId, int] = {}
        for n, window in enumerate(piece.windows):
            for group, rows in by_group(window):
                if group not in left:
                    left[group] = await self.store.read_day({group_key(group): self.settings.per_group}, now)
                left[group] -= len(rows)
                if left[group] < 0:
                    return n
        return len(piece.windows)

    async def _sleep(self, stored: StoredImport, command: SplitImport, until: datetime, why: str) -> Outcome:
        progress = stored.progress.value
        if (progress.wakes_at, progress.why) != (until, why) and until > self.clock.now() + timedelta(seconds=10):
            fresh = replace(stored.progress, value=replace(progress, wakes_at=until, why=why))
            await self.imports.save_progress(command.import_id, fresh)
            await self.imports.open(command.import_id, until + self.timing.stall_timeout)
        return later(command, until, why)

    async def _targets(self, stored: StoredImport, piece: Piece) -> dict[GroupId, Target]:
        """The groups of all pieces, with those of this one as they are now."""
        named = {row.group for window in piece.windows for row in window}
        return dict(stored.progress.value.targets) | {
            group: await self._target(stored, group) for group in sorted(named)
        }

    async def _target(self, stored: StoredImport, group: GroupId) -> Target:
        if stored.record.value.for_admin:
            # A file of an administrator may name hundreds of groups: who may is asked when guests are let in.
            return await self.admissions.authority.target_of_row(group)
        try:
            return await self.admissions.need(stored, group)
        except Refused as e:
            if e.reason is Reason.AUTHORITY_LOST or e.reason in NOT_NOW:
                raise
            return Target(refused=e.reason)

    async def _make(
        self, stored: StoredImport, command: SplitImport, piece: Piece, targets: dict[GroupId, Target]
    ) -> Outcome:
        record, progress = stored.record.value, stored.progress.value
        chunks = piece.chunks(record.id, progress.windows)
        if chunks:
            # What the pace and the day give is taken once for a piece: by the delivery that writes this down.
            now = self.clock.now()
            if progress.made_until is not None and progress.made_until > now:
                return later(command, progress.made_until, "another delivery makes this piece")
            mine = replace(progress, made_until=now + self.timing.work_lease)
            taken = await self.imports.save_progress(record.id, replace(stored.progress, value=mine))
            stored = replace(stored, progress=taken)
        for few in batched(chunks, _AT_A_TIME, strict=False):
            drafts = [self._draft(record, c, rows, targets[g]) for c, g, rows in few]
            await asyncio.gather(*(self._write(together) for together in in_transactions(drafts)))
        now = self.clock.now()
        positions, pace = await self._positions(record, chunks, now)
        starts = [max(now, due(pace, self.settings.limits, position, now)) for position in positions]
        messages = [ImportChunk(g, c, position=p) for (c, g, _), p in zip(chunks, positions, strict=True)]
        for sends in batched(zip(messages, starts, strict=True), _AT_A_TIME, strict=False):
            await asyncio.gather(*(self.outbox.send(message, not_before=at) for message, at in sends))
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
        await self.imports.save_progress(record.id, Versioned(fresh, stored.progress.version))
        await self.imports.open(record.id, max([now, *starts]) + self.timing.stall_timeout)
        return Outcome(then=() if fresh.all_read else (SplitImport(record.id, fresh.pieces),))

    async def _positions(
        self, record: Import, chunks: list[tuple[ChunkId, GroupId, list[GuestRow]]], now: datetime
    ) -> tuple[list[float], ImportPace]:
        if not chunks:
            return [], ImportPace(now)
        units = [len(rows) for _, _, rows in chunks]
        settings = self.settings
        await self.store.take_of_day(settings.of(record.creator), sum(units), now)
        into = Counter(group for _, group, rows in chunks for _ in rows)
        for group, count in into.items():
            await self.store.take_of_day({group_key(group): settings.per_group}, count, now)
        return await self.store.take_positions(settings.limits, units, record.id, now)

    def _draft(self, record: Import, chunk: ChunkId, rows: list[GuestRow], target: Target) -> list[Invitation]:
        """A guest that the rows of one chunk have twice is invited by the first of them."""
        now, first, found = self.clock.now(), dict[str, int](), list[Invitation]()
        for n, row in enumerate(rows):
            invitation = self._invitation(record, chunk, n, row, target, now)
            if not invitation.is_final and (line := first.setdefault(row.address.key, row.line)) != row.line:
                invitation = _duplicate(invitation, line, now)
            found.append(invitation)
        return found

    async def _write(self, chunks: list[list[Invitation]]) -> None:
        """Write chunks, but for those that are there: a delivery before this one may have written them."""
        try:
            await self.store.accept_import(list(chain(*chunks)), {}, self.clock.now() + self.timing.stall_timeout)
        except Conflict:
            for chunk in chunks:
                await self._write_again(chunk)

    @retry_on_conflict("the same guests' invitations", attempts=3)
    async def _write_again(self, invitations: list[Invitation]) -> None:
        now, group, chunk = self.clock.now(), invitations[0].id.group, invitations[0].id.chunk
        if await self.store.read_chunk(group, chunk):
            return
        guards = await self.store.find_guards(group, [i.address.key for i in invitations if not i.is_final])
        checked = [_checked(i, guards.get(i.address.key), now) for i in invitations]
        await self.store.accept_import(checked, guards, now + self.timing.stall_timeout)

    def _invitation(
        self, record: Import, chunk: ChunkId, position: int, row: GuestRow, target: Target, now: datetime
    ) -> Invitation:
        invitation = Invitation(
            id=InvitationId(row.group, chunk, position),
            address=row.address,
            display_name=row.display_name,
            message=row.message,
            language=row.language,
            inviter_id=record.authority,
            inviter_name=record.authority_name,
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


def _checked(invitation: Invitation, guard: Guard | None, now: datetime) -> Invitation:
    """The invitation, or why there is none: the address has another one to this group."""
    if guard is None or invitation.is_final:
        return invitation
    there = guard.invitation
    if there.import_id == invitation.import_id:
        return _duplicate(invitation, there.line, now)
    if guard.import_id == invitation.import_id:
        return _duplicate(invitation, guard.line, now)
    if not there.is_final:
        return failed(invitation, Reason.INVITATION_UNDER_WAY, f"by the invitation {there.id}", now)
    return invitation


def _duplicate(invitation: Invitation, line: int | None, now: datetime) -> Invitation:
    return failed(invitation, Reason.DUPLICATE_IN_FILE, f"line {line} has the same address", now)
