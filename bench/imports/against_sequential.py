"""An import against what people do today: a sequential loop with msgraph-sdk."""

from bench.imports import quota
from bench.imports.quota import GUESTS, LATENCY_MS, LOOP_GUESTS, with_a_loop
from bench.rows import Row

FILES, AREA = (*quota.FILES, "bench/imports/loops.py"), quota.AREA


def run(guests: int | None = None) -> list[Row]:
    found, loop = with_a_loop(guests or GUESTS)
    note = (
        f"{found.guests:,} guests, quota and {LATENCY_MS} ms latency as above; against one invite and one add call a "
        f"guest on the same simulator ({LOOP_GUESTS} guests, per-guest figures compared)"
    )
    ratio = found.per_second / loop
    return [Row("import against a script", found.per_second, "guests/s", loop, ratio, None, None, note)]
