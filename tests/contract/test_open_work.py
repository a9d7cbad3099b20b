"""What has not ended, where older versions kept it: it is taken over, once, and nothing of it is lost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.rows.audits import TableRemedyStore
from shared.imports.rows import TableImportStore
from shared.invitations.rows.store import TableStore
from shared.requests.rows import TableRequestStore
from shared.setup.rows import TableSetupStore
from shared.storage.reminders import REMINDERS, TableOpenWork, TableReminders

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "v1"
OLD: dict[str, dict[str, Any]] = json.loads((SAMPLES / "rows-open.json").read_text())
GROUP, APP = "22222222-2222-4222-8222-222222222222", "55555555-5555-4555-8555-555555555555"
ID, REQUEST, SETUP = "fe62a1b2c3d40123456789", "5e884898da28047151d0e5", "5e7a00000000000000000a"
LOOK_AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)

type Store = Callable[[TableServiceClient], TableOpenWork[Any]]
KINDS: dict[str, tuple[Store, str | tuple[str, str]]] = {
    "OpenChunks": (lambda service: TableStore(service).open_chunks, (GROUP, ID)),
    "Imports": (TableImportStore, ID),
    "Setups": (TableSetupStore, SETUP),
    "Requests": (TableRequestStore, (GROUP, REQUEST)),
    "Audits": (TableRemedyStore, (ID, APP)),
}


async def write_old(tables: TableServiceClient, table: str) -> None:
    await tables.create_table_if_not_exists(table)
    await tables.get_table_client(table).upsert_entity(OLD[table])


async def old_rows(tables: TableServiceClient, table: str) -> list[Any]:
    row = OLD[table]
    keys = {"partition": row["PartitionKey"], "key": row["RowKey"]}
    found = tables.get_table_client(table).query_entities(
        "PartitionKey eq @partition and RowKey eq @key", parameters=keys
    )
    return [r async for r in found]


async def listed(store: TableOpenWork[Any], before: datetime) -> list[Any]:
    return [id_ async for id_ in store.list_open(due_before=before)]


def test_every_index_of_an_older_version_has_its_sample() -> None:
    assert set(OLD) == set(KINDS)


@pytest.mark.parametrize("table", KINDS)
async def test_what_an_older_version_left_open_is_taken_over(tables: TableServiceClient, table: str) -> None:
    make, id_ = KINDS[table]
    await write_old(tables, table)
    store = make(tables)

    assert id_ not in await listed(store, LOOK_AT)
    assert await old_rows(tables, table) == []
    assert id_ in await listed(store, LOOK_AT + SECOND)

    await store.open(id_, LOOK_AT + 2 * SECOND)
    assert id_ not in await listed(store, LOOK_AT + SECOND)
    await store.close(id_)
    assert id_ not in await listed(make(tables), LOOK_AT + 3 * SECOND)


@pytest.mark.parametrize("table", KINDS)
async def test_an_instance_that_dies_while_it_takes_over_leaves_nothing_out(
    tables: TableServiceClient, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, id_ = KINDS[table]
    await write_old(tables, table)
    dying = make(tables)

    class DiesError(Exception):
        pass

    async def dies(*_: object) -> None:
        raise DiesError

    monkeypatch.setattr(dying._old, "delete", dies)
    with pytest.raises(DiesError):
        await listed(dying, LOOK_AT + SECOND)
    assert await old_rows(tables, table) != []

    assert id_ in await listed(make(tables), LOOK_AT + SECOND)
    assert await old_rows(tables, table) == []
    await make(tables).close(id_)


async def test_what_is_open_is_no_message_to_send(tables: TableServiceClient) -> None:
    store = TableSetupStore(tables)
    await store.open(SETUP, LOOK_AT)  # type: ignore[arg-type]

    due = [r async for r in TableReminders(tables).list_due(datetime.max.replace(tzinfo=UTC))]
    parked = [r async for r in TableReminders(tables).list_parked()]

    assert not [r for r in (*due, *parked) if r.partition.startswith("open-")]
    await store.close(SETUP)  # type: ignore[arg-type]
    left = tables.get_table_client(REMINDERS).query_entities(f"RowKey eq '{SETUP}'")
    assert [r async for r in left] == []
