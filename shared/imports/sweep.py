"""Send again the imports that have stalled, close those that are done, forget the files nobody needs any more."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.clock import Timing
from shared.core.errors import Conflict
from shared.core.ids import GroupId, ImportId
from shared.imports.model.imports import ImportState
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore, StoredImport
from shared.invitations.ports import Store
from shared.invitations.sweep import what_waits
from shared.messages.commands import Command, SplitImport, UndoImport
from shared.messages.sweep import ENDED, NextCheck
from shared.storage.ports import Files


@dataclass(frozen=True, slots=True)
class CheckImport:
    imports: ImportStore
    store: Store
    files: Files
    timing: Timing
    settings: ImportSettings

    async def __call__(self, import_id: ImportId, now: datetime) -> NextCheck:
        """An import whose time has come. Safe to repeat."""
        stored = await self.imports.read(import_id)
        # None: the request died before it wrote, and its caller was never told 202.
        if stored is None or (stored.record.value.finished_at is not None and now > self._undo_until(stored)):
            await self.files.delete(import_id)
            return ENDED
        record, progress = stored.record.value, stored.progress.value
        soon = now + self.timing.stall_timeout
        if record.state is ImportState.PAUSED:
            return NextCheck(soon)
        if record.state is ImportState.UNDOING:
            if record.finished_at is None:
                return NextCheck(soon, [UndoImport(record.id, GroupId(sorted(progress.targets)[0]))])
            return NextCheck(self._undo_until(stored))
        commands: list[Command] = []
        reads_on = record.state is ImportState.RUNNING and not progress.all_read
        if reads_on and (progress.wakes_at is None or progress.wakes_at < now):
            commands.append(SplitImport(record.id, progress.pieces))
        some_open = False
        for group in progress.targets:
            for chunk in await self.store.list_open_of_import(record.id, group, due_before=now):
                rows = [r.value for r in await self.store.read_chunk(group, chunk)]
                commands += what_waits(group, chunk, rows)
                await self.store.reschedule(group, chunk, soon)
            if not reads_on:
                some_open |= bool(await self.store.list_open_of_import(record.id, group, due_before=None))
        if some_open or reads_on or not await self._finish(stored, now):
            return NextCheck(soon, commands)
        return NextCheck(self._undo_until(stored), commands)

    async def _finish(self, stored: StoredImport, now: datetime) -> bool:
        """Nothing more happens; the file is kept until it cannot be undone any more."""
        record = stored.record.value
        try:
            if record.finished_at is None:
                await self.imports.save(replace(stored.record, value=replace(record, finished_at=now)))
        except Conflict:
            return False
        return True

    def _undo_until(self, stored: StoredImport) -> datetime:
        return stored.record.value.created_at + self.settings.undo_window
