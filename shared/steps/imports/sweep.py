"""Set going again the imports that stand still, close those that are done, forget the files nobody needs any more."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.commands import SplitImport, UndoImport
from shared.domain.errors import Conflict
from shared.domain.ids import ChunkId, GroupId
from shared.domain.import_ids import ImportId
from shared.domain.import_settings import ImportSettings
from shared.domain.imports import Import, ImportState
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.files import Files
from shared.ports.import_store import ImportStore, StoredImport
from shared.ports.outbox import Outbox
from shared.ports.store import Store
from shared.steps.sweep import what_waits


@dataclass(frozen=True, slots=True)
class SweepImports:
    imports: ImportStore
    store: Store
    files: Files
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: ImportSettings

    async def __call__(self) -> int:
        """Look at every import whose time has come; gives how many messages were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for import_id in self.imports.list_open(look_before=now):
            stored = await self.imports.read(import_id)
            if stored is None:
                # The request died before it wrote: its caller was never told 202.
                await self.files.delete(import_id)
                await self.imports.close(import_id)
                continue
            record = stored.record.value
            if now > record.created_at + self.settings.undo_window and record.finished_at is not None:
                await self.files.delete(import_id)
                await self.imports.close(import_id)
                continue
            sent += await self._look_after(stored, now)
        return sent

    async def _look_after(self, stored: StoredImport, now: datetime) -> int:
        record, progress = stored.record.value, stored.progress.value
        await self.imports.open(record.id, now + self.timing.stillness)
        if record.state is ImportState.PAUSED:
            return 0
        if record.state is ImportState.UNDOING:
            if record.finished_at is None:
                await self.outbox.send(UndoImport(record.id, GroupId(sorted(progress.targets)[0])))
                return 1
            return await self._rest(record)
        sent = 0
        reads_on = record.state is ImportState.RUNNING and not progress.all_read
        if reads_on and (progress.wakes_at is None or progress.wakes_at < now):
            await self.outbox.send(SplitImport(record.id, progress.pieces))
            sent += 1
        some_open = False
        for group in progress.targets:
            for chunk in await self.store.list_open_of_import(record.id, group, look_before=now):
                sent += await self._set_going(record.id, group, chunk, now)
            if not reads_on:
                some_open |= bool(await self.store.list_open_of_import(record.id, group, look_before=None))
        if not some_open and not reads_on:
            await self._finish(stored, now)
        return sent

    async def _set_going(self, import_id: ImportId, group: GroupId, chunk: ChunkId, now: datetime) -> int:
        rows = [r.value for r in await self.store.read_chunk(group, chunk)]
        commands = what_waits(group, chunk, rows)
        for command in commands:
            await self.outbox.send(command)
        await self.store.look_again(group, chunk, now + self.timing.stillness)
        return len(commands)

    async def _finish(self, stored: StoredImport, now: datetime) -> None:
        record = stored.record.value
        if record.finished_at is None:
            try:
                await self.imports.save(replace(stored.record, value=replace(record, finished_at=now)))
            except Conflict:
                return
        await self._rest(record)

    async def _rest(self, record: Import) -> int:
        """Nothing more happens; the file is kept until it cannot be undone any more."""
        await self.imports.open(record.id, record.created_at + self.settings.undo_window)
        return 0
