"""How full the queues are and how old their oldest messages. No metric of storage tells that within the hour.

Source: Azure Queue Storage metrics: ``QueueMessageCount`` is refreshed daily, for the whole account.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.adapters.queues.names import QUEUES, UNREADABLE, poison_queue
from shared.adapters.storage import failure
from shared.adapters.tables.rows import SCHEMA, from_text, to_text
from shared.adapters.tables.store import TENANT
from shared.adapters.tables.table import Row, Table, upsert
from shared.adapters.telemetry import meters

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.queue.aio import QueueServiceClient

_OURS = frozenset((*QUEUES, *map(poison_queue, QUEUES), UNREADABLE))
_AT_ONCE = 8


_ROW = ("tenant", "gauges")


class QueueGauges:
    """Measures at most once in `every`, whichever process asks: a sweeper that runs often does not make storage busy.
    The time is in storage, as the process of a timer that runs each minute lives for less than that."""

    def __init__(
        self,
        service: "QueueServiceClient",
        tables: "TableServiceClient",
        every: timedelta = timedelta(minutes=4),
    ) -> None:
        self._service = service
        self._table = Table(tables, TENANT)
        self._every = every

    async def __call__(self) -> int:
        """Measure all queues that are there; gives how many were.

        Raises:
            StorageBusy: storage did not answer; StorageRefused: a role is missing.
        """
        now = datetime.now(UTC)
        last = await self._table.get(*_ROW)
        if last is not None and now - from_text(last["MeasuredAt"]) < self._every:
            return 0
        free = asyncio.Semaphore(_AT_ONCE)

        async def measure(name: str) -> None:
            async with free:
                await self._measure(name)

        try:
            names = [found.name async for found in self._service.list_queues() if found.name in _OURS]
            await asyncio.gather(*(measure(name) for name in names))
        except AzureError as e:
            raise failure(e) from e
        if names:  # where there is none yet, somebody has just begun
            row: Row = {"PartitionKey": _ROW[0], "RowKey": _ROW[1], "SchemaVersion": SCHEMA}
            await self._table.write([upsert(row | {"MeasuredAt": to_text(now)})])
        return len(names)

    async def _measure(self, name: str) -> None:
        queue = self._service.get_queue_client(name)
        try:
            count = (await queue.get_queue_properties()).approximate_message_count or 0
            peeked = await queue.peek_messages(1) if count else []
        except ResourceNotFoundError:
            return
        oldest = None
        if peeked and peeked[0].inserted_on is not None:
            oldest = max(datetime.now(UTC) - peeked[0].inserted_on, timedelta())
        meters.queue(name, count, oldest)
