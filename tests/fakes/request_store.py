"""A store of join requests in memory that keeps the port's promises."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.domain.errors import Conflict
from shared.domain.ids import GroupId
from shared.domain.request_settings import Limit
from shared.domain.requests import JoinRequest, RequestId, RequestState
from shared.ports.request_store import RequestPage
from shared.ports.store import Versioned


@dataclass
class FakeRequestStore:
    rows: dict[tuple[GroupId, RequestId], Versioned[JoinRequest]] = field(default_factory=dict)
    opened: dict[tuple[GroupId, RequestId], datetime] = field(default_factory=dict)
    counts: dict[tuple[datetime, str], int] = field(default_factory=dict)
    _versions: "itertools.count[int]" = field(default_factory=itertools.count)

    async def read(self, group: GroupId, request: RequestId) -> Versioned[JoinRequest] | None:
        return self.rows.get((group, request))

    async def save(self, request: Versioned[JoinRequest]) -> Versioned[JoinRequest]:
        key = (request.value.group, request.value.id)
        there = self.rows.get(key)
        if (there.version if there else None) != request.version:
            raise Conflict("the request changed")
        self.rows[key] = Versioned(request.value, str(next(self._versions)))
        return self.rows[key]

    async def list_group(
        self, group: GroupId, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        known = sorted(key[1] for key in self.rows if key[0] == group)
        if continuation is not None and continuation not in known:
            raise ValueError("the continuation was never given out")
        found = [self.rows[group, key].value for key in known if continuation is None or key > continuation]
        found = [r for r in found if r.state is not RequestState.UNPROVEN and r.proven_at is not None]
        found = [r for r in found if state is None or r.state is state]
        return RequestPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def open(self, group: GroupId, request: RequestId, look_at: datetime) -> None:
        self.opened[group, request] = look_at

    async def close(self, group: GroupId, request: RequestId) -> None:
        self.opened.pop((group, request), None)

    async def list_open(self, *, look_before: datetime) -> AsyncIterator[tuple[GroupId, RequestId]]:
        for key, look_at in list(self.opened.items()):
            if look_at < look_before:
                yield key

    async def count_up(self, what: str, limit: Limit, now: datetime) -> bool:
        seconds = limit.window.total_seconds()
        key = (datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC), what)
        if self.counts.get(key, 0) >= limit.most:
            return False
        self.counts[key] = self.counts.get(key, 0) + 1
        return True

    async def forget_counts(self, before: datetime) -> int:
        ended = [key for key in self.counts if key[0] < before]
        for key in ended:
            del self.counts[key]
        return len(ended)
