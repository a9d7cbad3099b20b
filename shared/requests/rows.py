"""Join requests as table rows: a partition for each group, an index of those that are open, counts, and what waits
for those who decide.

Records stand in one column as JSON; what is looked for by storage itself has a column of its own.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core import continuations
from shared.core.ids import GroupId, RequestId, UserId
from shared.core.versions import Versioned, retry_on_conflict
from shared.requests.model import Digest, JoinRequest, Limit, RequestState
from shared.requests.ports import RequestPage
from shared.storage.records import (
    new_row,
    read_record,
    read_versioned,
    record_row,
    save_versioned,
    to_text,
    versioned_record,
)
from shared.storage.reminders import OPEN, TableOpenWork
from shared.storage.table import Row, Table, put, version_of

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

REQUESTS = "Requests"

_COUNTS, _DIGESTS = "counts", "digests"
_OTHERS = (OPEN, _COUNTS, _DIGESTS)
_KEY = re.compile("[0-9a-f]{22}")


class TableRequestStore(TableOpenWork[tuple[GroupId, RequestId]]):
    """The port's `RequestStore`."""

    def __init__(self, service: "TableServiceClient") -> None:
        super().__init__(service, "request", old=REQUESTS, read_old=_request_of_old)
        self._table = Table(service, REQUESTS)

    async def read(self, group: GroupId, request: RequestId) -> Versioned[JoinRequest] | None:
        return await read_versioned(self._table, group, request, JoinRequest)

    async def save(self, request: Versioned[JoinRequest]) -> Versioned[JoinRequest]:
        value = request.value
        row = record_row(value.group, value.id, value, State=value.state.value)
        return await save_versioned(self._table, request, row)

    async def forget(self, request: Versioned[JoinRequest]) -> None:
        await self._table.delete(request.value.group, request.value.id, request.version)

    async def list_all(self) -> AsyncIterator[Versioned[JoinRequest]]:
        place: dict[str, str] | None = None
        while True:
            rows, place = await self._table.page(place)
            for row in rows:
                if row["PartitionKey"] not in _OTHERS:
                    yield versioned_record(row, JoinRequest)
            if place is None:
                return

    async def list_group(
        self, group: GroupId, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        keys = {"group": group, "unproven": RequestState.UNVERIFIED.value}
        condition = "PartitionKey eq @group and State ne @unproven"
        if continuation is not None:
            condition += " and RowKey gt @after"
            keys["after"] = continuations.take(continuation, _KEY)
        if state is not None:
            condition += " and State eq @state"
            keys["state"] = state.value
        found: list[JoinRequest] = []
        async for row in self._table.query(condition, keys, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return RequestPage(found, continuations.give(found[-1].id))
            # One that was never proven, and expired so, is nobody's business.
            if (request := read_record(row, JoinRequest)).proven_at is not None:
                found.append(request)
        return RequestPage(found, None)

    async def read_digest(self, decider: UserId) -> Versioned[Digest] | None:
        return await read_versioned(self._table, _DIGESTS, decider, Digest)

    async def save_digest(self, digest: Versioned[Digest], look_at: datetime) -> Versioned[Digest]:
        row = record_row(_DIGESTS, digest.value.decider, digest.value, LookAt=to_text(look_at))
        return await save_versioned(self._table, digest, row)

    async def forget_digest(self, digest: Versioned[Digest]) -> None:
        await self._table.delete(_DIGESTS, digest.value.decider, digest.version)

    async def list_digests(self, *, due_before: datetime) -> AsyncIterator[UserId]:
        keys = {"digests": _DIGESTS, "before": to_text(due_before)}
        async for row in self._table.query("PartitionKey eq @digests and LookAt lt @before", keys):
            yield UserId(str(row["RowKey"]))

    @retry_on_conflict("a count", attempts=8)
    async def count_up(self, what: str, limit: Limit, now: datetime) -> bool:
        # Keys begin with the end of the window, so that those to forget are one range.
        key = f"{_window(limit.ends(now))}-{sha256(what.encode()).hexdigest()[:40]}"
        there = await self._table.get(_COUNTS, key)
        count = int(there["Count"]) if there is not None else 0
        if count >= limit.most:
            return False
        row = new_row(_COUNTS, key, Count=count + 1)
        await self._table.write([put(row, version_of(there) if there is not None else None)])
        return True

    async def forget_counts(self, before: datetime) -> int:
        keys = {"counts": _COUNTS, "before": _window(before)}
        ended = self._table.query("PartitionKey eq @counts and RowKey lt @before", keys)
        found = [str(row["RowKey"]) async for row in ended]
        for key in found:
            await self._table.delete(_COUNTS, key)
        return len(found)


def _window(ends: datetime) -> str:
    """Sorts as time does."""
    return f"{int(ends.timestamp()):012d}"


def _request_of_old(row: Row) -> tuple[GroupId, RequestId]:
    group, _, request = str(row["RowKey"]).rpartition("-")
    return GroupId(group), RequestId(request)
