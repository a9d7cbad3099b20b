"""Storage clients for a binding's `connection`: a connection string, or an address with an identity.

One client per connection and worker process; used on the host's loop only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from azure.core.credentials_async import AsyncTokenCredential
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
        if text := self._connection_string(connection):
            return QueueServiceClient.from_connection_string(text)
        return QueueServiceClient(self._address(connection, "queue"), credential=self._credential(connection))

    def _blob_service(self, connection: str) -> BlobServiceClient:
        # Only timers need blobs, and the SDK is slow to import.
        from azure.storage.blob.aio import BlobServiceClient

        if text := self._connection_string(connection):
            return BlobServiceClient.from_connection_string(text)
        return BlobServiceClient(self._address(connection, "blob"), credential=self._credential(connection))

    def _connection_string(self, connection: str) -> str | None:
        for name in connection_names(connection):
            if text := self._environment.get(name):
                return text
        return None

    def _address(self, connection: str, service: str) -> str:
        for name in (f"{connection}__{service}ServiceUri", f"{connection}__serviceUri"):
            if address := self._environment.get(name):
                return address
        if account := self._environment.get(f"{connection}__accountName"):
            return f"https://{account}.{service}.core.windows.net"
        check_connection(connection, self._environment)
        raise StartError(f"The settings of the connection '{connection}' name neither an account nor an address.")

    def _credential(self, connection: str) -> AsyncTokenCredential:
        # Imported only here: most local runs use connection strings, and it is slow to import.
        from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

        client_id = self._environment.get(f"{connection}__clientId")
        if self._environment.get(f"{connection}__credential", "").lower() == "managedidentity":
            credential: DefaultAzureCredential | ManagedIdentityCredential = ManagedIdentityCredential(
                client_id=client_id
            )
        else:
            credential = DefaultAzureCredential(managed_identity_client_id=client_id)
        self._stack.push_async_callback(credential.close)
        return credential
