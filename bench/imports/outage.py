"""How soon an import is as fast as before after a minute in which the directory answered everything 429."""

import asyncio

import httpx

from bench.imports.quota import AREA, FILES, LATENCY_MS, WORKERS, Figures, measured, scene
from bench.imports.scene import PERIOD_S, WRITES, WRITES_PER_GUEST
from bench.rows import Row
from local.stack import Stack

__all__ = ["AREA", "FILES", "run"]
GUESTS, AFTER_S, BROKEN_S, WITHIN_S, WINDOW_S, GOAL = 6500, 60, 60, 120, 60, 0.9


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    with scene() as stack:
        found = asyncio.run(_measure(stack, guests))
    end = AFTER_S + BROKEN_S + WITHIN_S
    value, most = found.per_second_between(end - WINDOW_S, end), WRITES / PERIOD_S / WRITES_PER_GUEST
    ratio, failed = value / most, found.ended.count("failed")
    note = (
        f"{guests:,} guests, {WORKERS} processes, {LATENCY_MS} ms Graph latency; everything answered 429 for "
        f"{BROKEN_S} s, Retry-After of 5 s; the second minute after that, against the quota; {failed} failed"
    )
    name, goal = "two minutes after an outage", f"ratio >= {GOAL}"
    return [Row(name, value, "guests/s", most, ratio, goal, ratio >= GOAL and not failed, note)]


async def _measure(stack: Stack, guests: int) -> Figures:
    breaking = asyncio.create_task(_break(stack))
    try:
        return await measured(stack, guests)
    finally:
        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)


async def _break(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.simulator_url, timeout=60) as simulator:
        await asyncio.sleep(AFTER_S)
        order = {"status": 429, "headers": {"Retry-After": "5"}, "times": 0}
        made = (await simulator.post("/_sim/faults", json=order)).raise_for_status().json()
        await asyncio.sleep(BROKEN_S)
        (await simulator.delete(f"/_sim/faults/{made['id']}")).raise_for_status()
