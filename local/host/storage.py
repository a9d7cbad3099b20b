"""Storage clients for a binding's `connection`, which is a connection string here.

One client per connection and worker process; used on the host's loop only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.errors import StartError
from local.host.settings import check_connection, connection_names

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


class Storage:
    """Gives clients by the name of a connection and closes them all at the end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}
        self._stack = AsyncExitStack()

    async def queue(self, connection: str, name: str) -> QueueClient:
        """A queue; whether it exists is not looked at. Contents pass as they are, encoding is ours.

        Raises:
            StartError: the connection is not set.
        """
        if connection not in self._queues:
            self._queues[connection] = await self._stack.enter_async_context(self._queue_service(connection))
        return self._queues[connection].get_queue_client(name)

    async def blobs(self, connection: str) -> BlobServiceClient:
        """The blob service.

        Raises:
            StartError: the connection is not set.
        """
        if connection not in self._blobs:
            self._blobs[connection] = await self._stack.enter_async_context(self._blob_service(connection))
        return self._blobs[connection]

    async def close(self) -> None:
        """Closes every client given out."""
        await self._stack.aclose()

    def _queue_service(self, connection: str) -> QueueServiceClient:
        return QueueServiceClient.from_connection_string(self._connection_string(connection))

    def _blob_service(self, connection: str) -> BlobServiceClient:
        # Only timers need blobs, and the SDK is slow to import.
        from azure.storage.blob.aio import BlobServiceClient

        return BlobServiceClient.from_connection_string(self._connection_string(connection))

    def _connection_string(self, connection: str) -> str:
        for name in connection_names(connection):
            if text := self._environment.get(name):
                return text
        check_connection(connection, self._environment)
        raise StartError(f"The connection '{connection}' is no connection string: this host has no identity.")


async def put(queue: QueueClient, content: str) -> None:
    """Sends one message as it is, and makes the queue where there is none. Lives for seven days."""
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another process was as quick
            await queue.create_queue()
        await queue.send_message(content)
