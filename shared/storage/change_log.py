"""The trail as table rows: a partition for each day, the newest first. Nothing here changes or deletes a row."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from azure.data.tables.aio import TableServiceClient

from shared.core import continuations
from shared.core.records import ChangeLogEntry
from shared.storage.records import read_record, record_row
from shared.storage.table import Row, Table

CHANGE_LOG = "Trail"

_LAST_DAY, _LAST_MS = 99_999_999, 9_999_999_999_999
_PLACE = re.compile(r"[0-9]{8} [0-9]{13}-[0-9a-zA-Z_-]{1,200}")


class TableChangeLog:
    """The port's `ChangeLog`."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = Table(service, CHANGE_LOG)

    async def add(self, entries: Sequence[ChangeLogEntry]) -> None:
        by_day: dict[str, dict[str, Row]] = defaultdict(dict)
        for entry in entries:
            day, key = _place(entry.at, entry.key)
            by_day[day][key] = record_row(day, key, entry)
        for rows in by_day.values():
            # Some may have been written down before.
            await self._table.insert_missing(list(rows.values()))

    async def read(self, continuation: str | None, limit: int) -> tuple[list[ChangeLogEntry], str | None]:
        place = continuations.take(continuation, _PLACE) if continuation is not None else ""
        day, _, key = place.partition(" ")
        condition = "PartitionKey ge @day and (PartitionKey gt @day or RowKey gt @key )"
        rows, more = await self._table.first(condition, {"day": day, "key": key}, limit)
        found = [read_record(row, ChangeLogEntry) for row in rows]
        return found, continuations.give(" ".join(_place(found[-1].at, found[-1].key))) if more else None


def _place(at: datetime, key: str) -> tuple[str, str]:
    ms = round(at.timestamp() * 1000)
    return f"{_LAST_DAY - int(at.astimezone(UTC).strftime('%Y%m%d')):08d}", f"{_LAST_MS - ms:013d}-{key}"
