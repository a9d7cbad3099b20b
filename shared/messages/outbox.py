"""The outbox on Azure Queue Storage. What waits for longer than a few minutes waits as a row."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from math import ceil

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.messages.commands import Command
from shared.messages.registry import MESSAGES, Messages, UnreadableMessage
from shared.storage.accounts import translated
from shared.storage.reminders import Reminder, TableReminders
from shared.telemetry import spans

log = logging.getLogger("guestlist")

LONGEST_SLEEP = timedelta(minutes=5)
"""How long a message may be invisible. A longer wait is a reminder: the platform's scaling counts invisible messages,
and would keep an instance for each sleeper."""
NEVER = -1
"""Time to live of a message: a parked one must not vanish after the default of seven days."""
_AT_ONCE = 16


class QueueOutbox:
    """Sends commands to the queues that the triggers listen on, base64 as the Functions host expects."""

    def __init__(self, service: QueueServiceClient, reminders: TableReminders, messages: Messages = MESSAGES) -> None:
        self._messages = messages
        self._queues: dict[str, QueueClient] = {
            name: service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy())
            for name in messages.queues
        }
        self._service = service
        self._reminders = reminders

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        """Raises StorageRefused as well: a repeat would not help."""
        name = self._messages.queue_of(command)
        with spans.sending(name):
            # The message carries the trace on: whoever takes it works within this span.
            body = self._messages.encode(command, spans.traceparent()).decode()
            if not_before is not None and not_before - datetime.now(UTC) > LONGEST_SLEEP:
                await self._reminders.wait(body, not_before)
            else:
                await self._put(name, body, not_before)

    async def park(self, command: Command) -> None:
        # Named without the trace: a command that is sent again and again while all is stopped is kept once.
        name = self._messages.encode(command, None).decode()
        await self._reminders.park(name, self._messages.encode(command, spans.traceparent()).decode())

    async def send_parked(self) -> int:
        parked = [reminder async for reminder in self._reminders.list_parked()]
        for few in batched(parked, _AT_ONCE, strict=False):
            await asyncio.gather(*(self._fulfil(reminder, None) for reminder in few))
        return sum(len(reminder.messages) for reminder in parked)

    async def send_due(self) -> int:
        """Send what reminders say is due: long waits that end within minutes, and what an instance had in hand that
        has not renewed its lease. Gives how many messages were sent.

        Safe to repeat and to run twice at once: a reminder is removed after its messages were sent, and messages may
        come twice. Raises StorageBusy: storage does not answer; what is left is sent the next time."""
        now = datetime.now(UTC)
        due = [r async for r in self._reminders.list_due(now + LONGEST_SLEEP) if r.due <= now or not r.is_held]
        for few in batched(due, _AT_ONCE, strict=False):
            await asyncio.gather(*(self._fulfil(reminder, reminder.due) for reminder in few))
        return sum(len(reminder.messages) for reminder in due)

    async def _fulfil(self, reminder: Reminder, not_before: datetime | None) -> None:
        for message in reminder.messages:
            try:
                name = self._messages.queue_of(self._messages.decode(message.encode()))
            except UnreadableMessage as e:
                log.warning("a reminder cannot be read: %s", e)
                if reminder.is_held:
                    continue  # The message itself is on its queue still.
                return  # A newer version wrote it, before a roll back: it is left for that version.
            await self._put(name, message, not_before)
        await self._reminders.remove(reminder)

    async def _put(self, name: str, body: str, not_before: datetime | None) -> None:
        queue, wait = self._queues[name], timedelta()
        if not_before is not None:
            wait = max(not_before - datetime.now(UTC), timedelta())

        async def put() -> None:
            await queue.send_message(body, visibility_timeout=ceil(wait.total_seconds()), time_to_live=NEVER)

        with translated():
            try:
                await put()
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    await queue.create_queue()
                await put()

    async def close(self) -> None:
        await self._service.close()
