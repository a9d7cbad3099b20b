"""What a process has read a moment ago, and believes for a moment more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

REMEMBERED = timedelta(seconds=2)


@dataclass(slots=True)
class TtlCache[T]:
    """Reads at most once in `remembered`, for all who ask at the same time together."""

    read: Callable[[], Awaitable[T]]
    remembered: timedelta = REMEMBERED
    _seen: tuple[datetime, T] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def at(self, now: datetime, is_usable: Callable[[T], bool] = lambda _: True) -> T:
        """What was read last, if that is young enough and to be believed; else what is read now."""
        async with self._lock:
            seen = self._seen
            if seen is not None and seen[0] > now - self.remembered and is_usable(seen[1]):
                return seen[1]
            value = await self.read()
            self.put(value, now)
            return value

    def put(self, value: T, now: datetime) -> None:
        """What was learned by writing it."""
        self._seen = (now, value)
