"""Records of the domain as rows: as JSON in one column, or each field in a column of its own."""

import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, cast

import msgspec
from azure.data.tables import TableEntity

from shared.core.errors import GuestlistError
from shared.core.versions import Versioned
from shared.storage.table import Row, Table, put, version_of

SCHEMA = 1
"""Of the rows written here. It grows only where an older version of this code must not read a row; a column
more is no new schema."""


class UnreadableRow(GuestlistError):
    """A row written by a newer version of this code, that this one would misread."""


def to_text(time: datetime) -> str:
    """Sorts as time does, and comes back a plain datetime: the SDK reads the service's dates as a type of its own."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)


def new_row(partition: str, key: str, **columns: Any) -> Row:
    return {"PartitionKey": partition, "RowKey": key, "SchemaVersion": SCHEMA, **columns}


def record_row(partition: str, key: str, record: Any, **columns: Any) -> Row:
    """A record as JSON in one column, beside others."""
    return new_row(partition, key, Record=_json(record), **columns)


def read_record[T](row: TableEntity, kind: type[T]) -> T:
    """Raises UnreadableRow where a newer version has written it."""
    require_known(row)
    return msgspec.json.decode(row["Record"], type=kind)


def require_known(row: Mapping[str, Any]) -> None:
    """Raises UnreadableRow."""
    if row["SchemaVersion"] > SCHEMA:
        raise UnreadableRow(f"row {row['RowKey']} has schema {row['SchemaVersion']}; this code reads up to {SCHEMA}")


def versioned_record[T](row: TableEntity, kind: type[T]) -> Versioned[T]:
    return Versioned(read_record(row, kind), version_of(row))


async def read_versioned[T](table: Table, partition: str, key: str, kind: type[T]) -> Versioned[T] | None:
    row = await table.get(partition, key)
    return versioned_record(row, kind) if row is not None else None


async def save_versioned[T](table: Table, record: Versioned[T], row: Row) -> Versioned[T]:
    """Write the record as that row. Raises Conflict where it has another version than the one read."""
    [version] = await table.write([put(row, record.version)])
    return Versioned(record.value, version)


class Columns[T]:
    """A kind of records with a column for each field: `display_name` is `DisplayName`, unless `spelled` says
    otherwise. What is None has no column, nor has a text that is empty as by default. What is no text, number,
    time or choice is JSON, as `json` writes and reads it where the type alone does not say. Fields in `beside` are
    the caller's: what of them is in the keys, and what takes several columns.
    """

    def __init__(
        self,
        kind: type[T],
        *,
        spelled: Mapping[str, str] | None = None,
        json: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] | None = None,
        beside: Collection[str] = (),
    ) -> None:
        self.kind, self._spelled, self._json, self._beside = kind, spelled or {}, json or {}, beside

    @cached_property
    def names(self) -> dict[str, str]:
        """The column of each field."""
        own = [f.name for f in fields(cast("Any", self.kind)) if f.name not in self._beside]
        return {name: self._spelled.get(name) or name.title().replace("_", "") for name in own}

    @cached_property
    def _ways(self) -> list[tuple[str, str, Callable[[Any], Any], Callable[[Any], Any]]]:
        """Of each field: its column, how it is written, and how it is read."""
        hints = typing.get_type_hints(self.kind)
        return [(name, column, *self._way(name, _plain(hints[name]))) for name, column in self.names.items()]

    @cached_property
    def _empty_by_default(self) -> frozenset[str]:
        return frozenset(f.name for f in fields(cast("Any", self.kind)) if f.default == "")

    @cached_property
    def _without_default(self) -> dict[str, None]:
        own = [f for f in fields(cast("Any", self.kind)) if f.name in self.names]
        return {f.name: None for f in own if f.default is MISSING and f.default_factory is MISSING}

    def _way(self, name: str, kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        if name in self._json:
            write, read = self._json[name]
            return lambda value: _json(write(value)), lambda text: read(msgspec.json.decode(text))
        if not isinstance(kind, type) or is_dataclass(kind):
            return _json, partial(msgspec.json.decode, type=kind)
        if issubclass(kind, Enum):
            return attrgetter("value"), kind
        if issubclass(kind, datetime):
            return to_text, from_text
        return (date.isoformat, date.fromisoformat) if issubclass(kind, date) else (kind, kind)

    def to_columns(self, record: T) -> Row:
        found: Row = {}
        for name, column, write, _ in self._ways:
            value = getattr(record, name)
            if value is not None and (value != "" or name not in self._empty_by_default):
                found[column] = write(value)
        return found

    def from_columns(self, row: Mapping[str, Any], **beside: Any) -> T:
        """Columns that this code does not know are passed over. Raises UnreadableRow."""
        require_known(row)
        found: dict[str, Any] = beside | self._without_default
        for name, column, _, read in self._ways:
            value = row.get(column)
            if value is not None:
                found[name] = read(value)
        return self.kind(**found)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _plain(hint: Any) -> Any:
    """The type behind an optional one, or behind a new name for one."""
    if isinstance(hint, typing.NewType):
        return _plain(hint.__supertype__)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        [hint] = [each for each in typing.get_args(hint) if each is not types.NoneType]
        return _plain(hint)
    return hint
