"""State of the whole tenant: the breaker, and the clock of each lane."""

import asyncio
import random
from collections import defaultdict
from datetime import datetime

from shared.adapters.tables.rows import SCHEMA, from_text, to_text
from shared.adapters.tables.table import Row, Table, insert, replace, version_of
from shared.domain.breaker import Breaker
from shared.domain.errors import Conflict, StorageBusy
from shared.domain.pacing import Pace, reserve
from shared.ports.store import Versioned

_BREAKER = ("tenant", "breaker")
_TRIES = 20
_PAUSE_S = 0.05
"""At most, before a lane is tried again: instances that met once do not meet again at the next try."""


class TenantState:
    def __init__(self, table: Table) -> None:
        self._table = table
        # Within the process reservations stand in line; only those of other instances can get in between.
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_breaker(self) -> Versioned[Breaker]:
        row = await self._table.get(*_BREAKER)
        if row is None:
            return Versioned(Breaker(), None)
        times = {f: from_text(t) if (t := row.get(c)) else None for c, f in _BREAKER_TIMES.items()}
        return Versioned(Breaker(**times, detail=row.get("Detail")), version_of(row))

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        value = breaker.value
        row: Row = {"PartitionKey": _BREAKER[0], "RowKey": _BREAKER[1], "SchemaVersion": SCHEMA}
        row |= {c: to_text(t) for c, f in _BREAKER_TIMES.items() if (t := getattr(value, f))}
        if value.detail:
            row["Detail"] = value.detail
        await self._table.write([replace(row, breaker.version) if breaker.version else insert(row)])

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        async with self._lines[lane]:
            return await self._reserve(lane, pace, units, now)

    async def _reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        for _ in range(_TRIES):
            there = await self._table.get("pace", lane)
            start, free_at = reserve(pace, from_text(there["FreeAt"]) if there else None, units, now)
            row: Row = {
                "PartitionKey": "pace",
                "RowKey": lane,
                "SchemaVersion": SCHEMA,
                "FreeAt": to_text(free_at),
            }
            try:
                await self._table.write([replace(row, version_of(there)) if there else insert(row)])
            except Conflict:
                await asyncio.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311 - spreads load, guards nothing
                continue
            return start
        raise StorageBusy(f"too many want the lane '{lane}' at once")


_BREAKER_TIMES = {"OpenSince": "open_since", "ProbeAt": "probe_at"}
