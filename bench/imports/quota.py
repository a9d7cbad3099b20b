"""Imports at the tenant's quota: what several benchmarks show."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

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

FILES = (
    "bench/imports/quota.py",
    "bench/imports/scene.py",
    "shared/pace/import_pace.py",
    "shared/imports/chunk.py",
    "local/simulator/throttling.py",
)
AREA = ("shared/imports", "shared/invitations", "shared/graph", "shared/storage")
GUESTS, WORKERS, LATENCY_MS, LOOP_GUESTS = 10_000, 4, 150, 150


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one import: the calls that it made and how many of them were answered 429. `done`: how many guests were done
    at what second of it."""

    guests: int
    ended: Ended
    calls: int
    throttled: int
    done: list[tuple[float, int]]

    @property
    def per_second(self) -> float:
        return self.guests / self.ended.seconds

    @property
    def share_throttled(self) -> float:
        return self.throttled / self.calls

    def per_second_between(self, since: float, until: float) -> float:
        """Guests per second between the looks that are nearest to two times."""
        first, last = (min(self.done, key=lambda look: abs(look[0] - time)) for time in (since, until))
        return (last[1] - first[1]) / (last[0] - first[0])


def limit(guests: int, share: float = 1.0) -> float:
    """Guests per second that the quota allows, or a share of it: a full bucket of writes, then what flows into it.

    Raises:
        ValueError: so few guests are less than the bucket holds: nothing limits them but the machine.
    """
    beyond = guests * WRITES_PER_GUEST - WRITES
    if beyond <= 0:
        raise ValueError("so few guests are less than the quota's burst: nothing limits them but the machine")
    return guests / (beyond / (share * WRITES / PERIOD_S))


@contextmanager
def scene() -> Iterator[Stack]:
    """A running product at the quota."""
    with Stack(workers=WORKERS, extra_settings=AT_THE_QUOTA) as stack:
        change_weather(stack, latency_ms=LATENCY_MS, quota=True)
        yield stack


async def measured(stack: Stack, guests: int) -> Figures:
    """Import so many guests."""
    before, done, since = calls(stack), list[tuple[float, int]](), time.perf_counter()

    def look(shown: Mapping[str, Any]) -> None:
        done.append((time.perf_counter() - since, int(shown["done"])))

    ended = await run_import(stack, csv_file(guests, "quota"), timeout_s=60 + guests / 5, seen=look)
    made = {call: n - before.get(call, 0) for call, n in calls(stack).items()}
    throttled = sum(n for (_, status), n in made.items() if status == 429)
    return Figures(guests, ended, sum(made.values()), throttled, done)


@cache
def with_a_loop(guests: int) -> tuple[Figures, float]:
    """An import, and the guests per second of the loop that people write. Measured once per process, however many
    benchmarks show it."""
    with scene() as stack:
        figures = asyncio.run(measured(stack, guests))
        return figures, asyncio.run(loops.sequential(stack, list(addresses(LOOP_GUESTS + 1, "loop"))))
