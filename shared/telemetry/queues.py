"""How full the queues are and how old their oldest messages. No metric of storage tells that within the hour.

Source: Azure Queue Storage metrics: ``QueueMessageCount`` is refreshed daily, for the whole account.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from shared.messages.registry import MESSAGES
from shared.messages.route import UNREADABLE, Messages, poison_queue
from shared.storage.accounts import failure
from shared.telemetry import meters

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueServiceClient

_AT_ONCE = 8


class QueueGauges:
    """One request to storage for each queue, and one for their names: the service lists queues without their lengths
    (Source: "List Queues", "Get Queue Metadata")."""

    def __init__(self, service: "QueueServiceClient", messages: Messages = MESSAGES) -> None:
        self._service = service
        self._ours = frozenset((*messages.queues, *map(poison_queue, messages.queues), UNREADABLE))

    async def __call__(self) -> dict[str, int]:
        """Measure all queues that are there; gives their lengths, about, invisible messages included.

        Raises:
            StorageBusy: storage did not answer; StorageRefused: a role is missing.
        """
        free = asyncio.Semaphore(_AT_ONCE)

        async def measure(name: str) -> int:
            async with free:
                return await self._measure(name)

        try:
            names = [found.name async for found in self._service.list_queues() if found.name in self._ours]
            lengths = await asyncio.gather(*(measure(name) for name in names))
        except AzureError as e:
            raise failure(e) from e
        return dict(zip(names, lengths, strict=True))

    async def _measure(self, name: str) -> int:
        queue = self._service.get_queue_client(name)
        try:
            count = (await queue.get_queue_properties()).approximate_message_count or 0
            peeked = await queue.peek_messages(1) if count else []
        except ResourceNotFoundError:
            return 0
        oldest = None
        if peeked and peeked[0].inserted_on is not None:
            oldest = max(datetime.now(UTC) - peeked[0].inserted_on, timedelta())
        meters.queue(name, count, oldest)
        return count
