"""Messages to send later, as rows: what waits for longer than a few minutes, and what an instance is working on.

A sleeping message would hold an instance: the platform's scaling counts invisible messages, too. And the message of
an instance that died stays invisible for the host's first lease, which is ten minutes and fixed. Both are a row with
the messages and a time; the sweeper sends what is due. An instance moves the time of its own rows on for as long as
it lives.

Source: azure-functions-host and azure-sdk-for-net, ``QueueListener`` (the lease) and ``QueueMetricsProvider`` (the
length of a queue).
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from shared.storage.records import from_text, new_row, to_text
from shared.storage.table import Table, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

REMINDERS = "Reminders"
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

    def __init__(self, service: "TableServiceClient") -> None:
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


def _reminder(row: "TableEntity") -> Reminder:
    messages = tuple(msgspec.json.decode(row["Messages"], type=list[str]))
    return Reminder(row["PartitionKey"], row["RowKey"], version_of(row), from_text(row["Due"]), messages)
