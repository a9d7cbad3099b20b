"""Imports as table rows: a partition each, with the record and how far the file was read; and two indexes, of the
imports of a group and of those that have not ended."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.tables.records import read_record, record_row
from shared.adapters.tables.rows import SCHEMA, UnreadableRow, from_text, to_text
from shared.adapters.tables.table import Row, Table, insert, replace, version_of
from shared.domain.csv_dialect import Dialect
from shared.domain.csv_records import Cursor
from shared.domain.errors import Conflict
from shared.domain.ids import GroupId, UserId
from shared.domain.import_ids import ImportId
from shared.domain.imports import Admission, Import, ImportState, Progress, Target
from shared.ports.import_store import ImportStore, StoredImport
from shared.ports.store import Versioned

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

IMPORTS = "Imports"
_RECORD, _PROGRESS, _OPEN, _KEYS = "import", "progress", "open", "keys"
ADMISSION = "admission-"


class TableImportStore(ImportStore):
    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, IMPORTS)

    async def create(self, record: Import, progress: Progress) -> None:
        # The index first: an import that is not listed could be found by nobody.
        await self._table.upsert(
            {"PartitionKey": f"group-{record.group}", "RowKey": record.id, "SchemaVersion": SCHEMA}
        )
        await self._table.write([insert(_record_row(record)), insert(_progress_row(record.id, progress))])

    async def name(self, key: str, fresh: ImportId) -> ImportId:
        row: Row = {"PartitionKey": _KEYS, "RowKey": key, "SchemaVersion": SCHEMA, "ImportId": fresh}
        try:
            await self._table.write([insert(row)])
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
        record, progress, admission = rows[_RECORD], rows[_PROGRESS], rows.get(keys["admission"])
        admitted: Versioned[Admission] = Versioned(Admission(), None)
        if admission is not None:
            admitted = Versioned(read_record(admission, Admission), version_of(admission))
        return StoredImport(
            Versioned(_record(record), version_of(record)),
            Versioned(_progress(progress), version_of(progress)),
            {group: admitted} if group is not None else {},
        )

    async def save(self, record: Versioned[Import]) -> Versioned[Import]:
        [version] = await self._table.write([replace(_record_row(record.value), record.version or "")])
        return Versioned(record.value, version)

    async def save_progress(self, import_id: ImportId, progress: Versioned[Progress]) -> Versioned[Progress]:
        row = _progress_row(import_id, progress.value)
        [version] = await self._table.write([replace(row, progress.version or "")])
        return Versioned(progress.value, version)

    async def save_admission(
        self, import_id: ImportId, group: GroupId, admission: Versioned[Admission]
    ) -> Versioned[Admission]:
        row = record_row(import_id, f"{ADMISSION}{group}", admission.value)
        [version] = await self._table.write([replace(row, admission.version) if admission.version else insert(row)])
        return Versioned(admission.value, version)

    async def list_group(self, group: GroupId, limit: int) -> list[ImportId]:
        found: list[ImportId] = []
        async for row in self._table.query("PartitionKey eq @key", {"key": f"group-{group}"}, page_size=limit):
            found.append(ImportId(row["RowKey"]))
            if len(found) == limit:
                break
        return found

    async def open(self, import_id: ImportId, look_at: datetime) -> None:
        await self._table.upsert(
            {"PartitionKey": _OPEN, "RowKey": import_id, "SchemaVersion": SCHEMA, "LookAt": to_text(look_at)}
        )

    async def close(self, import_id: ImportId) -> None:
        await self._table.delete(_OPEN, import_id)

    async def list_open(self, *, look_before: datetime) -> AsyncIterator[ImportId]:
        keys = {"open": _OPEN, "before": to_text(look_before)}
        async for row in self._table.query("PartitionKey eq @open and LookAt lt @before", keys):
            yield ImportId(row["RowKey"])


def _record_row(record: Import) -> Row:
    return {
        "PartitionKey": record.id,
        "RowKey": _RECORD,
        "SchemaVersion": SCHEMA,
        "GroupId": record.group,
        "FileName": record.file_name,
        "Size": record.size,
        "Dialect": _json(record.dialect.to_dict()),
        "CreatorId": record.creator,
        "CreatorName": record.creator_name,
        "ForAdmin": record.for_admin,
        "CreatedAt": to_text(record.created_at),
        "Digest": record.digest,
        "State": record.state.value,
        **({"FinishedAt": to_text(record.finished_at)} if record.finished_at else {}),
        **({"PausedFor": record.why} if record.why else {}),
        **({"ResumerId": record.resumer, "ResumerName": record.resumer_name} if record.resumer else {}),
    }


def _record(row: "TableEntity") -> Import:
    _check(row)
    return Import(
        id=ImportId(row["PartitionKey"]),
        group=GroupId(row["GroupId"]),
        file_name=row["FileName"],
        size=int(row["Size"]),
        dialect=Dialect.from_dict(msgspec.json.decode(row["Dialect"])),
        creator=UserId(row["CreatorId"]),
        creator_name=row["CreatorName"],
        for_admin=row["ForAdmin"],
        created_at=from_text(row["CreatedAt"]),
        digest=row["Digest"],
        state=ImportState(row["State"]),
        finished_at=_time(row, "FinishedAt"),
        why=row.get("PausedFor"),
        resumer=UserId(row["ResumerId"]) if row.get("ResumerId") else None,
        resumer_name=row.get("ResumerName", ""),
    )


def _progress_row(import_id: ImportId, progress: Progress) -> Row:
    return {
        "PartitionKey": import_id,
        "RowKey": _PROGRESS,
        "SchemaVersion": SCHEMA,
        "Cursor": _json(progress.cursor.to_list()),
        "Pieces": progress.pieces,
        "Windows": progress.windows,
        "Rows": progress.rows,
        "Bad": _json(progress.bad),
        "Targets": _json(progress.targets),
        "AllRead": progress.all_read,
        **({"WakesAt": to_text(progress.wakes_at)} if progress.wakes_at else {}),
        **({"Why": progress.why} if progress.why else {}),
        **({"MadeUntil": to_text(progress.made_until)} if progress.made_until else {}),
    }


def _progress(row: "TableEntity") -> Progress:
    _check(row)
    return Progress(
        cursor=Cursor.from_list(msgspec.json.decode(row["Cursor"])),
        pieces=row["Pieces"],
        windows=row["Windows"],
        rows=row["Rows"],
        bad=msgspec.json.decode(row["Bad"], type=dict[str, int]),
        targets={GroupId(k): v for k, v in msgspec.json.decode(row["Targets"], type=dict[str, Target]).items()},
        all_read=row["AllRead"],
        wakes_at=_time(row, "WakesAt"),
        why=row.get("Why"),
        made_until=_time(row, "MadeUntil"),
    )


def _time(row: "TableEntity", column: str) -> datetime | None:
    return from_text(row[column]) if row.get(column) else None


def _check(row: "TableEntity") -> None:
    if row["SchemaVersion"] > SCHEMA:
        raise UnreadableRow(f"row {row['RowKey']} has schema {row['SchemaVersion']}; this code reads up to {SCHEMA}")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
