"""One import at the tenant's quota and, in the same run, the loop that people write: what two benchmarks show."""

import asyncio
from dataclasses import dataclass
from functools import cache

from bench.imports import loops
from bench.imports.files import addresses, csv_file
from bench.imports.scene import (
    AT_THE_QUOTA,
    PERIOD_S,
    WRITES,
    WRITES_PER_GUEST,
    Ended,
    calls,
    change_weather,
    run_import,
)
from local.stack import Stack

GUESTS, WORKERS, LATENCY_MS, LOOP_GUESTS = 10_000, 4, 150, 150


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run: the import, the calls that it made and how many of them were answered 429, and the loop's guests
    per second."""

    guests: int
    ended: Ended
    calls: int
    throttled: int
    loop: float

    @property
    def per_second(self) -> float:
        return self.guests / self.ended.seconds

    @property
    def limit(self) -> float:
        """Guests per second that the quota allows: a full bucket of writes first, then what flows into it."""
        writes = self.guests * WRITES_PER_GUEST
        seconds = max(0.0, writes - WRITES) / (WRITES / PERIOD_S)
        return self.guests / seconds if seconds else float("inf")


@cache
def figures(guests: int) -> Figures:
    """Measured once per process, however many benchmarks show it."""
    with Stack(workers=WORKERS, extra_settings=AT_THE_QUOTA) as stack:
        change_weather(stack, latency_ms=LATENCY_MS, quota=True)
        before = calls(stack)
        ended = asyncio.run(run_import(stack, csv_file(guests, "quota"), timeout_s=60 + guests / 10))
        made = {call: n - before.get(call, 0) for call, n in calls(stack).items()}
        loop = asyncio.run(loops.sequential(stack, list(addresses(LOOP_GUESTS + 1, "loop"))))
    throttled = sum(n for (_, status), n in made.items() if status == 429)
    return Figures(guests, ended, sum(made.values()), throttled, loop)
