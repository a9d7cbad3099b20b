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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from azure.data.tables import TableServiceClient

from bench.billing import Prices, Run, by_meter, gigabyte_seconds, runs_in
from bench.imports.files import csv_file
from bench.imports.scene import NO_DAILY_LIMIT, ask, calls, change_weather, group_of, owner, start
from bench.imports.storage_meter import StorageMeter
from bench.rows import Row
from local.stack import MASTER_KEY, Stack
from shared.diagnostics.storage_health import WHOLE_SWEEP
from shared.storage.key import TENANT

FILES = (
    "bench/billing.py",
    "bench/prices.json",
    "host.json",
    "functions/sweeper.py",
    "shared/imports/chunk.py",
)
AREA = ("functions", "shared")
GUESTS, SINGLE, LATENCY_MS = 1000, 30, 150
_REST_S, _LOOK_S, _SINGLE_S = 20, 15, 4
_SWEEPS = 5
"""One of them looks at everything, as in an installation."""
_SWEEP = "sweep"
_LOOKS = frozenset({"get_import", "get_audit", "get_invitation"})
"""What this benchmark itself asks in order to see whether something is done."""
SWEEPS_A_DAY, SECONDS_A_DAY = 24 * 60, 24 * 3600
WATCHING = {"web-test": 3 * 4 * 24, "alert-every-5-minutes": 2, "alert-every-15-minutes": 3}
"""A day of what the templates put beside the app: the web test from three places, and rules on logs."""
_POLL_S, _SCALE_S = 2, 10
"""The longest pause between looks at an empty queue, of ``host.json``, and that of the scale controller: Microsoft
Learn, "Azure Storage provider for Durable Functions", for the plans Consumption and Premium."""


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
        Stack(workers=1, extra_settings=NO_DAILY_LIMIT, start_host=False) as stack,
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
        _forget_whole_sweep(stack)
        with scene.spending(_LOOKS) as swept:
            for _ in range(_SWEEPS):
                scene.run_timer(_SWEEP)
                time.sleep(1.5)
    http, queues = _functions()
    prices = Prices.read()
    note = f"{LATENCY_MS} ms Graph latency, default pace; {prices.currency}, {prices.region}"
    rows = [
        _row("1,000 guests in a file", imported, 1000 / guests, http, prices, f"{guests:,} guests; {note}"),
        _row("1,000 guests by hand", single, 1000 / SINGLE, http, prices, f"{SINGLE} guests, one at a time; {note}"),
        _row("a night's audit", audits[1], 1, http, prices, f"of {guests + SINGLE:,} guests, nothing changed"),
        _row("a day's sweeps", swept, SWEEPS_A_DAY / _SWEEPS, http, prices, "one a minute, with nothing to do"),
    ]
    looks = queues * SECONDS_A_DAY / _SCALE_S + SECONDS_A_DAY / _POLL_S
    of_looks = (
        f"{queues} queues looked at by the platform every {_SCALE_S} s (UNVERIFIED on Flex Consumption), the queue "
        f"of the round trips by its instance every {_POLL_S} s"
    )
    priced: dict[str, tuple[Mapping[str, float], str]] = {
        "a day's looks at empty queues": ({"queue": looks}, of_looks),
        "a day's web test and alerts": (WATCHING, "as the templates make them"),
        "1,000 mails through Communication Services": ({"mail": 1000}, "a mail of Guestlist's own each"),
    }
    for name, (counted, why) in priced.items():
        rows.append(Row(name, prices.of(counted), prices.currency, None, None, None, None, why))
    return rows


def _row(name: str, spent: Spent, scale: float, http: frozenset[str], prices: Prices, note: str) -> Row:
    """What was spent, so many times."""
    storage = {meter: count * scale for meter, count in by_meter(spent.storage).items()}
    memory, executions = gigabyte_seconds(spent.runs, http) * scale, len(spent.runs) * scale
    log_mb = spent.log_bytes * scale / 1e6
    counted = storage | {
        "function-gb-second": memory,
        "function-execution": executions,
        "log-gigabyte": log_mb / 1000,
    }
    functions = Counter(run.function for run in spent.runs).most_common()
    most = ", ".join(f"{count * scale:,.0f} {function}" for function, count in functions)
    costs = {meter: f"{prices.of({meter: count}):.5f}" for meter, count in counted.items()}
    print(f"  {name}: {most}; {json.dumps(costs)}", file=sys.stderr)
    split = ", ".join(f"{count:,.0f} {meter}" for meter, count in sorted(storage.items()))
    told = (
        f"{executions:,.0f} executions, {memory:,.0f} GB-s, {sum(storage.values()):,.0f} storage requests ({split}), "
        f"{spent.graph * scale:,.0f} Graph requests, {log_mb:.2g} MB of log; {note}"
    )
    return Row(name, prices.of(counted), prices.currency, None, None, None, None, told)


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
        # One by one: their list is the same function as what is measured.
        shown = [(await ask(api, "GET", f"/invitations/{each}")).raise_for_status().json() for each in made]
    if any(each["state"] != "member" for each in shown):
        raise RuntimeError(f"not all became members: {Counter(each['state'] for each in shown)}")


def _forget_whole_sweep(stack: Stack) -> None:
    """The next sweep looks at everything, and no other for five minutes."""
    with TableServiceClient.from_connection_string(stack.azurite.connection_string) as tables:
        tables.get_table_client(TENANT).delete_entity(*WHOLE_SWEEP)


def _audit_is_done(stack: Stack) -> bool:
    order = {"audience": stack.tenant.api_client_id, "clientId": stack.tenant.cli_client_id}
    order["username"] = "adam.admin@contoso.com"
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
