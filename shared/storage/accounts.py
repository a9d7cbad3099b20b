"""Connections to storage, found in the settings as the Functions host finds those of a binding, and what
storage's errors mean."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.core.errors import GuestlistError, StorageBusy

type CredentialOf = Callable[[str | None], AsyncTokenCredential]

CONNECTION = "GuestlistStorage"

# The SDK's own patience is short: a caller is told to come back, and the queue brings work back by itself.
_TIMEOUTS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 10}
"""In seconds. The SDK's own are minutes (tables: 300 s), longer than the load balancer lets a request live."""
_TABLES: dict[str, Any] = {"retry_total": 3, "retry_backoff_factor": 0.3, "retry_backoff_max": 3, **_TIMEOUTS}
_QUEUES: dict[str, Any] = {
    "retry_total": 3,
    "initial_backoff": 0.3,
    "increment_base": 1,
    "random_jitter_range": 0.3,
    **_TIMEOUTS,
}
"""The queues' client names its retries otherwise; its own first wait is 15 s."""

_NEVER = frozenset({400, 401, 403, 405, 411, 413, 414, 415})
"""Statuses that a repeat does not change: a role is missing, or the operation itself is wrong."""


class StorageNotSet(GuestlistError):
    """No connection to storage can be found in the settings."""

    def __init__(self, name: str, service: str) -> None:
        super().__init__(
            f"set {name} to a connection string, or {name}__{service}ServiceUri (or {name}__accountName) to use "
            "an identity"
        )


class StorageRefused(GuestlistError):
    """Storage refused for good: the identity lacks a role (403), or the operation is wrong. Not for callers to
    fix: somebody must look at the logs."""


def table_service(
    env: Mapping[str, str], name: str = CONNECTION, credential_of: CredentialOf | None = None
) -> TableServiceClient:
    """The tables of a connection. `credential_of` makes the credential of a client id (None: the system's own).
    Raises StorageNotSet: there is no such connection."""
    if text := env.get(name):
        return TableServiceClient.from_connection_string(text, **_TABLES)
    uri = _uri(env, name, "table")
    return TableServiceClient(endpoint=uri, credential=_credential(env, name, credential_of), **_TABLES)


def queue_service(
    env: Mapping[str, str], name: str = CONNECTION, credential_of: CredentialOf | None = None
) -> QueueServiceClient:
    """The queues of a connection; else as `table_service`."""
    if text := env.get(name):
        return QueueServiceClient.from_connection_string(text, **_QUEUES)
    return QueueServiceClient(_uri(env, name, "queue"), credential=_credential(env, name, credential_of), **_QUEUES)


def blob_service(
    env: Mapping[str, str], name: str = CONNECTION, credential_of: CredentialOf | None = None
) -> BlobServiceClient:
    """The blobs of a connection; else as `table_service`."""
    if text := env.get(name):
        return BlobServiceClient.from_connection_string(text, **_QUEUES)
    return BlobServiceClient(_uri(env, name, "blob"), credential=_credential(env, name, credential_of), **_QUEUES)


def _uri(env: Mapping[str, str], name: str, service: str) -> str:
    if uri := env.get(f"{name}__{service}ServiceUri"):
        return uri
    if account := env.get(f"{name}__accountName"):
        return f"https://{account}.{service}.core.windows.net"
    raise StorageNotSet(name, service)


def _credential(env: Mapping[str, str], name: str, credential_of: CredentialOf | None) -> AsyncTokenCredential:
    if credential_of is None:
        from shared.identity.credentials import app_credential

        credential_of = app_credential
    return credential_of(env.get(f"{name}__clientId") or None)


class translated:
    """``with translated(…):`` storage's errors in the domain's words, those that are `harmless` left out. Raises
    StorageBusy, StorageRefused."""

    def __init__(self, *harmless: type[AzureError]) -> None:
        self._harmless = harmless

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, AzureError) and not isinstance(error, self._harmless):
            raise failure(error) from error
        return isinstance(error, self._harmless)


def failure(error: AzureError) -> StorageBusy | StorageRefused:
    """What storage's error means, without addresses or keys: StorageBusy where a repeat may help."""
    status = getattr(error, "status_code", None)
    code = code_of(error) or status or type(error).__name__
    if status in _NEVER:
        return StorageRefused(f"storage refused the operation ({code})")
    response = getattr(error, "response", None)
    after = response.headers.get("Retry-After", "") if response is not None else ""
    return StorageBusy(
        f"storage did not take the operation ({code})",
        retry_after=timedelta(seconds=int(after)) if after.isdecimal() else None,
    )


def code_of(error: AzureError) -> str:
    """Storage's own code of an error, such as `EntityAlreadyExists`; empty where it gave none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")
