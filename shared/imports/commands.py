"""What people do with an import that is there: look at it, pause, resume, cancel, undo."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.errors import Refused
from shared.core.features import ALL, Feature, Features
from shared.core.ids import GroupId, ImportId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.imports.admissions import Admissions
from shared.imports.model.imports import Import, ImportState, Progress, rate
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore, StoredImport
from shared.imports.start import seconds_left
from shared.invitations.model.invitations import Reading
from shared.invitations.ports import Store
from shared.membership.access import REMEMBERED as READ_REMEMBERED
from shared.membership.access import Access
from shared.membership.model.access import Action, may
from shared.messages.commands import ImportChunk, SplitImport, UndoImport
from shared.messages.ports import Outbox
from shared.pace.pacing import TENANT_KEY

_LISTED = 50
_ROOM = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """An import with what its counters say. `under_way` are records that are not at their end; `per_second` and
    `seconds_left` are None where nobody can tell."""

    record: Import
    progress: Progress
    counts: dict[str, int]
    state: str
    done: int
    under_way: int
    per_second: float | None
    seconds_left: int | None
    finished_at: datetime | None
    undo_until: datetime


@dataclass(frozen=True, slots=True)
class ImportCommands:
    imports: ImportStore
    store: Store
    access: Access
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: ImportSettings
    admissions: Admissions
    features: Features = ALL
    _looked: dict[tuple[ImportId, UserId], datetime] = field(default_factory=dict)

    async def show(self, group: GroupId, import_id: ImportId, caller: Caller) -> Seen:
        """Raises Refused `import-missing`, also where the caller may not see it."""
        return await self._seen(await self.look(group, import_id, caller))

    async def of_group(self, group: GroupId, caller: Caller) -> list[Seen]:
        """The group's imports, the newest first. Raises Refused `not-owner`."""
        seen = await self.access.require(group, caller, Action.READ_GUESTS)
        found = [await self.imports.read(i) for i in await self.imports.list_group(group, _LISTED)]
        return [await self._seen(s) for s in found if s is not None and may(seen.roles, _read_action(s.record.value))]

    async def pause(self, group: GroupId, import_id: ImportId, caller: Caller) -> Seen:
        """Nobody is invited any more until somebody resumes it; what is under way is brought to its end. Raises
        Refused `import-missing`, `import-ended`."""
        return await self._decide(group, import_id, caller, ImportState.PAUSED)

    async def resume(self, group: GroupId, import_id: ImportId, caller: Caller) -> Seen:
        """Whoever resumes it answers for what it does from then on: their right to invite counts. Raises Refused
        `import-missing`, `import-ended`."""
        mine = {"resumer": caller.object_id, "resumer_name": caller.name}
        seen = await self._decide(group, import_id, caller, ImportState.RUNNING, **mine)
        await self.outbox.send(SplitImport(import_id, seen.progress.pieces))
        await self._wake(seen)
        return seen

    async def cancel(self, group: GroupId, import_id: ImportId, caller: Caller) -> Seen:
        """Who was not asked for yet is not invited. Raises Refused `import-missing`, `import-ended`."""
        seen = await self._decide(group, import_id, caller, ImportState.CANCELLED)
        await self._wake(seen)
        return seen

    async def undo(self, group: GroupId, import_id: ImportId, caller: Caller) -> Seen:
        """Take back what the import did, and no more. Safe to repeat. Raises Refused `import-missing`, `feature-off`,
        `import-under-way`, `undo-too-late`."""
        await self.require_undo(group, import_id, caller)
        seen = await self._change(import_id, ImportState.UNDOING)
        groups = sorted(seen.progress.targets)
        await self.imports.open(import_id, self.clock.now() + self.timing.stall_timeout)
        await self.outbox.send(UndoImport(import_id, GroupId(groups[0])))
        return seen

    async def require_undo(self, group: GroupId, import_id: ImportId, caller: Caller) -> StoredImport:
        """The import, if it may be undone now. Raises as `undo` does."""
        stored = await self.need(group, import_id, caller)
        self.features.need(Feature.UNDO)
        seen = await self._seen(stored)
        if seen.state not in ("done", "cancelled", "undoing", "undone") or seen.under_way:
            raise Refused(Reason.IMPORT_UNDER_WAY, f"It is {seen.state}, and {seen.under_way} guests are under way")
        if self.clock.now() > seen.undo_until:
            raise Refused(Reason.UNDO_TOO_LATE, f"It could be undone until {seen.undo_until:%Y-%m-%d %H:%M} UTC")
        return stored

    async def look(self, group: GroupId, import_id: ImportId, caller: Caller) -> StoredImport:
        """For who may read. Raises Refused `import-missing`, both where there is none and where it is not the
        caller's to see."""
        stored = await self._stored(group, import_id)
        record = stored.record.value
        if await self._answers_for(stored, group, caller):
            return stored
        # An app sees what it asked for itself, as long as it may ask.
        own = record.creator == caller.object_id and not record.for_admin
        if not await self.access.may(group, caller, _read_action(record)) and not (
            own and await self.access.may(group, caller, Action.INVITE)
        ):
            raise Refused(Reason.IMPORT_MISSING)
        return stored

    async def _answers_for(self, stored: StoredImport, group: GroupId, caller: Caller) -> bool:
        """Whether the caller answers for a running import and still may, as of the last `READ_REMEMBERED`. Its chunks
        ask the directory the same, and one asks for all."""
        record, now = stored.record.value, self.clock.now()
        if record.state is not ImportState.RUNNING or record.authority != caller.object_id or record.for_admin:
            return False
        key = record.id, caller.object_id
        if (at := self._looked.get(key)) is not None and at > now - READ_REMEMBERED:
            return True
        try:
            await self.admissions.need(stored, group)
        except Refused:
            return False
        if len(self._looked) >= _ROOM:
            self._looked.clear()
        self._looked[key] = now
        return True

    async def need(self, group: GroupId, import_id: ImportId, caller: Caller) -> StoredImport:
        """For who may change it, as the directory says now. Raises as `look` does."""
        stored = await self._stored(group, import_id)
        action = Action.CHANGE_ADMIN_IMPORT if stored.record.value.for_admin else Action.CHANGE_IMPORT
        if not await self.access.may(group, caller, action):
            raise Refused(Reason.IMPORT_MISSING)
        return stored

    async def _stored(self, group: GroupId, import_id: ImportId) -> StoredImport:
        stored = await self.imports.read(import_id, group)
        if stored is None or stored.record.value.group != group:
            raise Refused(Reason.IMPORT_MISSING)
        return stored

    async def _decide(
        self, group: GroupId, import_id: ImportId, caller: Caller, state: ImportState, **changes: Any
    ) -> Seen:
        stored = await self.need(group, import_id, caller)
        seen = await self._seen(stored)
        if seen.state in ("done", "cancelled", "undoing", "undone"):
            raise Refused(Reason.IMPORT_ENDED, f"It is {seen.state}")
        return await self._change(import_id, state, **changes)

    @retry_on_conflict("the import")
    async def _change(self, import_id: ImportId, state: ImportState, **changes: Any) -> Seen:
        stored = await self.imports.read(import_id)
        if stored is None:
            raise Refused(Reason.IMPORT_MISSING)
        if stored.record.value.state is not state:
            changed = replace(stored.record.value, state=state, finished_at=None, why=None, **changes)
            saved = await self.imports.save(Versioned(changed, stored.record.version))
            stored = replace(stored, record=saved)
        return await self._seen(stored)

    async def _wake(self, seen: Seen) -> None:
        """Send what is open: chunks that came up while the import stalled were let go."""
        record = seen.record
        await self.imports.open(record.id, self.clock.now() + self.timing.stall_timeout)
        for group in seen.progress.targets:
            for chunk in await self.store.list_open_of_import(record.id, group, due_before=None):
                await self.outbox.send(ImportChunk(group, chunk))

    async def _seen(self, stored: StoredImport) -> Seen:
        record, progress = stored.record.value, stored.progress.value
        readings = [await self.store.read_counters(record.id, group) for group in progress.targets]
        counts: Counter[str] = Counter()
        for reading in readings:
            counts.update(reading.counts)
        latest = max((each.updated_at for each in readings if each.updated_at), default=None)
        together = Reading(counts, latest)
        written, final = together.written, together.final
        bad = sum(progress.bad.values())
        state = _state(record, counts, ended=progress.all_read and final == written)
        now = self.clock.now()
        over = state in ("done", "cancelled", "undone")
        until = (record.finished_at or latest or now) if over else now
        pace = await self.store.read_import_pace(self.settings.limits, now)
        per_second = rate(final, record.created_at, until)
        left = max(0, _rows_expected(record, progress) - bad - final)
        eta = None
        if state == "running":
            interval = timedelta(seconds=1 / pace.rate(self.settings.limits, pace.at))
            if per_second is not None and final >= 100:
                interval = max(interval, timedelta(seconds=1 / per_second))
            today = await self.store.read_day({TENANT_KEY: self.settings.per_tenant}, now) + written - final
            eta = seconds_left(left, interval, today, self.settings.per_day)
        return Seen(
            record=record,
            progress=progress,
            counts=dict(counts),
            state=state,
            done=final + bad,
            under_way=written - final,
            per_second=per_second,
            seconds_left=eta,
            finished_at=until if over else None,
            undo_until=record.created_at + self.settings.undo_window,
        )


def _read_action(record: Import) -> Action:
    """An administrator's file may name other groups: whoever owns the one it was sent to does not see them."""
    return Action.READ_ADMIN_IMPORT if record.for_admin else Action.READ_GUESTS


def _state(record: Import, counts: Counter[str], *, ended: bool) -> str:
    match record.state:
        case ImportState.UNDOING:
            return "undone" if record.finished_at is not None else "undoing"
        case ImportState.CANCELLED:
            return "cancelled"
        case _ if ended:
            return "done"
        case ImportState.PAUSED:
            return "paused"
        case _:
            return "parked" if counts["parked"] else "running"


def _rows_expected(record: Import, progress: Progress) -> int:
    """Rows of the whole file: by what was read of it, while it is read."""
    if progress.all_read or not progress.rows:
        return progress.rows
    read = progress.cursor.offset - record.dialect.start.offset
    whole = record.size - record.dialect.start.offset
    return round(progress.rows * whole / read) if read > 0 else progress.rows
