"""What an app at rest asks of storage, and what it is billed for: five minutes in which nobody asks it for anything.

Each function has an instance of its own that ends when it has nothing to do, as on Flex Consumption, and the scale
controller looks at each queue every ten seconds: Microsoft documents that for the plans Consumption and Premium
("Azure Storage provider for Durable Functions", queue polling). UNVERIFIED: how often it looks on Flex Consumption,
and for how long an instance without work lives. All queues and tables are there, as the template makes them.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from bench.billing import Prices, by_meter, gigabyte_seconds, runs_in
from bench.imports.storage_meter import StorageMeter
from bench.rows import Row
from local.stack import Stack

FILES = ("functions/sweeper.py", "functions/diagnostics.py", "host.json", "infra/storage-names.json")
AREA = ("functions", "shared/wiring", "local/host")
_NAMES = Path(__file__).resolve().parents[1] / "infra" / "storage-names.json"
_FIRST_S, _SETTLING_S, _WINDOW_S = 180, 30, 300
"""The first sweep, which looks at everything, ends within that; half a minute after it come five minutes with five
sweeps, of which the last looks at everything."""
_POLL_MS, _SCALE_MS = 2000, 10_000
_LEASES = 4
"""The local host's leases of timers are of 15 seconds, and of 60 in Azure: they are renewed so much more often."""
_HOURS_A_MONTH = 30 * 24
_FREE_GB_S = 100_000
"""A month, of a subscription: the plan's grant."""

LOOKS = "the scale controller's looks at queues"
POLLS = "instances' looks at their queues"
MEASURING = "measuring the queues"
DRAINS = "looks for messages that failed"
ROUND_TRIP = "the round trip's message"
ROWS = "rows of sweeps and round trips"
TIMERS = "the host's blobs"
EXECUTIONS, MEMORY = "executions", "memory"

BEFORE: Mapping[str, float] = {
    LOOKS: 7872,
    POLLS: 1308,
    MEASURING: 564,
    DRAINS: 552,
    ROUND_TRIP: 120,
    ROWS: 1260,
    TIMERS: 420,
    EXECUTIONS: 150,
}
"""An hour, measured in the same way on 29 November 2026 at 7cb4868: every sweep looked at everything, and the poison
queues had a timer of their own."""


def run() -> list[Row]:
    with (
        Stack(max_poll_ms=_POLL_MS, scale_ms=_SCALE_MS, isolate=True, start_host=False) as stack,
        StorageMeter(stack.azurite) as meter,
    ):
        _make_all(stack)
        stack.storage_connection = meter.connection_string
        stack.restart_host()
        [log] = stack.logs.glob(f"host-{os.getpid()}.log")
        _until_swept(log)
        time.sleep(_SETTLING_S)
        before, since = Counter(meter.counts), log.stat().st_size
        time.sleep(_WINDOW_S)
        calls = Counter(meter.counts) - before
        with log.open("rb") as file:
            file.seek(since)
            runs = runs_in(file.read().decode(errors="replace"))
    an_hour = 3600 / _WINDOW_S
    hourly = {call: count * an_hour / (_LEASES if "/locks/" in call else 1) for call, count in calls.items()}
    spent = _by_cause(hourly)
    spent[EXECUTIONS] = len(runs) * an_hour
    spent[MEMORY] = gigabyte_seconds(runs) * an_hour
    return list(_rows(spent, hourly, Counter(run.function for run in runs)))


def _rows(spent: Mapping[str, float], calls: Mapping[str, float], runs: Mapping[str, int]) -> Iterator[Row]:
    causes = (LOOKS, POLLS, MEASURING, DRAINS, ROUND_TRIP, ROWS, TIMERS)
    yield _row("an hour at rest: requests to storage", *_both(spent, *causes), "")
    yield _row("an hour at rest: Guestlist's own", *_both(spent, MEASURING, DRAINS, ROUND_TRIP, ROWS), "")
    for cause in causes:
        yield _row(f"an hour at rest: {cause}", *_both(spent, cause), "")
    often = ", ".join(f"{count} {name}" for name, count in sorted(runs.items()))
    yield _row("an hour at rest: executions", *_both(spent, EXECUTIONS), "", f"in {_WINDOW_S} s: {often}")
    month, month_before = (memory * _HOURS_A_MONTH for memory in _both(spent, MEMORY))
    note = f"instances of 2,048 MB, 1 s at the least; {_FREE_GB_S:,} are free"
    yield _row("a month at rest: memory", month, month_before, "GB-s", note)
    prices = Prices.read()
    storage = prices.of({meter: count * _HOURS_A_MONTH for meter, count in by_meter(calls).items()})
    paid = prices.of({"function-gb-second": max(0.0, month - _FREE_GB_S)})
    note = f"{storage:.2f} of it storage; after the free grants, without web test and alerts; {prices.region}"
    yield Row("a month at rest: cost", storage + paid, prices.currency, None, None, None, None, note)


def _both(spent: Mapping[str, float], *causes: str) -> tuple[float, float]:
    now, before = (sum(of.get(cause, 0.0) for cause in causes) for of in (spent, BEFORE))
    return now, before


def _row(name: str, value: float, before: float, unit: str, note: str = "") -> Row:
    return Row(name, value, unit, before, value / before if before else None, None, None, note)


def _by_cause(calls: Mapping[str, float]) -> dict[str, float]:
    found: Counter[str] = Counter()
    for call, count in calls.items():
        found[_cause(call)] += count  # type: ignore[assignment]  # an hour's, and not whole
    # Guestlist asks for the length of a queue and of its poison queue at once; nobody else asks for the latter's.
    measured = sum(
        count for call, count in calls.items() if call.startswith("queue GET ") and call.endswith("-poison")
    )
    found[LOOKS] -= measured  # type: ignore[assignment]
    found[MEASURING] += measured  # type: ignore[assignment]
    return dict(found)


def _cause(call: str) -> str:
    service, method, path = call.split(" ", 2)
    if service == "blob":
        return TIMERS
    if service == "table":
        return ROWS
    queue, _, rest = path.strip("/").partition("/")
    if rest and queue.endswith("-poison"):
        return DRAINS
    if rest:
        return POLLS if method == "GET" else ROUND_TRIP
    return MEASURING if not queue or queue.endswith("-poison") else LOOKS


def _until_swept(log: Path) -> None:
    deadline = time.monotonic() + _FIRST_S
    while not any(run.function == "sweep" for run in runs_in(log.read_text(errors="replace"))):
        if time.monotonic() > deadline:
            raise RuntimeError("there was no sweep")
        time.sleep(1)


def _make_all(stack: Stack) -> None:
    names = json.loads(_NAMES.read_text(encoding="utf-8"))
    connection = stack.azurite.connection_string
    with QueueServiceClient.from_connection_string(connection) as queues:
        for name in names["queues"]:
            queues.create_queue(name)
            queues.create_queue(f"{name}-poison")
    with TableServiceClient.from_connection_string(connection) as tables:
        for name in names["tables"]:
            with suppress(ResourceExistsError):
                tables.create_table(name)
