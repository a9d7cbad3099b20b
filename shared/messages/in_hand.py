"""The messages that this process works on, written down for as long as it does.

The host hides a message for ten minutes when it takes it. If the instance dies, that is how long its work would
stall. So each process keeps one row a queue with what it has in hand, good for a short lease that it renews;
the sweeper sends again what nobody renews. A message that is sent again for nothing does no harm: steps are safe to
run twice, and at once.
"""

import asyncio
import contextvars
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from shared.core.errors import GuestlistError
from shared.storage.reminders import TableReminders

log = logging.getLogger("guestlist")


class MessagesInHand:
    """What the handlers of one process work on. Belongs to the event loop it is first used in."""

    def __init__(self, reminders: TableReminders, lease: timedelta) -> None:
        self._reminders = reminders
        self._lease = lease
        self._process = secrets.token_hex(8)
        self._handlers: dict[str, _Hand] = {}

    def holding(self, handler: str, message: str) -> AbstractAsyncContextManager[None]:
        """Work on a message: it is written down before the work begins, and dropped after.

        Where storage does not take the row the work begins all the same: the host's own lease is left.
        """
        if handler not in self._handlers:
            self._handlers[handler] = _Hand(self._reminders, f"{handler}-{self._process}", self._lease)
        return self._handlers[handler].holding(message)

    async def close(self) -> None:
        """Stop renewing; what is held is sent again when its lease ends."""
        for hand in self._handlers.values():
            await hand.close()


class _Hand:
    """One row: the messages of one handler."""

    def __init__(self, reminders: TableReminders, owner: str, lease: timedelta) -> None:
        self._reminders = reminders
        self._owner = owner
        self._lease = lease
        self._messages: dict[int, str] = {}
        self._newest = self._written = 0
        """Numbers of messages."""
        self._writing = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def holding(self, message: str) -> AsyncIterator[None]:
        self._newest += 1
        number = self._newest
        self._messages[number] = message
        try:
            # Once for all who wait for it at this moment.
            async with self._writing:
                if self._written < number:
                    await self._write()
            if self._renewal is None:
                # In no message's context: the renewal belongs to no trace.
                self._renewal = asyncio.create_task(self._renew(), context=contextvars.Context())
            yield
        finally:
            # Not written: the row may name what is done until it is renewed or released.
            del self._messages[number]

    async def _write(self) -> None:
        newest = self._newest
        try:
            await self._reminders.hold(self._owner, list(self._messages.values()), datetime.now(UTC) + self._lease)
        except GuestlistError as e:
            log.warning("what %s works on could not be written down: %s", self._owner, e)
        else:
            self._written = newest

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            async with self._writing:
                if self._messages:
                    await self._write()
                    continue
                with suppress(GuestlistError):
                    await self._reminders.release(self._owner)
                    self._renewal = None
                    return

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewal
            self._renewal = None
