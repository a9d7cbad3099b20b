"""Transactions of tables: all or nothing, whatever the keys and columns hold, and what the service says to each."""

import secrets

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.errors import Conflict
from shared.storage.accounts import StorageRefused
from shared.storage.table import Table, insert, merge, put, remove, replace, upsert, version_of

KEYS = {"PartitionKey": "it's", "RowKey": "o'clock ä €"}
COLUMNS = {
    "Text": 'HTTP/1.1 500 "code":"TableNotFound"\r\n--changesetresponse_\r\nETag: 1 \u2028 ümlaut',
    "Empty": "",
    "Yes": True,
    "Number": -(2**31),
    "Whole": 1.0,
    "Part": 0.1,
}


@pytest.fixture
def table(tables: TableServiceClient) -> Table:
    return Table(tables, f"Things{secrets.token_hex(8)}")


async def test_rows_come_back_as_they_were_written(table: Table) -> None:
    [version] = await table.write([insert(KEYS | COLUMNS | {"Nothing": None})])

    there = await table.get(*KEYS.values())
    assert there is not None
    assert dict(there) == KEYS | COLUMNS
    assert {n: type(v) for n, v in there.items()} == {n: type(v) for n, v in (KEYS | COLUMNS).items()}
    assert version_of(there) == version


async def test_each_operation_does_what_it_says_and_gives_the_new_version(table: Table) -> None:
    rows = [{"PartitionKey": "p", "RowKey": str(n), "A": n, "B": n} for n in range(5)]
    before = await table.write([insert(row) for row in rows])

    after = await table.write(
        [
            replace({"PartitionKey": "p", "RowKey": "0", "A": 7}, before[0]),
            upsert({"PartitionKey": "p", "RowKey": "1", "A": 7}),
            merge({"PartitionKey": "p", "RowKey": "2", "A": 7}),
            remove("p", "3"),
            remove("p", "4", before[4]),
            put({"PartitionKey": "p", "RowKey": "5"}, None),
        ]
    )

    found = {r["RowKey"]: r async for r in table.query("PartitionKey eq @p", {"p": "p"})}
    assert [(key, row.get("A"), row.get("B")) for key, row in found.items()] == [
        ("0", 7, None),
        ("1", 7, None),
        ("2", 7, 2),
        ("5", None, None),
    ]
    assert after == [*(version_of(found[key]) for key in "012"), "", "", version_of(found["5"])]


@pytest.mark.parametrize("case", ["there", "gone", "changed", "removed", "not in this version"])
async def test_one_operation_that_does_not_fit_keeps_all_from_happening(table: Table, case: str) -> None:
    [version] = await table.write([insert({"PartitionKey": "p", "RowKey": "there"})])
    await table.write([upsert({"PartitionKey": "p", "RowKey": "there", "A": 1})])
    wrong = {
        "there": insert({"PartitionKey": "p", "RowKey": "there"}),
        "gone": replace({"PartitionKey": "p", "RowKey": "gone"}, version),
        "changed": replace({"PartitionKey": "p", "RowKey": "there"}, version),
        "removed": remove("p", "gone"),
        "not in this version": remove("p", "there", version),
    }[case]

    with pytest.raises(Conflict):
        await table.write([insert({"PartitionKey": "p", "RowKey": "new"}), wrong])

    assert await table.get("p", "new") is None


async def test_what_no_repeat_mends_is_refused(table: Table) -> None:
    with pytest.raises(StorageRefused):
        await table.write([insert({"PartitionKey": "p", "RowKey": str(n)}) for n in range(101)])
    with pytest.raises(ValueError, match="one partition"):
        await table.write([insert({"PartitionKey": p, "RowKey": "r"}) for p in "ab"])


@pytest.mark.parametrize("value", [2**31, b"bytes", object()])
async def test_a_column_that_the_service_would_misread_is_not_sent(table: Table, value: object) -> None:
    with pytest.raises(TypeError):
        await table.write([insert(KEYS | {"Column": value})])


async def test_a_hundred_rows_are_one_transaction_and_none_is_none(table: Table) -> None:
    assert await table.write([]) == []
    versions = await table.write([insert({"PartitionKey": "p", "RowKey": f"{n:03}"}) for n in range(100)])
    assert versions == [version_of(r) async for r in table.query("PartitionKey eq @p", {"p": "p"})]
