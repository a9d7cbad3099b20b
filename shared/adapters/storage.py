"""Connections to storage, found in the settings as the Functions host finds those of a binding."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.domain.errors import GuestlistError, StorageBusy

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import AzureError
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.queue.aio import QueueServiceClient

CONNECTION = "GuestlistStorage"
_RETRIES: dict[str, Any] = {"retry_total": 3, "retry_backoff_factor": 0.3, "retry_backoff_max": 3}
"""The SDK's own retries are short: the queue brings the work back."""


class StorageNotSet(GuestlistError):
    """No connection to storage can be found in the settings."""

    def __init__(self, name: str, service: str) -> None:
        super().__init__(
            f"set {name} to a connection string, or {name}__{service}ServiceUri (or {name}__accountName) to use "
            "an identity"
        )


def table_service(env: Mapping[str, str], name: str = CONNECTION) -> "TableServiceClient":
    """The tables of a connection; raises StorageNotSet."""
    from azure.data.tables.aio import TableServiceClient

    if text := env.get(name):
        return TableServiceClient.from_connection_string(text, **_RETRIES)
    return TableServiceClient(endpoint=_uri(env, name, "table"), credential=_credential(env, name), **_RETRIES)


def queue_service(env: Mapping[str, str], name: str = CONNECTION) -> "QueueServiceClient":
    """The queues of a connection; raises StorageNotSet."""
    from azure.storage.queue.aio import QueueServiceClient

    if text := env.get(name):
        return QueueServiceClient.from_connection_string(text, **_RETRIES)
    return QueueServiceClient(_uri(env, name, "queue"), credential=_credential(env, name), **_RETRIES)


def _uri(env: Mapping[str, str], name: str, service: str) -> str:
    if uri := env.get(f"{name}__{service}ServiceUri"):
        return uri
    if account := env.get(f"{name}__accountName"):
        return f"https://{account}.{service}.core.windows.net"
    raise StorageNotSet(name, service)


def _credential(env: Mapping[str, str], name: str) -> "AsyncTokenCredential":
    from shared.adapters.identity.credentials import app_credential

    return app_credential(env.get(f"{name}__clientId") or None)


def busy(error: "AzureError") -> StorageBusy:
    """What storage said, without addresses or keys."""
    code = getattr(error, "error_code", None) or getattr(error, "status_code", None) or type(error).__name__
    return StorageBusy(f"storage did not take the operation ({code})")
