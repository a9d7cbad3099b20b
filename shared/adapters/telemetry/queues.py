"""How full the queues are and how old their oldest messages. No metric of storage tells that within the hour.

Source: Azure Queue Storage metrics: ``QueueMessageCount`` is refreshed daily, for the whole account.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.adapters.queues.names import QUEUES, UNREADABLE, poison_queue
from shared.adapters.storage import failure
from shared.adapters.telemetry import meters

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueServiceClient

_OURS = frozenset((*QUEUES, *map(poison_queue, QUEUES), UNREADABLE))
_AT_ONCE = 8


class QueueGauges:
    """Measures at most once in `every`, whoever asks: a sweeper that runs often does not make storage busy."""

    def __init__(self, service: "QueueServiceClient", every: timedelta = timedelta(minutes=4)) -> None:
        self._service = service
        self._every_s = every.total_seconds()
        self._at = -self._every_s

    async def __call__(self) -> int:
        """Measure all queues that are there; gives how many were.

        Raises:
            StorageBusy: storage did not answer; StorageRefused: a role is missing.
        """
        now = time.monotonic()
        if now - self._at < self._every_s:
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
            self._at = now
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
