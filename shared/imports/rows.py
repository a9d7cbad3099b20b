"""Imports as table rows: a partition each, with the record and how far the file was read; and an index of the
imports of a group."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shared.core.csv.dialect import Dialect
from shared.core.csv.records import Cursor
from shared.core.errors import Conflict
from shared.core.ids import GroupId, ImportId
from shared.core.versions import Versioned
from shared.imports.model.imports import Admission, Import, Progress
from shared.imports.ports import StoredImport
from shared.storage.records import Columns, new_row, record_row, save_versioned, versioned_record
from shared.storage.reminders import TableOpenWork
from shared.storage.table import Row, Table, insert, version_of

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

IMPORTS = "Imports"
_RECORD, _PROGRESS, _KEYS = "import", "progress", "keys"
ADMISSION = "admission-"
IMPORT_COLUMNS = Columns(
    Import,
    spelled={"group": "GroupId", "creator": "CreatorId", "why": "PausedFor", "resumer": "ResumerId"},
    json={
        "dialect": (
            lambda dialect: msgspec.to_builtins(dialect) | {"start": dialect.start.to_list()},
            partial(msgspec.convert, type=Dialect, strict=False),  # The cursor has a number for a bool.
        )
    },
    beside=("id",),
)
PROGRESS_COLUMNS = Columns(Progress, json={"cursor": (Cursor.to_list, Cursor.from_list)})


class TableImportStore(TableOpenWork[ImportId]):
    def __init__(self, service: "TableServiceClient") -> None:
        super().__init__(service, "import", old=IMPORTS, read_old=lambda row: ImportId(row["RowKey"]))
        self._table = Table(service, IMPORTS)

    async def create(self, record: Import, progress: Progress) -> None:
        # The index first: an import that is not listed could be found by nobody.
        await self._table.upsert(new_row(f"group-{record.group}", record.id))
        await self._table.write([insert(_record_row(record)), insert(_progress_row(record.id, progress))])

    async def name(self, key: str, fresh: ImportId) -> ImportId:
        try:
            await self._table.write([insert(new_row(_KEYS, key, ImportId=fresh))])
        except Conflict:
            there = await self._table.get(_KEYS, key)
            return ImportId(there["ImportId"]) if there is not None else fresh
        return fresh

    async def read(self, import_id: ImportId, group: GroupId | None = None) -> StoredImport | None:
        condition = "PartitionKey eq @id and ( RowKey eq @record or RowKey eq @progress or RowKey eq @admission )"
        keys = {"id": import_id, "record": _RECORD, "progress": _PROGRESS, "admission": f"{ADMISSION}{group}"}
        rows = {r["RowKey"]: r async for r in self._table.query(condition, keys)}
        if _RECORD not in rows or _PROGRESS not in rows:
            return None
        record = IMPORT_COLUMNS.from_columns(rows[_RECORD], id=ImportId(rows[_RECORD]["PartitionKey"]))
        progress = PROGRESS_COLUMNS.from_columns(rows[_PROGRESS])
        admission = rows.get(keys["admission"])
        admitted = versioned_record(admission, Admission) if admission is not None else Versioned(Admission(), None)
        return StoredImport(
            Versioned(record, version_of(rows[_RECORD])),
            Versioned(progress, version_of(rows[_PROGRESS])),
            {group: admitted} if group is not None else {},
        )

    async def save(self, record: Versioned[Import]) -> Versioned[Import]:
        return await save_versioned(self._table, record, _record_row(record.value))

    async def save_progress(self, import_id: ImportId, progress: Versioned[Progress]) -> Versioned[Progress]:
        return await save_versioned(self._table, progress, _progress_row(import_id, progress.value))

    async def save_admission(
        self, import_id: ImportId, group: GroupId, admission: Versioned[Admission]
    ) -> Versioned[Admission]:
        row = record_row(import_id, f"{ADMISSION}{group}", admission.value)
        return await save_versioned(self._table, admission, row)

    async def list_group(self, group: GroupId, limit: int) -> list[ImportId]:
        found: list[ImportId] = []
        async for row in self._table.query("PartitionKey eq @key", {"key": f"group-{group}"}, page_size=limit):
            found.append(ImportId(row["RowKey"]))
            if len(found) == limit:
                break
        return found


def _record_row(record: Import) -> Row:
    return new_row(record.id, _RECORD, **IMPORT_COLUMNS.to_columns(record))


def _progress_row(import_id: ImportId, progress: Progress) -> Row:
    return new_row(import_id, _PROGRESS, **PROGRESS_COLUMNS.to_columns(progress))
