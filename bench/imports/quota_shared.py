"""An import's speed while another app takes a third of the tenant's quota."""

import asyncio

import httpx

from bench.imports.other_app import writing
from bench.imports.quota import AREA, GUESTS, LATENCY_MS, WORKERS, Figures, limit, measured, scene
from bench.imports.quota import FILES as _FILES
from bench.imports.scene import PERIOD_S, WRITES
from bench.rows import Row
from local.stack import Stack

FILES = (*_FILES, "bench/imports/other_app.py")
__all__ = ["AREA", "FILES", "run"]
SHARE, GOAL = 1 / 3, 0.9


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    most = limit(guests, 1 - SHARE)
    with scene() as stack:
        one_quota_for_all_apps(stack)
        found = asyncio.run(_measure(stack, guests))
    ratio, failed = found.per_second / most, found.ended.count("failed")
    note = (
        f"{guests:,} guests, {WORKERS} processes, {LATENCY_MS} ms Graph latency; another app writes "
        f"{SHARE * WRITES / PERIOD_S:.2f} times a second, and both have 3,000 writes in 150 s; {failed} failed; "
        f"{100 * found.share_throttled:.2f} % of {found.calls:,} calls answered 429"
    )
    name, goal = "import beside another app", f"ratio >= {GOAL}"
    return [Row(name, found.per_second, "guests/s", most, ratio, goal, ratio >= GOAL and not failed, note)]


def one_quota_for_all_apps(stack: Stack) -> None:
    """The tenant's own limit is as low as the one of an app."""
    change = {"throttling": {"tenantWrites": WRITES, "tenantWritesPeriodS": PERIOD_S}}
    httpx.patch(f"{stack.simulator_url}/_sim/settings", json=change).raise_for_status()


async def _measure(stack: Stack, guests: int) -> Figures:
    async with writing(stack, SHARE * WRITES / PERIOD_S):
        return await measured(stack, guests)
