"""One table, with the SDK's errors in the domain's words; made when it is first found missing.

Transactions are one request with a part for each row. The SDK makes each part a request of its own and each answer a
message, which takes it most of the time that an import spends on a guest. What is sent goes through the SDK all the
same: its retries, its time-outs and its credentials. Source: "Performing entity group transactions" of the Table
service's REST API.
"""

import json
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.core.errors import Conflict
from shared.storage.accounts import code_of, failure, translated

type Row = dict[str, Any]


class Operation(NamedTuple):
    """`version`: the row's, which it must still have; `*` where it only has to be there."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    row: Row
    version: str | None = None


_BOUNDARY = re.compile(rb"boundary=(changesetresponse_[^\s;]+)")
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_VERSION = re.compile(rb"\r\nETag: *([^\r\n]+)", re.IGNORECASE)
_CODE = re.compile(rb'"code" *: *"(\w+)"')
_INT32 = range(-(2**31), 2**31)
_CONFLICTS = {
    "EntityAlreadyExists",
    "UpdateConditionNotSatisfied",
    "ConditionNotMet",
    # A row that was to be replaced is gone.
    "ResourceNotFound",
    "EntityNotFound",
}
_TABLE_MISSING = "TableNotFound"
_OF_TRANSACTION = 100
_KEYS_IN_FILTER = 12
"""A filter may compare fifteen times; three name the partition, the first key and the last."""


def version_of(row: TableEntity) -> str:
    return str(row.metadata["etag"])


def insert(row: Row) -> Operation:
    return Operation("POST", row)


def replace(row: Row, version: str) -> Operation:
    """Replace a row that still has that version."""
    return Operation("PUT", row, version)


def put(row: Row, version: str | None) -> Operation:
    """Replace a row that still has that version, or write one that was not there (None)."""
    return replace(row, version) if version else insert(row)


def upsert(row: Row) -> Operation:
    """Write a row whatever was there."""
    return Operation("PUT", row)


def merge(row: Row) -> Operation:
    """Write these columns; others of a row that is there stay."""
    return Operation("PATCH", row)


def remove(partition: str, row_key: str, version: str = "*") -> Operation:
    """Delete a row that is there, whatever its version, or only in this one."""
    return Operation("DELETE", {"PartitionKey": partition, "RowKey": row_key}, version)


class Table:
    """All methods raise StorageBusy, or StorageRefused where a repeat would not help."""

    def __init__(self, service: TableServiceClient, name: str) -> None:
        self._client: TableClient = service.get_table_client(name)

    async def get(self, partition: str, row_key: str) -> TableEntity | None:
        with translated(ResourceNotFoundError):
            return await self._client.get_entity(partition, row_key)
        return None

    async def query(
        self, condition: str, parameters: dict[str, Any], page_size: int | None = None
    ) -> AsyncIterator[TableEntity]:
        """Rows in the order of their keys, read page by page as they are asked for."""
        # The SDK fills parameters in word by word, and stumbles over two blanks in a row.
        condition = " ".join(condition.split())
        with translated(ResourceNotFoundError):
            async for row in self._client.query_entities(
                condition, parameters=parameters, results_per_page=page_size
            ):
                yield row

    async def rows_of(self, partition: str, keys: Sequence[str]) -> AsyncIterator[TableEntity]:
        """Those of some keys, which are sorted; a dozen a request. The service reads between the first and the last:
        sorted keys lie near each other."""
        for few in batched(keys, _KEYS_IN_FILTER, strict=False):
            names = {f"k{n}": key for n, key in enumerate(few)}
            any_of = " or ".join(f"RowKey eq @{name} " for name in names)
            condition = f"PartitionKey eq @partition and RowKey ge @first and RowKey le @last and ({any_of})"
            parameters = {"partition": partition, "first": few[0], "last": few[-1], **names}
            async for row in self.query(condition, parameters):
                yield row

    async def first(self, condition: str, parameters: dict[str, Any], limit: int) -> tuple[list[TableEntity], bool]:
        """The first rows, up to so many, and whether there are more."""
        found: list[TableEntity] = []
        async for row in self.query(condition, parameters, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return found, True
            found.append(row)
        return found, False

    async def page(self, place: dict[str, str] | None) -> tuple[list[TableEntity], dict[str, str] | None]:
        """A page of the whole table, as large as the service makes it, and where the next one begins."""
        pages = self._client.list_entities().by_page(continuation_token=place)  # type: ignore[arg-type]
        with translated(ResourceNotFoundError):
            async for page in pages:
                # The client's own annotation is of other services: this one's token is two keys.
                return [row async for row in page], pages.continuation_token  # type: ignore[attr-defined]
        return [], None

    async def forget(self, partition: str, first: str, end: str, limit: int) -> bool:
        """Delete rows of a partition from a key up to another (not included), up to so many; true where none is
        left."""
        keys = {"partition": partition, "first": first, "end": end}
        condition = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end"
        found, more = await self.first(condition, keys, limit)
        for start in range(0, len(found), _OF_TRANSACTION):
            try:
                few = found[start : start + _OF_TRANSACTION]
                await self.write([remove(partition, row["RowKey"]) for row in few])
            except Conflict:
                return False  # Another deletes, too: what is left shows the next time.
        return not more

    async def write(self, operations: Sequence[Operation]) -> list[str]:
        """All or nothing, in one partition; gives the new versions.

        Raises:
            Conflict: a row was there already, is gone, or has another version.
            StorageBusy: nothing is known to have been written.
            StorageRefused: a repeat would not help.

        The SDK repeats a write that was answered with a 5xx. Where the first try had gone through, the repeat
        ends as Conflict: whoever gets one reads again.
        """
        try:
            try:
                return await submit(self._client, operations)
            except HttpResponseError as e:
                if code_of(e) != _TABLE_MISSING:
                    raise
                await self._make()
                return await submit(self._client, operations)
        except AzureError as e:
            code = code_of(e)
            if code in _CONFLICTS or getattr(e, "status_code", None) == 412:
                raise Conflict(f"a row changed ({code})") from e
            raise failure(e) from e

    async def insert_missing(self, rows: Sequence[Row]) -> None:
        """Write those that are not there, of one partition; what is there stays. All raise as `write` does."""
        for start in range(0, len(rows), _OF_TRANSACTION):
            few = rows[start : start + _OF_TRANSACTION]
            try:
                await self.write([insert(row) for row in few])
            except Conflict:
                # Some are there: a transaction is all or nothing.
                for row in few:
                    with suppress(Conflict):
                        await self.write([insert(row)])

    async def upsert(self, row: Row) -> None:
        """Write a row whatever was there."""
        with translated():
            try:
                await self._client.upsert_entity(row, mode=UpdateMode.REPLACE)
            except ResourceNotFoundError:
                await self._make()
                await self._client.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def update(self, row: Row) -> None:
        """Replace a row if it is there, whatever its version."""
        with translated(ResourceNotFoundError):
            await self._client.update_entity(row, mode=UpdateMode.REPLACE)

    async def delete(self, partition: str, row_key: str, version: str | None = None) -> None:
        """Delete a row; one that is gone, or has another version than asked for, is left alone."""
        condition = MatchConditions.IfNotModified if version else None
        with translated(ResourceNotFoundError, ResourceModifiedError):
            try:
                await self._client.delete_entity(partition, row_key, etag=version, match_condition=condition)
            except HttpResponseError as e:
                if e.status_code != 412:
                    raise

    async def _make(self) -> None:
        with suppress(ResourceExistsError):
            await self._client.create_table()


async def submit(client: TableClient, operations: Sequence[Operation]) -> list[str]:
    """All or nothing; gives the new versions, empty for what was deleted. Raises AzureError, with the service's
    code."""
    if not operations:
        return []
    if len({operation.row["PartitionKey"] for operation in operations}) > 1:
        raise ValueError("a transaction has rows of one partition")
    batch, changes = f"batch_{secrets.token_hex(16)}", f"changeset_{secrets.token_hex(16)}"
    table = f"{client.url}/{client.table_name}"
    parts = b"".join(_part(table, changes, number, operation) for number, operation in enumerate(operations))
    head = f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n"
    request = HttpRequest(
        "POST",
        f"{client.url}/$batch",
        headers={
            "Content-Type": f"multipart/mixed; boundary={batch}",
            "Accept": "application/json",
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
            "x-ms-version": client.api_version,
        },
        content=head.encode() + parts + f"--{changes}--\r\n--{batch}--\r\n".encode(),
    )
    # What the SDK sends its own transactions by. It knows no content of several parts, so it must not read it.
    response = await client._client.send_request(request, stream=True)
    content: bytes = await response.read()
    if response.status_code != 202:
        error = HttpResponseError(response=response)
        raise _with_code(error, content, response.headers.get("x-ms-error-code"))
    boundary = _BOUNDARY.search(content)
    answers = content.split(b"--" + boundary[1])[1:-1] if boundary else []
    versions = []
    for answer in answers:
        found = _STATUS.search(answer)
        status = int(found[1]) if found else 0
        if not 200 <= status < 300:
            refused = HttpResponseError(f"a row's operation was answered {status}")
            refused.status_code = status
            raise _with_code(refused, answer, None)
        version = _VERSION.search(answer)
        versions.append(version[1].decode() if version else "")
    if len(versions) != len(operations):
        raise HttpResponseError(f"{len(operations)} operations were answered by {len(versions)} parts")
    return versions


def _part(table: str, boundary: str, number: int, operation: Operation) -> bytes:
    method, row, version = operation
    url, body = table, b""
    headers = ["Accept: application/json;odata=minimalmetadata", "DataServiceVersion: 3.0"]
    if method == "POST":
        headers.append("Prefer: return-no-content")
    else:
        url = f"{table}(PartitionKey='{_key(row['PartitionKey'])}',RowKey='{_key(row['RowKey'])}')"
    if version is not None:
        headers.append(f"If-Match: {version}")
    if method != "DELETE":
        # In ASCII, as the SDK does: a part that holds a line separator of Unicode is not read everywhere.
        body = json.dumps(_columns(row)).encode()
        headers += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: {number}\r\n\r\n"
        f"{method} {url} HTTP/1.1\r\n"
    )
    return f"{head}{'\r\n'.join(headers)}\r\n\r\n".encode() + body + b"\r\n"


def _key(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def _columns(row: Row) -> Row:
    """As JSON says it; a number with a point needs its type, as it may have none after it."""
    found: Row = {}
    for name, value in row.items():
        match value:
            case None:
                continue
            case bool() | str():
                pass
            case int() if value in _INT32:
                pass
            case float():
                found[f"{name}@odata.type"] = "Edm.Double"
            case _:
                raise TypeError(f"no column holds {name}: {type(value).__name__}")
        found[name] = value
    return found


def _with_code(error: HttpResponseError, content: bytes, code: str | None) -> HttpResponseError:
    found = _CODE.search(content)
    error.error_code = found[1].decode() if found else code  # type: ignore[attr-defined]
    return error
