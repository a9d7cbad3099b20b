"""What 1,000 guests cost in Azure, and what a day without any does: counted on this machine, priced by a file.

Everything is as a deployed Guestlist has it by default, its pace included: what is spread out costs more executions
than what comes at once. Who watches an import causes
executions of their own; they are not in it, nor are the daily limits of imports.
"""

import asyncio
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from bench.billing import Prices, Run, by_meter, gigabyte_seconds, runs_in
from bench.imports.files import csv_file
from bench.imports.scene import NO_DAILY_LIMIT, ask, calls, change_weather, group_of, owner, start
from bench.imports.storage_meter import StorageMeter
from bench.rows import Row
from local.stack import MASTER_KEY, Stack

GUESTS, SINGLE, LATENCY_MS = 1000, 30, 150
_REST_S, _LOOK_S, _SINGLE_S = 20, 15, 4
_SWEEPS = 5
_SWEEP, _DRAIN = "sweep", "drain_poison"
_NEVER = {"GUESTLIST_POISON_SCHEDULE": "0 0 0 29 2 *"}
"""The poison queues are drained when this benchmark says so."""
_LOOKS = frozenset({"get_import", "get_audit", "list_invitations"})
"""What this benchmark itself asks in order to see whether something is done."""
SWEEPS_A_DAY, DRAINS_A_DAY, SECONDS_A_DAY = 24 * 60, 24 * 30, 24 * 3600
WATCHING = {"web-test": 3 * 4 * 24, "alert-every-5-minutes": 2, "alert-every-15-minutes": 3}
"""A day of what the templates put beside the app: the web test from three places, and rules on logs."""
_POLL_S = 2
"""The longest pause between looks at an empty queue, of ``host.json``."""


@dataclass(slots=True)
class Spent:
    """What was asked of the cloud while something was done; storage without what is asked at rest."""

    seconds: float = 0.0
    storage: Counter[str] = field(default_factory=Counter)
    runs: list[Run] = field(default_factory=list)
    graph: int = 0
    log_bytes: int = 0


class Scene:
    """A running Guestlist, and what it has spent."""

    def __init__(self, stack: Stack, meter: StorageMeter) -> None:
        self._stack, self._meter = stack, meter
        [self._log] = stack.logs.glob(f"host-{os.getpid()}.log")
        self._rest: Counter[str] = Counter()

    def rest(self) -> None:
        """Note what is asked of storage when there is nothing to do."""
        time.sleep(10)  # the pauses between looks at an empty queue have grown to their longest
        before = Counter(self._meter.counts)
        time.sleep(_REST_S)
        asked = self._meter.counts - before
        self._rest = Counter({call: count / _REST_S for call, count in asked.items()})

    @contextmanager
    def spending(self, without: frozenset[str] = _LOOKS | {_SWEEP}) -> Iterator[Spent]:
        """Executions of some functions are left out."""
        spent, since = Spent(), time.monotonic()
        storage, graph, log = Counter(self._meter.counts), self._graph(), self._log.stat().st_size
        yield spent
        spent.seconds = time.monotonic() - since
        rested = Counter({call: count * spent.seconds for call, count in self._rest.items()})
        spent.storage = Counter(self._meter.counts) - storage - rested
        spent.graph = self._graph() - graph
        with self._log.open("rb") as file:
            file.seek(log)
            said = file.read()
        spent.log_bytes = len(said)
        spent.runs = [r for r in runs_in(said.decode(errors="replace")) if r.function not in without]

    def _graph(self) -> int:
        return sum(calls(self._stack).values())

    def run_timer(self, function: str) -> None:
        """As the host does at its time; gives back when it has ended."""
        ended = f"Executed 'Functions.{function}'".encode()
        before = self._log.read_bytes().count(ended)
        address, key = f"{self._stack.host_url}/admin/functions/{function}", {"x-functions-key": MASTER_KEY}
        httpx.post(address, json={"input": ""}, headers=key, timeout=60).raise_for_status()
        _until(lambda: self._log.read_bytes().count(ended) > before, every_s=0.2)


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    with (
        Stack(workers=1, extra_settings=NO_DAILY_LIMIT | _NEVER, start_host=False) as stack,
        StorageMeter(stack.azurite) as meter,
    ):
        change_weather(stack, latency_ms=LATENCY_MS, quota=True)
        stack.storage_connection = meter.connection_string
        stack.restart_host()
        scene = Scene(stack, meter)
        asyncio.run(_import(stack, csv_file(20, "warm-up")))
        scene.rest()
        with scene.spending() as imported:
            asyncio.run(_import(stack, csv_file(guests, "cost")))
        time.sleep(5)
        with scene.spending() as single:
            asyncio.run(_invite(stack))
        audits = []
        for _ in range(2):  # the first reads everything
            with scene.spending() as audit:
                scene.run_timer("audit_now_and_then")
                _until(lambda: _audit_is_done(stack))
                time.sleep(10)  # what it leaves to do
            audits.append(audit)
        with scene.spending(_LOOKS) as swept:
            for _ in range(_SWEEPS):
                scene.run_timer(_SWEEP)
                time.sleep(1.5)
        with scene.spending(_LOOKS) as drained:
            for _ in range(_SWEEPS):
                scene.run_timer(_DRAIN)
                time.sleep(1.5)
    http, queues = _functions()
    prices = Prices.read()
    note = f"{LATENCY_MS} ms Graph latency, default pace; {prices.currency}, {prices.region}"
    rows = [
        *_rows("import", imported, guests, 1000, http, prices, f"{guests:,} guests; {note}"),
        *_rows("by hand", single, SINGLE, 1000, http, prices, f"{SINGLE} guests, one at a time; {note}"),
        *_rows("night's audit", audits[1], 1, 1, http, prices, f"of {guests + SINGLE:,} guests, nothing changed"),
        *_rows("sweeps of a day", swept, _SWEEPS, SWEEPS_A_DAY, http, prices, "every minute, with nothing to do"),
        *_rows(
            "drains of a day", drained, _SWEEPS, DRAINS_A_DAY, http, prices, "every two minutes, with nothing to do"
        ),
    ]
    polls = queues * SECONDS_A_DAY / _POLL_S
    most = f"{queues} queues looked at every {_POLL_S} s all day; none where all instances have gone. UNVERIFIED"
    rows.append(_row("a day's looks at empty queues, at most", prices.of({"queue": polls}), prices.currency, most))
    rows.append(
        _row("a day's web test and alerts", prices.of(WATCHING), prices.currency, "as the templates make them")
    )
    rows.append(
        _row("1,000 mails through ACS", prices.of({"mail": 1000}), prices.currency, "a mail of Guestlist's own each")
    )
    return rows


def _rows(
    what: str, spent: Spent, units: int, per: int, http: frozenset[str], prices: Prices, note: str
) -> Iterator[Row]:
    """Scaled from `units` to `per` of them."""
    for_each = f"1,000 guests ({what})" if per == 1000 else what
    scale = per / units
    storage = {meter: count * scale for meter, count in by_meter(spent.storage).items()}
    memory = gigabyte_seconds(spent.runs, http) * scale
    counted = storage | {
        "function-gb-second": memory,
        "function-execution": len(spent.runs) * scale,
        "log-gigabyte": spent.log_bytes * scale / 1e9,
    }
    split = ", ".join(f"{count:,.0f} {meter}" for meter, count in sorted(storage.items()))
    most = ", ".join(f"{n * scale:,.0f} {name}" for name, n in Counter(r.function for r in spent.runs).most_common(4))
    yield _row(f"{for_each}: storage requests", sum(storage.values()), "", split)
    yield _row(f"{for_each}: executions", len(spent.runs) * scale, "", most)
    yield _row(f"{for_each}: memory", memory, "GB-s", "instances of 2,048 MB, 1 s at the least")
    yield _row(f"{for_each}: Graph requests", spent.graph * scale, "", "parts of batches counted singly")
    yield _row(f"{for_each}: log", spent.log_bytes * scale / 1e6, "MB", "lines of host and app; traces come on top")
    yield _row(f"{for_each}: cost", prices.of(counted), prices.currency, f"before free grants; {note}")
    costs = {name: f"{prices.of({name: count}):.5f}" for name, count in counted.items()}
    print(f"  {for_each}: {json.dumps(costs)}", file=sys.stderr)


def _row(name: str, value: float, unit: str, note: str) -> Row:
    return Row(name, value, unit, None, None, None, None, note)


async def _import(stack: Stack, content: bytes) -> None:
    group = group_of(stack)
    async with owner(stack) as api:
        path = await start(api, group, content)
        while True:  # seldom: each look is an execution
            await asyncio.sleep(_LOOK_S)
            shown = (await ask(api, "GET", path)).raise_for_status().json()
            if shown["state"] == "done":
                return


async def _invite(stack: Stack) -> None:
    path = f"/groups/{group_of(stack)}/invitations"
    async with owner(stack) as api:
        made = []
        for _ in range(SINGLE):
            answer = await ask(api, "POST", path, json={"address": f"{uuid.uuid4().hex}@fabrikam.com"})
            made.append(answer.raise_for_status().json()["id"])
            await asyncio.sleep(_SINGLE_S)
        shown = (await ask(api, "GET", f"{path}?limit={SINGLE}")).raise_for_status().json()["value"]
    if {i["id"] for i in shown if i["state"] == "member"} != set(made):
        raise RuntimeError(f"not all became members: {Counter(i['state'] for i in shown)}")


def _audit_is_done(stack: Stack) -> bool:
    order = {"audience": stack.tenant.api_client_id, "username": "adam.admin@contoso.com"}
    token = httpx.post(f"{stack.simulator_url}/_sim/tokens", json=order).json()["access_token"]
    path = f"{stack.host_url}/api/audits/latest"
    answer = httpx.get(path, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    return answer.status_code == httpx.codes.OK and answer.json()["state"] == "done"


def _until(done: Callable[[], bool], every_s: float = 3) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        time.sleep(every_s)
        if done():
            return
    raise RuntimeError("it did not end")


def _functions() -> tuple[frozenset[str], int]:
    """The names of those that HTTP triggers, and how many queues are listened to."""
    import function_app

    kinds = {
        str(function.get_function_name()): str(binding.type)
        for function in function_app.app.get_functions()
        for binding in function.get_bindings()
        if str(binding.type).endswith("Trigger")
    }
    http = frozenset(name for name, kind in kinds.items() if kind == "httpTrigger")
    return http, sum(kind == "queueTrigger" for kind in kinds.values())
