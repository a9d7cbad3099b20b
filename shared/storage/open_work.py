"""What has not ended, as reminders to look at it: rows beside those that hold messages.

Older versions kept them in the tables of what they are about; those rows are taken over.
"""

import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from shared.storage.records import from_text, new_row, to_text
from shared.storage.reminders import REMINDERS
from shared.storage.table import Table, version_of

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

OPEN = "open"
_RANGE = "PartitionKey ge @first and PartitionKey lt @end"
_TAKE_OVER_EVERY_S = 3600.0


class TableOpenWork[Id: str | tuple[str, ...]]:
    """Of one kind. `old` is the table in which older versions kept it, `old_partition` what its partitions there
    begin with, and `read_old` gives what such a row stands for."""

    def __init__(
        self,
        service: "TableServiceClient",
        kind: str,
        *,
        old: str,
        read_old: Callable[[dict[str, Any]], Id],
        old_partition: str = OPEN,
    ) -> None:
        self._reminders = Table(service, REMINDERS)
        self._kind = f"{OPEN}-{kind}-"
        self._old, self._old_partition, self._read_old = Table(service, old), old_partition, read_old
        self._take_over_at = 0.0

    async def open(self, id_: Id, look_at: datetime) -> None:
        partition, key = self._place(id_)
        await self._reminders.upsert(new_row(partition, key, LookAt=to_text(look_at)))

    async def close(self, id_: Id) -> None:
        await self._reminders.delete(*self._place(id_))

    async def list_open(self, *, due_before: datetime) -> AsyncIterator[Id]:
        await self._take_over()
        keys = {"first": self._kind, "end": f"{self._kind}~", "before": to_text(due_before)}
        async for row in self._reminders.query(f"{_RANGE} and LookAt lt @before", keys):
            parts = tuple(str(row["RowKey"]).split("_"))
            yield cast(Id, parts[0] if len(parts) == 1 else parts)

    def _place(self, id_: Id) -> tuple[str, str]:
        """One of sixteen partitions, by the last digit of an id: what is opened and closed often is no hot spot."""
        key = id_ if isinstance(id_, str) else "_".join(id_)
        return f"{self._kind}{key[-1]}", key

    async def _take_over(self) -> None:
        """Once in a while, as instances of an older version may run on beside this one for some minutes."""
        if time.monotonic() < self._take_over_at:
            return
        keys = {"first": self._old_partition, "end": f"{self._old_partition}~"}
        async for row in self._old.query(_RANGE, keys):
            await self.open(self._read_old(row), from_text(row["LookAt"]))
            # Where it was moved on meanwhile, it stays for the next time.
            await self._old.delete(row["PartitionKey"], row["RowKey"], version_of(row))
        self._take_over_at = time.monotonic() + _TAKE_OVER_EVERY_S
