"""An import's speed where no quota binds it: against the least that has to be sent, and what it costs in storage."""

import asyncio
import sys
import time
from collections import Counter

from bench.imports import loops
from bench.imports.files import addresses, csv_file
from bench.imports.scene import UNBOUND, change_weather, run_import
from bench.imports.storage_meter import StorageMeter
from bench.rows import Row
from local.stack import Stack

FILES = ("bench/imports/loops.py", "bench/imports/scene.py", "shared/imports/chunk.py", "host.json")
AREA = ("shared/imports", "shared/invitations", "shared/storage", "shared/graph")
GUESTS, WORKERS, LATENCY_MS = 3000, 4, 100
AT_ONCE, MANY_AT_ONCE = WORKERS, 16
"""Chunks that the bare loop has in flight: one for each of our processes; and as many as it gains from."""
WARM_UP, AT_REST_S = 2000, 10
"""Guests of the import before: more chunks than fewer than all processes take at once, so that each takes some."""
GOAL, GOAL_RATIO, MOST_STORAGE = 60, 0.5, 0.4


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    with (
        Stack(workers=WORKERS, extra_settings=UNBOUND, start_host=False) as stack,
        StorageMeter(stack.azurite) as meter,
    ):
        change_weather(stack, latency_ms=LATENCY_MS, quota=False)
        floor, fastest = (
            asyncio.run(loops.bare(stack, list(addresses(guests, f"bare{n}")), in_flight=n))
            for n in (AT_ONCE, MANY_AT_ONCE)
        )
        stack.storage_connection = meter.connection_string
        stack.restart_host()
        # An import first: each process loads its libraries and opens its connections.
        asyncio.run(run_import(stack, csv_file(WARM_UP, "warm-up"), timeout_s=120))
        at_rest = _per_second_at_rest(meter)
        before = Counter(meter.counts)
        ended = asyncio.run(run_import(stack, csv_file(guests, "unbound"), timeout_s=60 + guests / 5))
        spent = meter.counts - before
    _tell(spent, guests)
    value, storage = guests / ended.seconds, spent.total() / guests
    own = (spent.total() - at_rest * ended.seconds) / guests
    note = (
        f"{guests:,} guests, {WORKERS} processes, {LATENCY_MS} ms Graph latency, membership and state included; "
        "against the same batches sent by a bare loop in one process, with no storage and no queue"
    )
    whole_note = "everything that the app and the hosts of four instances ask of storage meanwhile"
    own_note = f"without what they ask at rest: {at_rest:.0f} a second, most of it looking at empty queues"
    most = f"<= {MOST_STORAGE}"
    return [
        *(
            Row(
                f"import without a quota, the loop with {at_once} in flight",
                value,
                "guests/s",
                of_loop,
                value / of_loop,
                f">= {GOAL}, ratio >= {GOAL_RATIO}",
                value >= GOAL and value / of_loop >= GOAL_RATIO,
                note,
            )
            for at_once, of_loop in ((AT_ONCE, floor), (MANY_AT_ONCE, fastest))
        ),
        Row("storage requests per guest", storage, "", None, None, most, storage <= MOST_STORAGE, whole_note),
        Row("storage requests of the import itself", own, "", None, None, most, own <= MOST_STORAGE, own_note),
    ]


def _per_second_at_rest(meter: StorageMeter) -> float:
    time.sleep(5)  # the pauses between looks at an empty queue have grown to their longest
    before = meter.counts.total()
    time.sleep(AT_REST_S)
    return (meter.counts.total() - before) / AT_REST_S


def _tell(spent: Counter[str], guests: int) -> None:
    for call, n in spent.most_common():
        print(f"  {n:7} {n / guests:7.3f} a guest  {call}", file=sys.stderr)
