"""Transactions as the service takes them: one request with a part for each row.

The SDK makes each part a request of its own and each answer a message, which takes it most of the time that an import
spends on a guest. What is sent goes through the SDK all the same: its retries, its time-outs and its credentials.
Source: "Performing entity group transactions" of the Table service's REST API.
"""

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

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
