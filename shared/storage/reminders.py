"""Messages to send later, as rows: what waits for longer than a few minutes, and what an instance is working on.

A sleeping message would hold an instance: the platform's scaling counts invisible messages, too. And the message of
an instance that died stays invisible for the host's first lease, which is ten minutes and fixed. Both are a row with
the messages and a time; the sweeper sends what is due. An instance moves the time of its own rows on for as long as
it lives.

Source: azure-functions-host and azure-sdk-for-net, ``QueueListener`` (the lease) and ``QueueMetricsProvider`` (the
length of a queue).
"""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from azure.data.tables import TableEntity
from azure.data.tables.aio import TableServiceClient

from shared.storage.records import from_text, new_row, to_text
from shared.storage.table import Table, version_of

REMINDERS = "Reminders"
OPEN = "open"
_RANGE = "PartitionKey ge @first and PartitionKey lt @end"
_TAKE_OVER_EVERY_S = 3600.0
_WAITING, _HELD, _PARKED = "waiting", "held", "parked"
_NEVER = datetime.max.replace(microsecond=0, tzinfo=UTC)
"""What is parked is never due by itself."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """Messages (JSON text, as `encode_command` writes it) to send at `due`."""

    partition: str
    key: str
    version: str
    due: datetime
    messages: tuple[str, ...]

    @property
    def is_held(self) -> bool:
        """An instance was working on them; until `due` it still may be."""
        return self.partition == _HELD


class TableReminders:
    """All methods raise StorageBusy, or StorageRefused where a repeat would not help."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = Table(service, REMINDERS)

    async def wait(self, message: str, due: datetime) -> None:
        """Send a message at `due`. A repeat with the same message is one reminder."""
        key = f"{to_text(due)}-{hashlib.sha256(message.encode()).hexdigest()[:16]}"
        await self._write(_WAITING, key, due, [message])

    async def hold(self, owner: str, messages: Sequence[str], until: datetime) -> None:
        """Send the messages again at `until`, unless the owner moves that time on or releases them. Takes the place
        of what the owner held before."""
        await self._write(_HELD, owner, until, messages)

    async def release(self, owner: str) -> None:
        """The owner works on nothing any more. Safe to repeat."""
        await self._table.delete(_HELD, owner)

    async def park(self, name: str, message: str) -> None:
        """Keep a message until somebody asks for what is parked. Another of the same name takes its place."""
        await self._write(_PARKED, hashlib.sha256(name.encode()).hexdigest(), _NEVER, [message])

    async def list_parked(self) -> AsyncIterator[Reminder]:
        """All that is parked, in no order."""
        async for row in self._table.query("PartitionKey eq @parked", {"parked": _PARKED}):
            yield _reminder(row)

    async def list_due(self, before: datetime) -> AsyncIterator[Reminder]:
        """What is due before a time, in no order."""
        async for row in self._table.query("Due lt @before", {"before": to_text(before)}):
            yield _reminder(row)

    async def remove(self, reminder: Reminder) -> None:
        """Forget a reminder whose messages were sent; one that was moved on meanwhile stays. Safe to repeat."""
        await self._table.delete(reminder.partition, reminder.key, reminder.version)

    async def _write(self, partition: str, key: str, due: datetime, messages: Sequence[str]) -> None:
        text = msgspec.json.encode(messages).decode()
        await self._table.upsert(new_row(partition, key, Due=to_text(due), Messages=text))


def _reminder(row: TableEntity) -> Reminder:
    messages = tuple(msgspec.json.decode(row["Messages"], type=list[str]))
    return Reminder(row["PartitionKey"], row["RowKey"], version_of(row), from_text(row["Due"]), messages)


class TableOpenWork[Id: str | tuple[str, ...]]:
    """What of one kind has not ended, as reminders to look at it: rows beside those that hold messages.

    Older versions kept them in the tables of what they are about; those rows are taken over. `old` is that table,
    `old_partition` what its partitions there begin with, and `read_old` gives what such a row stands for.
    """

    def __init__(
        self,
        service: TableServiceClient,
        kind: str,
        *,
        old: str,
        read_old: Callable[[dict[str, Any]], Id],
        old_partition: str = OPEN,
    ) -> None:
        self._reminders = Table(service, REMINDERS)
        self._kind = f"{OPEN}-{kind}-"
        self._old, self._old_partition, self._read_old = Table(service, old), old_partition, read_old
        self._take_over_at = 0.0

    async def open(self, id_: Id, look_at: datetime) -> None:
        partition, key = self._place(id_)
        await self._reminders.upsert(new_row(partition, key, LookAt=to_text(look_at)))

    async def close(self, id_: Id) -> None:
        await self._reminders.delete(*self._place(id_))

    async def list_open(self, *, due_before: datetime) -> AsyncIterator[Id]:
        await self._take_over()
        keys = {"first": self._kind, "end": f"{self._kind}~", "before": to_text(due_before)}
        async for row in self._reminders.query(f"{_RANGE} and LookAt lt @before", keys):
            parts = tuple(str(row["RowKey"]).split("_"))
            yield cast(Id, parts[0] if len(parts) == 1 else parts)

    def _place(self, id_: Id) -> tuple[str, str]:
        """One of sixteen partitions, by the last digit of an id: what is opened and closed often is no hot spot."""
        key = id_ if isinstance(id_, str) else "_".join(id_)
        return f"{self._kind}{key[-1]}", key

    async def _take_over(self) -> None:
        """Once in a while, as instances of an older version may run on beside this one for some minutes."""
        if time.monotonic() < self._take_over_at:
            return
        keys = {"first": self._old_partition, "end": f"{self._old_partition}~"}
        async for row in self._old.query(_RANGE, keys):
            await self.open(self._read_old(row), from_text(row["LookAt"]))
            # Where it was moved on meanwhile, it stays for the next time.
            await self._old.delete(row["PartitionKey"], row["RowKey"], version_of(row))
        self._take_over_at = time.monotonic() + _TAKE_OVER_EVERY_S
