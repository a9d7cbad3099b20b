"""Storage clients for a binding's `connection`, which is a connection string here.

One client per connection and worker process; used on the host's loop only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.configuration import DEFAULT_CONNECTION, connection_string

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


class Storage:
    """Gives clients by the name of a connection and closes them all at the end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: BlobServiceClient | None = None
        self._stack = AsyncExitStack()

    async def queue(self, connection: str, name: str) -> QueueClient:
        """A queue; whether it exists is not looked at. Contents pass as they are, encoding is ours. Raises
        StartError: the connection is not set."""
        if connection not in self._queues:
            service = QueueServiceClient.from_connection_string(connection_string(connection, self._environment))
            self._queues[connection] = await self._stack.enter_async_context(service)
        return self._queues[connection].get_queue_client(name)

    async def blobs(self) -> BlobServiceClient:
        """The host's own blob service. Raises StartError: its connection is not set."""
        if self._blobs is None:
            # Only timers need blobs, and the SDK is slow to import.
            from azure.storage.blob.aio import BlobServiceClient

            service = BlobServiceClient.from_connection_string(
                connection_string(DEFAULT_CONNECTION, self._environment)
            )
            self._blobs = await self._stack.enter_async_context(service)
        return self._blobs

    async def close(self) -> None:
        """Closes every client given out."""
        await self._stack.aclose()


async def put(queue: QueueClient, content: str) -> None:
    """Sends one message as it is, and makes the queue where there is none. Lives for seven days."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another process was as quick
            await queue.create_queue()
        await queue.send_message(content)
