"""One table, with the SDK's errors in the domain's words; made when it is first found missing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from itertools import batched
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.core.errors import Conflict
from shared.storage.accounts import code_of, failure, translated
from shared.storage.transactions import Operation, Row, submit

if TYPE_CHECKING:
    from azure.data.tables import TableEntity

__all__ = [
    "Operation",
    "Row",
    "Table",
    "insert",
    "merge",
    "put",
    "remove",
    "replace",
    "upsert",
    "version_of",
]

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


def version_of(row: "TableEntity") -> str:
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

    async def get(self, partition: str, row_key: str) -> "TableEntity | None":
        with translated(ResourceNotFoundError):
            return await self._client.get_entity(partition, row_key)
        return None

    async def query(
        self, condition: str, parameters: dict[str, Any], page_size: int | None = None
    ) -> "AsyncIterator[TableEntity]":
        """Rows in the order of their keys, read page by page as they are asked for."""
        # The SDK fills parameters in word by word, and stumbles over two blanks in a row.
        condition = " ".join(condition.split())
        with translated(ResourceNotFoundError):
            async for row in self._client.query_entities(
                condition, parameters=parameters, results_per_page=page_size
            ):
                yield row

    async def rows_of(self, partition: str, keys: "Sequence[str]") -> "AsyncIterator[TableEntity]":
        """Those of some keys, which are sorted; a dozen a request. The service reads between the first and the last:
        sorted keys lie near each other."""
        for few in batched(keys, _KEYS_IN_FILTER, strict=False):
            names = {f"k{n}": key for n, key in enumerate(few)}
            any_of = " or ".join(f"RowKey eq @{name} " for name in names)
            condition = f"PartitionKey eq @partition and RowKey ge @first and RowKey le @last and ({any_of})"
            parameters = {"partition": partition, "first": few[0], "last": few[-1], **names}
            async for row in self.query(condition, parameters):
                yield row

    async def first(self, condition: str, parameters: dict[str, Any], limit: int) -> "tuple[list[TableEntity], bool]":
        """The first rows, up to so many, and whether there are more."""
        found: list[TableEntity] = []
        async for row in self.query(condition, parameters, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return found, True
            found.append(row)
        return found, False

    async def page(self, place: dict[str, str] | None) -> "tuple[list[TableEntity], dict[str, str] | None]":
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
