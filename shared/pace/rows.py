"""State of the whole tenant: the breaker, the stop, and the clock of each lane."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.records import Stop
from shared.core.versions import Versioned, retry_on_conflict
from shared.pace.import_pace import (
    WRITES_ALONE,
    WRITES_IN_A_FILE,
    ImportPace,
    Limits,
    Refusal,
    current,
    refused,
    steady,
    take,
)
from shared.pace.pacing import Breaker, DayLimit, DayTaken, Pace, of_today, reserve
from shared.storage.key import TENANT
from shared.storage.records import (
    Columns,
    from_text,
    new_row,
    read_record,
    read_versioned,
    record_row,
    save_versioned,
    to_text,
)
from shared.storage.table import Operation, Table, put, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

_BREAKER, _STOP = ("tenant", "breaker"), ("tenant", "stop")
_IMPORT_PACE = ("pace", "imports")
_PEOPLE = "invitations"
"""The lane of guests who are invited by hand."""
_DAYS = "days"
_BREAKER_ROW, _DAY_ROW = Columns(Breaker), Columns(DayTaken)
_ATTEMPTS = 20
_PAUSE_S = 0.05
"""At most, before a lane is tried again: instances that met once do not meet again at the next try."""


class TenantState:
    def __init__(self, service: "TableServiceClient") -> None:
        self._tenant = Table(service, TENANT)
        # Within the process reservations stand in line; only those of other instances can get in between.
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_breaker(self) -> Versioned[Breaker]:
        row = await self._tenant.get(*_BREAKER)
        return Versioned(_BREAKER_ROW.from_columns(row), version_of(row)) if row else Versioned(Breaker(), None)

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        row = new_row(*_BREAKER, **_BREAKER_ROW.to_columns(breaker.value))
        await save_versioned(self._tenant, breaker, row)

    async def read_stop(self) -> Versioned[Stop]:
        return await read_versioned(self._tenant, *_STOP, Stop) or Versioned(Stop(), None)

    async def write_stop(self, stop: Versioned[Stop]) -> None:
        await save_versioned(self._tenant, stop, record_row(*_STOP, stop.value))

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        async with self._lines[lane]:
            return await self._reserve(lane, pace, units, now)

    @retry_on_conflict("the lane", attempts=_ATTEMPTS, pause_s=_PAUSE_S)
    async def _reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        there = await self._tenant.get("pace", lane)
        start, free_at = reserve(pace, from_text(there["FreeAt"]) if there else None, units, now)
        taken = (there.get("Taken", 0) if there else 0) + units
        row = new_row("pace", lane, FreeAt=to_text(free_at), Taken=taken)
        await self._tenant.write([put(row, version_of(there) if there else None)])
        return start

    async def read_import_pace(self, limits: Limits, now: datetime) -> ImportPace:
        return current(_import_pace(await self._tenant.get(*_IMPORT_PACE)), limits, now)

    async def take_positions(
        self, limits: Limits, units: Sequence[int], who: str, now: datetime
    ) -> tuple[list[float], ImportPace]:
        return await self._change_import_pace(limits, now, lambda state: take(state, units, who))

    async def note_refusal(self, limits: Limits, refusal: Refusal, now: datetime) -> tuple[float, ImportPace]:
        return await self._change_import_pace(limits, now, lambda state: refused(state, limits, refusal, now))

    async def steady_imports(self, limits: Limits, now: datetime) -> None:
        await self._change_import_pace(limits, now, lambda state: (None, steady(state, limits, now)))

    async def _change_import_pace[R](
        self, limits: Limits, now: datetime, change: Callable[[ImportPace], tuple[R, ImportPace]]
    ) -> tuple[R, ImportPace]:
        """What follows from the state as it is now and from what people have taken meanwhile."""

        @retry_on_conflict("the pace of imports", attempts=_ATTEMPTS, pause_s=_PAUSE_S)
        async def attempt() -> tuple[R, ImportPace]:
            lanes = "PartitionKey eq @pace"
            rows = {str(r["RowKey"]): r async for r in self._tenant.query(lanes, {"pace": _IMPORT_PACE[0]})}
            there = rows.pop(_IMPORT_PACE[1], None)
            before = current(_import_pace(there), limits, now, _taken_by_people(rows))
            result, after = change(before)
            if after != before:
                row = record_row(*_IMPORT_PACE, after)
                await self._tenant.write([put(row, version_of(there) if there else None)])
            return result, after

        async with self._lines["imports"]:
            return await attempt()

    async def take_of_day(self, limits: Mapping[str, DayLimit], units: int, now: datetime) -> int:
        async with self._lines[_DAYS]:
            return await self._take_of_day(limits, units, now)

    @retry_on_conflict("the days", attempts=_ATTEMPTS, pause_s=_PAUSE_S)
    async def _take_of_day(self, limits: Mapping[str, DayLimit], units: int, now: datetime) -> int:
        days = await self._read_days(limits, now)
        granted = max(0, min(units, _left(limits, days)))
        if granted:
            # One transaction: where one of them has nothing left, nothing is taken of the others.
            await self._tenant.write([_taken(who, day, granted) for who, day in days.items()])
        return granted

    async def read_day(self, limits: Mapping[str, DayLimit], now: datetime) -> int:
        return max(0, _left(limits, await self._read_days(limits, now)))

    async def _read_days(self, limits: Mapping[str, DayLimit], now: datetime) -> dict[str, Versioned[DayTaken]]:
        rows = await asyncio.gather(*(self._tenant.get(_DAYS, who) for who in limits))
        days = [Versioned(_DAY_ROW.from_columns(row), version_of(row)) if row else None for row in rows]
        return {
            who: Versioned(of_today(day.value if day else None, now), day.version if day else None)
            for who, day in zip(limits, days, strict=True)
        }


def _import_pace(row: "TableEntity | None") -> ImportPace | None:
    if row is None:
        return None
    if "Record" in row:
        return read_record(row, ImportPace)
    # As versions before 0.2 wrote it, whose slots were times: nothing of the burst is known to be left.
    return ImportPace(from_text(row.get("HeldUntil") or row["ChangedAt"]))


def _taken_by_people(lanes: "Mapping[str, TableEntity]") -> float:
    """Guests of imports that cost as much as those that people invited: each of theirs is two writes."""
    row = lanes.get(_PEOPLE)
    return row.get("Taken", 0) * WRITES_ALONE / WRITES_IN_A_FILE if row is not None else 0.0


def _left(limits: Mapping[str, DayLimit], days: Mapping[str, Versioned[DayTaken]]) -> int:
    return min(limits[who].on_day(day.value.active_days) - day.value.taken for who, day in days.items())


def _taken(who: str, day: Versioned[DayTaken], units: int) -> Operation:
    after = changed(day.value, taken=day.value.taken + units)
    return put(new_row(_DAYS, who, **_DAY_ROW.to_columns(after)), day.version)
