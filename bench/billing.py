"""What Azure bills for what was counted. Prices are data: ``prices.json``, with where each is from."""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

MB_MS_A_GB_S = 1_024_000
MEMORY_MB = 2048
_LEAST_MS, _STEP_MS = 1000, 100
_PRICES = Path(__file__).with_name("prices.json")
_RUN = re.compile(r"^\[(\S+)Z\] Executed 'Functions\.(\w+)' \((\w+), Id=\S+, Duration=(\d+)ms\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a function. Times in milliseconds."""

    function: str
    ended: float
    took: float


def runs_in(log: str) -> list[Run]:
    """The executions that a host's log tells of."""
    return [
        Run(name, datetime.fromisoformat(f"{at}+00:00").timestamp() * 1000, float(took))
        for at, name, _, took in _RUN.findall(log)
    ]


def gigabyte_seconds(runs: Iterable[Run], http: Iterable[str] = ()) -> float:
    """What the memory of instances is billed as, with one instance for each group of functions.

    An instance is billed while it executes anything, however many things at once: at least 1,000 ms, then by 100 ms.
    Functions of HTTP have instances in common, every other function has its own. Source: "Azure Functions Flex
    Consumption plan hosting", per-function scaling and billing. UNVERIFIED: that the least is counted anew after
    every pause, however short; it is the dearest way to read that page.
    """
    together = frozenset(http)
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups["http" if run.function in together else run.function].append(run)
    billed_ms = sum(_billed(length) for group in groups.values() for length in _active(group))
    return billed_ms * MEMORY_MB / MB_MS_A_GB_S


def _active(runs: Iterable[Run]) -> Iterable[float]:
    """How long each time lasted in which something was executed."""
    begun = ended = None
    for start, end in sorted((run.ended - run.took, run.ended) for run in runs):
        if begun is None or ended is None or start > ended:
            if begun is not None and ended is not None:
                yield ended - begun
            begun, ended = start, end
        else:
            ended = max(ended, end)
    if begun is not None and ended is not None:
        yield ended - begun


def _billed(ms: float) -> float:
    return max(_LEAST_MS, math.ceil(ms / _STEP_MS) * _STEP_MS)


def meter_of(call: str) -> str:
    """What a request to storage is billed as; `call` as the storage meter counts it."""
    service, method, _ = call.split(" ", 2)
    if service != "blob":
        return service
    return "blob-write" if method in ("PUT", "POST") else "blob-read"


def by_meter(calls: Mapping[str, float]) -> Counter[str]:
    found: Counter[str] = Counter()
    for call, count in calls.items():
        found[meter_of(call)] += count  # type: ignore[assignment]  # shares of requests, where those at rest are taken off
    return found


@dataclass(frozen=True, slots=True)
class Prices:
    """In `currency`, for one of each."""

    currency: str
    region: str
    each: Mapping[str, float]
    unverified: frozenset[str]

    @classmethod
    def read(cls, path: Path = _PRICES) -> "Prices":
        shown = json.loads(path.read_text(encoding="utf-8"))
        prices = shown["prices"]
        return cls(
            shown["currency"],
            shown["region"],
            {name: entry["price"] / entry["per"] for name, entry in prices.items()},
            frozenset(name for name, entry in prices.items() if not entry["verified"]),
        )

    def of(self, counted: Mapping[str, float]) -> float:
        """Raises KeyError: there is no price for one of them."""
        return sum(self.each[name] * count for name, count in counted.items())
