"""The storage account that a command works on: found by name, with the sign-in of whoever runs it, or by a connection
string, as Azurite has one."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from infra.tables.problems import Problem, explain

SUFFIX = "core.windows.net"
"""Of the public cloud; national clouds have others."""
# Nobody waits for an answer here: patience is cheaper than a run that breaks off.
_RETRIES: dict[str, Any] = {"retry_total": 8}
_BLOBS: dict[str, Any] = {"max_single_put_size": 1_000_000, "max_block_size": 1_000_000}
"""Bytes of a file that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    tables: TableServiceClient
    blobs: BlobServiceClient


@asynccontextmanager
async def connect(name: str | None, connection: str | None, suffix: str = SUFFIX) -> AsyncIterator[Account]:
    """The account of a name, or of a connection string.

    Raises:
        Problem: in the words of whoever runs the command, for every error of the service within the block, too.
    """
    async with AsyncExitStack() as exits:
        account = await _open(exits, name, connection, suffix)
        try:
            yield account
        except (AzureError, ExceptionGroup) as e:
            match _first(e):
                case AzureError() as error:
                    raise explain(error, account.name) from e
                case Problem() as problem:
                    raise problem from e
            raise


async def _open(exits: AsyncExitStack, name: str | None, connection: str | None, suffix: str) -> Account:
    if connection is not None:
        try:
            tables = TableServiceClient.from_connection_string(connection, **_RETRIES)
            blobs = BlobServiceClient.from_connection_string(connection, **_RETRIES, **_BLOBS)
        except ValueError as e:
            raise Problem(f"This is no connection string of a storage account: {e}") from e
    else:
        if name is None or not re.fullmatch("[a-z0-9]{3,24}", name):
            raise Problem(f"'{name}' is no name of a storage account: 3 to 24 small letters and digits.")
        from azure.identity.aio import DefaultAzureCredential

        credential = await exits.enter_async_context(DefaultAzureCredential())
        tables = TableServiceClient(f"https://{name}.table.{suffix}", credential=credential, **_RETRIES)
        blobs = BlobServiceClient(f"https://{name}.blob.{suffix}", credential=credential, **_RETRIES, **_BLOBS)
    await exits.enter_async_context(tables)
    await exits.enter_async_context(blobs)
    return Account(str(tables.account_name), tables, blobs)


def _first(error: Exception) -> Exception:
    """Of several that happened side by side."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
