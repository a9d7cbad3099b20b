"""A single invitation's time to `member`: with the system at rest, and while a file is imported."""

import asyncio
import contextlib
import statistics
import time
from typing import Any

import httpx

from bench.imports.files import csv_file
from bench.imports.scene import AT_THE_QUOTA, ENDS, Ended, change_weather, group_of, owner, start, wait
from bench.rows import Row
from local.stack import Stack

FILES = ("bench/imports/scene.py", "shared/pace/import_pace.py", "shared/imports/chunk.py")
AREA = ("shared",)
GUESTS, WORKERS, LATENCY_MS, AT_REST, DURING_S = 10_000, 4, 150, 12, 6
GOAL, LONGEST_S = 1.2, 5.0
_TIMEOUT_S = 60.0


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    with Stack(workers=WORKERS, extra_settings=AT_THE_QUOTA) as stack:
        change_weather(stack, latency_ms=LATENCY_MS, quota=True)
        at_rest, during, ended = asyncio.run(_measure(stack, guests))
    value, against = statistics.median(during), statistics.median(at_rest)
    ratio = value / against
    note = (
        f"median of {len(during)} single guests, one every {DURING_S} s through an import of {guests:,} "
        f"({guests / ended.seconds:.1f} guests/s); against {len(at_rest)} with nothing else to do"
    )
    longest, rested, most = max(during), max(at_rest), f"<= {LONGEST_S:g} s"
    name, goal = "one guest while a file is imported", f"ratio <= {GOAL}"
    return [
        Row(name, value, "s", against, ratio, goal, ratio <= GOAL, note),
        Row("the slowest of these", longest, "s", rested, longest / rested, most, longest <= LONGEST_S, ""),
    ]


async def _measure(stack: Stack, guests: int) -> tuple[list[float], list[float], Ended]:
    group = group_of(stack)
    async with owner(stack) as api:
        for n in range(2 * WORKERS):  # what a process does first, it does slower
            await _invite(api, group, f"warm-up.{n}@fabrikam.com")
        at_rest = []
        for n in range(AT_REST):
            await asyncio.sleep(0.37)  # not in step with the polls
            at_rest.append(await _invite(api, group, f"rest.{n}@fabrikam.com"))
        since = time.perf_counter()
        path = await start(api, group, csv_file(guests, "import"))
        during: list[float] = []
        over = asyncio.Event()
        probes = asyncio.create_task(_probe(api, group, during, over))
        ended = await wait(api, path, since, timeout_s=60 + guests / 10, seen=lambda shown: _note(shown, over))
        await probes
        return at_rest, during, ended


def _note(shown: dict[str, Any], over: asyncio.Event) -> None:
    if shown["state"] in ENDS:
        over.set()


async def _probe(api: httpx.AsyncClient, group: str, during: list[float], over: asyncio.Event) -> None:
    while not over.is_set():
        due = time.perf_counter() + DURING_S
        seconds = await _invite(api, group, f"during.{len(during)}@fabrikam.com")
        if over.is_set():
            return
        during.append(seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), max(0, due - time.perf_counter()))


async def _invite(api: httpx.AsyncClient, group: str, address: str) -> float:
    """Seconds from the request to `member`; who is none after a minute counts as that minute."""
    since = time.perf_counter()
    asked = (await api.post(f"/groups/{group}/invitations", json={"address": address})).raise_for_status().json()
    while time.perf_counter() - since < _TIMEOUT_S:
        shown = (await api.get(f"/invitations/{asked['id']}")).raise_for_status().json()
        if shown["state"] == "member":
            return time.perf_counter() - since
        if shown["state"] == "failed":
            raise RuntimeError(f"{address} failed: {shown}")
        await asyncio.sleep(0.05)
    return _TIMEOUT_S
