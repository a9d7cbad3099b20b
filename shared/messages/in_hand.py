"""The messages that this process works on, written down for as long as it does.

The host hides a message for ten minutes when it takes it. If the instance dies, that is how long its work would
stand still. So each process keeps one row a queue with what it has in hand, good for a short lease that it renews;
the sweeper sends again what nobody renews. A message that is sent again for nothing does no harm: steps are safe to
run twice, and at once.
"""

import asyncio
import contextlib
import contextvars
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
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

    @contextlib.asynccontextmanager
    async def holding(self, handler: str, message: str) -> AsyncIterator[None]:
        """Work on a message: it is written down before the work begins, and dropped after.

        Where storage does not take the row the work begins all the same: the host's own lease is left.
        """
        hand = self._handlers.get(handler)
        if hand is None:
            owner = f"{handler}-{self._process}"
            hand = self._handlers[handler] = _Hand(self._reminders, owner, self._lease)
        with hand.added(message):
            await hand.write()
            yield

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
        self._numbers = itertools.count(1)
        self._newest = 0
        self._written = 0
        self._writing = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def added(self, message: str) -> Iterator[None]:
        number = self._newest = next(self._numbers)
        self._messages[number] = message
        try:
            yield
        finally:
            # Not written: the row may name what is done until it is renewed or released.
            del self._messages[number]

    async def write(self) -> None:
        """Write the row down, once for all who wait for it at this moment."""
        wanted = self._newest
        async with self._writing:
            if self._written < wanted:
                await self._put()
        if self._renewal is None:
            # In no message's context: the renewal belongs to no trace.
            self._renewal = asyncio.create_task(self._renew(), context=contextvars.Context())

    async def _put(self) -> None:
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
                    await self._put()
                elif await self._released():
                    self._renewal = None
                    return

    async def _released(self) -> bool:
        try:
            await self._reminders.release(self._owner)
        except GuestlistError:
            return False
        return True

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewal
            self._renewal = None
