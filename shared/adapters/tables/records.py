"""Rows that hold a record of the domain as JSON in one column."""

from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.tables.rows import SCHEMA, UnreadableRow
from shared.adapters.tables.table import Row

if TYPE_CHECKING:
    from azure.data.tables import TableEntity


def record_row(partition: str, key: str, record: Any) -> Row:
    """A record as JSON in one column."""
    return {
        "PartitionKey": partition,
        "RowKey": key,
        "SchemaVersion": SCHEMA,
        "Record": msgspec.json.encode(record).decode(),
    }


def read_record[T](row: "TableEntity", kind: type[T]) -> T:
    """Raises UnreadableRow where a newer version has written it."""
    if row["SchemaVersion"] > SCHEMA:
        raise UnreadableRow(f"row {row['RowKey']} has schema {row['SchemaVersion']}; this code reads up to {SCHEMA}")
    return msgspec.json.decode(row["Record"], type=kind)
