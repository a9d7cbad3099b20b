"""State of the whole tenant: the breaker, and the clock of each lane."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from shared.adapters.tables.rows import SCHEMA, from_text, to_text
from shared.adapters.tables.table import Row, Table, insert, replace, version_of
from shared.domain.breaker import Breaker
from shared.domain.errors import Conflict, StorageBusy
from shared.domain.pacing import (
    DayLimit,
    DayTaken,
    ImportPace,
    Pace,
    current,
    of_today,
    reserve,
    reserve_each,
    throttled,
)
from shared.ports.store import Versioned

if TYPE_CHECKING:
    from azure.data.tables import TableEntity

_BREAKER = ("tenant", "breaker")
_IMPORT_PACE = ("pace", "imports")
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

    async def read_import_pace(self, pace: Pace, now: datetime) -> ImportPace:
        return current(_import_pace(await self._table.get(*_IMPORT_PACE)), pace, now)

    async def reserve_imports(self, pace: Pace, units: Sequence[int], now: datetime) -> list[datetime]:
        starts: list[datetime] = []

        def take(known: ImportPace | None) -> ImportPace:
            nonlocal starts
            starts, after = reserve_each(current(known, pace, now), pace, units, now)
            return after

        await self._change_import_pace(take)
        return starts

    async def slow_imports(self, pace: Pace, retry_after: timedelta | None, now: datetime) -> None:
        await self._change_import_pace(lambda known: throttled(known, pace, retry_after, now))

    async def _change_import_pace(self, change: "Callable[[ImportPace | None], ImportPace | None]") -> None:
        """Change what is known of the pace; a change to None leaves it as it is."""

        def to_row(there: "TableEntity | None") -> Row | None:
            after = change(_import_pace(there))
            if after is None:
                return None
            row: Row = {"PerMinute": float(after.per_minute), "ChangedAt": to_text(after.changed_at)}
            row |= {"FreeAt": to_text(after.free_at)} if after.free_at else {}
            row |= {"HeldUntil": to_text(after.held_until)} if after.held_until else {}
            return row | ({"CutAt": to_text(after.cut_at)} if after.cut_at else {})

        async with self._lines["imports"]:
            await self._update(*_IMPORT_PACE, to_row)

    async def take_of_day(self, who: str, most: DayLimit, units: int, now: datetime) -> int:
        granted = 0

        def to_row(there: "TableEntity | None") -> Row:
            nonlocal granted
            today = of_today(_day(there), now)
            granted = max(0, min(units, most.on_day(today.active_days) - today.taken))
            return {
                "Day": today.day.isoformat(),
                "Taken": today.taken + granted,
                "ActiveDays": today.active_days,
            }

        async with self._lines[who]:
            await self._update("days", who, to_row)
        return granted

    async def read_day(self, who: str, most: DayLimit, now: datetime) -> int:
        today = of_today(_day(await self._table.get("days", who)), now)
        return max(0, most.on_day(today.active_days) - today.taken)

    async def _update(self, partition: str, key: str, to_row: "Callable[[TableEntity | None], Row | None]") -> None:
        """Write what follows from what is there, whoever else is writing it."""
        for _ in range(_TRIES):
            there = await self._table.get(partition, key)
            columns = to_row(there)
            if columns is None:
                return
            row: Row = {"PartitionKey": partition, "RowKey": key, "SchemaVersion": SCHEMA, **columns}
            try:
                await self._table.write([replace(row, version_of(there)) if there else insert(row)])
            except Conflict:
                await asyncio.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311 - spreads load, guards nothing
                continue
            return
        raise StorageBusy(f"too many want '{key}' at once")


def _import_pace(row: "TableEntity | None") -> ImportPace | None:
    if row is None:
        return None
    free_at, cut_at, held_until = row.get("FreeAt"), row.get("CutAt"), row.get("HeldUntil")
    return ImportPace(
        per_minute=float(row["PerMinute"]),
        changed_at=from_text(row["ChangedAt"]),
        free_at=from_text(free_at) if free_at else None,
        cut_at=from_text(cut_at) if cut_at else None,
        held_until=from_text(held_until) if held_until else None,
    )


def _day(row: "TableEntity | None") -> DayTaken | None:
    return DayTaken(date.fromisoformat(row["Day"]), row["Taken"], row["ActiveDays"]) if row is not None else None


_BREAKER_TIMES = {"OpenSince": "open_since", "ProbeAt": "probe_at"}
