"""docs/tables.md tells of the columns that are written, with rows that the code can read."""

import json
import re
import uuid
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from azure.data.tables.aio import TableServiceClient

from shared.adapters.tables import TABLES, TableStore
from shared.adapters.tables.imports import IMPORTS, TableImportStore
from shared.adapters.tables.requests import REQUESTS, TableRequestStore
from shared.adapters.tables.rows import from_row, to_row
from shared.adapters.tables.setups import APPS, SETUPS, TableSetupStore
from shared.domain.breaker import Breaker
from shared.domain.csv_dialect import detect
from shared.domain.ids import GroupId, InvitationId, new_chunk_id
from shared.domain.import_ids import ImportId
from shared.domain.imports import Import, Progress, chunk_id
from shared.domain.invitations import State
from shared.domain.pacing import DayLimit
from shared.domain.request_settings import Limit
from shared.domain.setup.records import Confirmation
from shared.ports.store import OpenChunk, Versioned
from tests.builders import NOW, OWNER
from tests.contract.test_request_store import pending
from tests.contract.test_setup_store import a_setup, an_app
from tests.contract.test_storage_faults import PACE
from tests.contract.test_store import chunk_of, claimed

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "tables.md").read_text()
_SECTION = re.compile(r"^### Row `([^`]*)`: (.+)$", re.MULTILINE)
_COLUMN = re.compile(r"^\| `(\w+)` \| `([^`]*)` \|", re.MULTILINE)


def documented() -> dict[str, dict[str, str]]:
    """Columns and example values of each kind of row, by what the document calls it."""
    parts = _SECTION.split(DOCUMENT)[1:]
    return {name: dict(_COLUMN.findall(text)) for name, text in zip(parts[1::3], parts[2::3], strict=True)}


def value(text: str) -> Any:
    return json.loads(text) if text in ("true", "false") or text.isdecimal() else text


def kind_of(table: str, row: dict[str, Any]) -> str:
    if table == IMPORTS:
        kinds = {"import": "an import", "progress": "how far the file of an import was read"}
        if row["PartitionKey"] == "keys":
            return "the import that a key stands for"
        return kinds.get(row["RowKey"], "an import in an index")
    if table == SETUPS:
        whole = {"open": "a setup that has not ended"}.get(row["PartitionKey"])
        return whole or ("a setup's plan" if row["RowKey"] == "plan" else "a step of a setup")
    if table == APPS:
        return {
            "apps": "an app that is set up",
            "confirmations": "what a person confirmed",
            "intents": "something that is made only once",
        }[row["PartitionKey"]]
    if table == REQUESTS:
        return {"open": "a join request that has not ended", "counts": "how often something was asked"}.get(
            row["PartitionKey"], "a join request"
        )
    if table == "Invitations":
        return {
            "i-": "an invitation",
            "a-": "a guard",
            "k-": "an idempotency key",
            "o-": "a chunk of an import that has not ended",
            "c-": "counters of an import",
            "x-": "the last day of a membership",
        }[row["RowKey"][:2]]
    if table == "OpenChunks":
        return "a chunk that has not ended"
    if row["PartitionKey"] == "days":
        return "what imports took of a day"
    if row["RowKey"] == "imports":
        return "the pace of imports"
    return "the breaker" if row["RowKey"] == "breaker" else "a lane's clock"


async def test_the_documented_columns_are_those_that_are_written(tables: TableServiceClient) -> None:
    store, group = TableStore(tables), GroupId(str(uuid.uuid4()))
    full = from_row({column: value(text) for column, text in documented()["an invitation"].items()})
    assert not [f.name for f in fields(full) if getattr(full, f.name) is None], "the example leaves a column out"
    held = await claimed(store, group)
    [invitation] = chunk_of(group)
    await store.accept([replace(full, id=invitation.id, state=State.PARKED)], held)
    await store.claim_key(group, "pending", "body", now=NOW, lease=PACE.time, kept=PACE.time)
    await store.open_chunk(OpenChunk(group, invitation.id.chunk, NOW))
    breaker = await store.read_breaker()
    await store.write_breaker(replace(breaker, value=Breaker(NOW, NOW, "blocked")))
    await store.reserve("invitations", PACE, 1, NOW)
    await write_setups(TableSetupStore(tables))

    written: dict[str, set[str]] = {}
    await write_imports(store, TableImportStore(tables), group)
    await write_requests(TableRequestStore(tables), group)
    for table in (*TABLES, SETUPS, APPS, IMPORTS, REQUESTS):
        async for row in tables.get_table_client(table).list_entities():
            written.setdefault(kind_of(table, row), set()).update(row)

    assert written == {name: set(columns) for name, columns in documented().items()}
    there = await store.read_breaker()
    await store.write_breaker(Versioned(Breaker(), there.version))


async def write_imports(store: TableStore, imports: TableImportStore, group: GroupId) -> None:
    import_id = ImportId(new_chunk_id(NOW, uuid.uuid4().hex[:10]))
    await store.reserve_imports(PACE, [1], NOW)
    await store.slow_imports(PACE, PACE.time, NOW)
    await store.take_of_day("tenant", DayLimit(1, 1), 1, NOW)
    [row] = chunk_of(group)
    row_id = InvitationId(group, chunk_id(import_id, 0, 0), 0)
    await store.accept_import([replace(row, id=row_id, import_id=import_id)], {}, NOW)
    dialect = detect(b"address\na@fabrikam.com\n")
    record = Import(import_id, group, "f.csv", 9, dialect, OWNER, "Olivia", False, NOW, "d", finished_at=NOW)
    await imports.create(record, Progress(dialect.start, wakes_at=NOW, why="the tenant's pace"))
    await imports.open(import_id, NOW)
    await imports.name(uuid.uuid4().hex, import_id)


async def write_requests(store: TableRequestStore, group: GroupId) -> None:
    request = pending(group)
    await store.open(group, request.id, NOW)
    await store.save(Versioned(request, None))
    await store.count_up(group, Limit(1, PACE.time), NOW)


async def write_setups(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)
    await store.open(setup.id, NOW)
    await store.save_app(Versioned(an_app(), None))
    await store.write_confirmation("self-service-groups", Confirmation(OWNER, "Adam", NOW))
    intent = await store.take_intent(setup.id, now=NOW, claim=PACE.time)
    assert intent is not None
    await store.finish_intent(intent, "made")


def test_the_documented_invitation_is_the_row_that_the_code_would_write() -> None:
    row = {column: value(text) for column, text in documented()["an invitation"].items()}

    assert to_row(from_row(row)) == row
