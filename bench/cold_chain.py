"""From one invitation to a member and a mail where nothing runs, hop by hop: each of the two groups of functions
that it crosses starts a process of its own (`local.host --isolate`), as in Flex Consumption.

Against the same with every process running, and against one process for all. What the platform needs to place an
instance on a machine comes on top in Azure, and is not here.
"""

import re
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bench.rows import Row
from local.stack import Stack

FILES = ("host.json", "local/host/scale_controller.py", "local/host/scaling.py")
AREA = ("functions", "shared/wiring", "local/host")
RUNS, LATENCY_MS, POLL_MS, IDLE_S = 5, 100, 2000, 4.0
"""`POLL_MS` is `maxPollingInterval` of host.json, and here the scale controller's pause as well."""
SETTINGS = {"GUESTLIST_SWEEP_SCHEDULE": "0 0 0 1 1 *", "GUESTLIST_AUDIT_SCHEDULE": "0 0 0 1 1 *"}
DELIVERY = "invite_chunk"
"""The function that makes a guest a member and mails, in one delivery."""
GROUPS = ("http", f"function:{DELIVERY}")
_ASKS = "groups_group_part"
"""The function that takes an invitation, among others."""
_JOINS = re.compile(r"POST /groups/\S+/members/")
_TIMEOUT_S = 120

_LINE = re.compile(r"\[(\S+)Z\] (.*)")
_STARTS = re.compile(r"Instance \d+ of (\S+) starts\.")
_SERVES = re.compile(r"Instance \d+ of (\S+) serves\.")
_EXECUTED = re.compile(r"Executed 'Functions\.(\w+)' \(Succeeded, .*Duration=(\d+)ms\)")


@dataclass(frozen=True, slots=True)
class Hop:
    """One link of the chain, in seconds."""

    start: float
    """Of the process; 0 where one ran."""
    work: float
    """Of the function."""
    wait: float
    """What is left: until the message, or the request, was seen and taken."""

    @property
    def total(self) -> float:
        return self.start + self.work + self.wait


@dataclass(frozen=True, slots=True)
class Passage:
    """One invitation."""

    hops: tuple[Hop, ...]
    """HTTP, and the delivery."""
    to_member: float

    @property
    def to_mail(self) -> float:
        return sum(hop.total for hop in self.hops)


def run() -> list[Row]:
    one = _measure(Stack(workers=1, max_poll_ms=POLL_MS, extra_settings=SETTINGS, isolate=False))
    warm = _measure(_isolated(GROUPS))
    cold = _measure(_isolated(()), lambda stack: not stack.worker_pids())
    how = (
        f"median of {RUNS}, {LATENCY_MS} ms Graph latency, queues and schedules looked at every {POLL_MS / 1000:g} s"
    )
    against_warm = f"{how}; against all processes running"
    rows = [
        _row("time to member, nothing running", cold, warm, lambda p: p.to_member, against_warm),
        _row("time to mail, nothing running", cold, warm, lambda p: p.to_mail, against_warm),
        _row(
            "time to member, a process for each function, all running (HTTP and the queue function always ready)",
            warm,
            one,
            lambda p: p.to_member,
            f"{how}; against one process for all",
        ),
    ]
    for index, hop in enumerate(("HTTP answer", "invite, join and mail")):
        rows.append(_row(f"hop: {hop}", cold, warm, _total_of(index), _parts(cold, index)))
    return rows


def _total_of(hop: int) -> Callable[[Passage], float]:
    return lambda passage: passage.hops[hop].total


def _isolated(always_ready: Sequence[str]) -> Stack:
    return Stack(
        max_poll_ms=POLL_MS, extra_settings=SETTINGS, isolate=True, always_ready=always_ready, idle_seconds=IDLE_S
    )


def _row(name: str, cold: list[Passage], warm: list[Passage], figure: Callable[[Passage], float], note: str) -> Row:
    value, against = (statistics.median(figure(passage) for passage in all_) for all_ in (cold, warm))
    return Row(name, value, "s", against, value / against, None, None, note)


def _parts(passages: list[Passage], index: int) -> str:
    hops = [passage.hops[index] for passage in passages]
    start, work, wait = (statistics.median(getattr(hop, part) for hop in hops) for part in ("start", "work", "wait"))
    return f"cold: {start:.2f} s start of the process, {work:.2f} s work, {wait:.2f} s until it was seen and taken"


def _measure(unstarted: Stack, at_rest: Callable[[Stack], bool] = lambda _: True) -> list[Passage]:
    """`at_rest` says when the next invitation may begin."""
    with unstarted as stack, httpx.Client(base_url=stack.simulator_url, timeout=30) as simulator:
        simulator.patch("/_sim/settings", json={"latency": {"allMs": LATENCY_MS}}).raise_for_status()
        _invite(stack, simulator)  # tables, queues and keys are made once in the life of an installation
        passages = []
        for _ in range(RUNS):
            _until(lambda: at_rest(stack), "the processes of the last invitation have ended")
            time.sleep(POLL_MS / 1000)  # warm listeners are at their longest pause again
            passages.append(_invite(stack, simulator))
    return passages


def _invite(stack: Stack, simulator: httpx.Client) -> Passage:
    group = stack.tenant.group_of(stack.tenant.person("olivia.owner@contoso.com"))["id"]
    order = {"audience": stack.tenant.api_client_id, "clientId": stack.tenant.cli_client_id}
    order["username"] = "olivia.owner@contoso.com"
    token = simulator.post("/_sim/tokens", json=order).json()["access_token"]
    address, since = f"{uuid.uuid4().hex}@fabrikam.com", stack.host_log.stat().st_size
    joins = _joins(simulator)
    asked = time.time()
    # A connection of its own: a process that ended has closed those of before.
    answer = httpx.post(
        f"{stack.host_url}/api/groups/{group}/invitations",
        json={"address": address, "welcomeMessage": "Welcome"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=_TIMEOUT_S,
    )
    answered = time.time()
    answer.raise_for_status()
    _until(lambda: _joins(simulator) > joins, "the guest is a member")
    to_member = time.time() - asked
    _until(lambda: _is_mailed(simulator, address), "the guest has a mail")
    lines: list[tuple[float, str]] = []

    def is_told() -> bool:
        lines[:] = _lines(stack, since)
        return any((found := _EXECUTED.search(text)) and found[1] == DELIVERY for _, text in lines)

    _until(is_told, "the host has said that the mail was sent")
    return _passage(lines, asked, answered, to_member)


def _passage(lines: Sequence[tuple[float, str]], asked: float, answered: float, to_member: float) -> Passage:
    starts = {found[1]: at for at, text in lines if (found := _STARTS.search(text))}
    serves = {found[1]: at for at, text in lines if (found := _SERVES.search(text))}
    work: dict[str, tuple[float, float]] = {}
    for at, text in lines:
        if found := _EXECUTED.search(text):
            seconds, ended = work.get(found[1], (0.0, 0.0))
            work[found[1]] = (seconds + int(found[2]) / 1000, max(ended, at))
    hops, before = [], asked
    for group, function in zip(GROUPS, (_ASKS, DELIVERY), strict=True):
        seconds, ended = work[function]
        end = answered if group == GROUPS[0] else ended
        start = serves[group] - starts[group] if group in starts else 0.0
        hops.append(Hop(start, seconds, end - before - start - seconds))
        before = end
    return Passage(tuple(hops), to_member)


def _lines(stack: Stack, since: int) -> list[tuple[float, str]]:
    with stack.host_log.open("rb") as log:
        log.seek(since)
        found = [_LINE.match(line) for line in log.read().decode(errors="replace").splitlines()]
    return [(datetime.fromisoformat(one[1]).replace(tzinfo=UTC).timestamp(), one[2]) for one in found if one]


def _joins(simulator: httpx.Client) -> int:
    """How many guests were added to a group."""
    calls: list[dict[str, Any]] = simulator.get("/_sim/calls").json()
    return sum(int(one["count"]) for one in calls if _JOINS.match(one["call"]) and one["status"] == 204)


def _is_mailed(simulator: httpx.Client, address: str) -> bool:
    mails: list[dict[str, Any]] = simulator.get("/_sim/mails").json()
    return any(address in mail["to"] for mail in mails)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {_TIMEOUT_S} s: {what}")
        time.sleep(0.05)
