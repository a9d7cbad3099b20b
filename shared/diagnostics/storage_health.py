"""The port's `Heartbeats` on Azure Storage."""

import asyncio
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.diagnostics.model import Chain, SetupWorker
from shared.messages.registry import MESSAGES
from shared.storage.accounts import failure
from shared.storage.key import TENANT
from shared.storage.records import from_text, new_row, to_text
from shared.storage.table import Table

WHOLE_SWEEP = ("tenant", "gauges")
"""Named after what it was first for: the queues are measured in a whole sweep."""
CHAIN, SWEEP, ROUND_TRIP, SETUP_WORKER = "chain", "sweep", "round-trip", "setup-worker"


class StorageHealth:
    """Three rows of one partition, which one request reads; a second one looks at the first message of a queue."""

    def __init__(self, tables: TableServiceClient, queues: QueueServiceClient) -> None:
        self._table = Table(tables, TENANT)
        self._queue = queues.get_queue_client(MESSAGES.queues[0])

    async def read(self) -> Chain:
        chain, _ = await asyncio.gather(self._read(), self._look())
        return chain

    async def note_sweep(self, at: datetime) -> None:
        await self._write(SWEEP, At=to_text(at))

    async def read_whole_sweep(self) -> datetime | None:
        row = await self._table.get(*WHOLE_SWEEP)
        return from_text(row["MeasuredAt"]) if row is not None else None

    async def note_whole_sweep(self, begun: datetime) -> None:
        await self._table.upsert(new_row(*WHOLE_SWEEP, MeasuredAt=to_text(begun)))

    async def note_setup_worker(self, at: datetime, holds: frozenset[str]) -> None:
        await self._write(SETUP_WORKER, At=to_text(at), Holds=" ".join(sorted(holds)))

    async def note_return(self, sent_at: datetime, arrived_at: datetime) -> None:
        last = (await self._read()).returned
        # Of two at once the older may still be written last: the next sweep's message corrects it.
        if last is None or last < sent_at:
            await self._write(ROUND_TRIP, SentAt=to_text(sent_at), ArrivedAt=to_text(arrived_at))

    async def _read(self) -> Chain:
        rows = {
            str(row["RowKey"]): row
            async for row in self._table.query("PartitionKey eq @partition", {"partition": CHAIN})
        }
        swept, returned, worker = rows.get(SWEEP), rows.get(ROUND_TRIP), rows.get(SETUP_WORKER)
        return Chain(
            swept_at=from_text(swept["At"]) if swept is not None else None,
            returned=from_text(returned["SentAt"]) if returned is not None else None,
            setup=SetupWorker(from_text(worker["At"]), frozenset(str(worker["Holds"]).split())) if worker else None,
        )

    async def _write(self, key: str, **columns: str) -> None:
        await self._table.upsert(new_row(CHAIN, key, **columns))

    async def _look(self) -> None:
        try:
            await self._queue.peek_messages(max_messages=1)
        except ResourceNotFoundError:
            return  # Queues are made when they are first written to.
        except AzureError as e:
            raise failure(e) from e
