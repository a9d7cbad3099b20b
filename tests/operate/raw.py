"""Tables as the service tells of them, past everything that the SDK makes of it."""

import json
from collections.abc import Iterator
from typing import Any

from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableServiceClient


def raw_rows(connection: str) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """All rows of all tables by their keys, as JSON, without the time stamp that the service writes."""
    with TableServiceClient.from_connection_string(connection) as service:
        return {table.name: dict(_rows(service, table.name)) for table in service.list_tables()}


def _rows(service: TableServiceClient, table: str) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    pages: list[bytes] = []

    def note(response: PipelineResponse[Any, Any]) -> None:
        pages.append(response.http_response.body())

    count = sum(1 for _ in service.get_table_client(table).list_entities(raw_response_hook=note))
    # Numbers as they are written: 1 is not 1.0.
    rows = [row for page in pages for row in json.loads(page, parse_float=str)["value"]]
    assert len(rows) == count
    for row in rows:
        kept = {k: v for k, v in row.items() if not k.startswith(("odata.", "Timestamp"))}
        yield (row["PartitionKey"], row["RowKey"]), kept
