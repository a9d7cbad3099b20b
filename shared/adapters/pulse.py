"""The port's `Pulse` on Azure Storage."""

import asyncio

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.adapters.queues.names import INVITATIONS
from shared.adapters.storage import failure
from shared.adapters.tables.store import TENANT
from shared.adapters.tables.table import Table

_NO_ROW = "pulse"


class StoragePulse:
    """The cheapest of what the app does anyway: a row by its key, and the first message of a queue."""

    def __init__(self, tables: TableServiceClient, queues: QueueServiceClient) -> None:
        self._table = Table(tables, TENANT)
        self._queue = queues.get_queue_client(INVITATIONS)

    async def feel(self) -> None:
        await asyncio.gather(self._table.get(_NO_ROW, _NO_ROW), self._look())

    async def _look(self) -> None:
        try:
            await self._queue.peek_messages(max_messages=1)
        except ResourceNotFoundError:
            return  # Queues are made when they are first written to.
        except AzureError as e:
            raise failure(e) from e
