"""A store of join requests in memory that keeps the port's promises."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, RequestId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.requests.model import Digest, JoinRequest, Limit, RequestState
from shared.requests.ports import RequestPage
from tests.fakes.open_work import FakeOpenWork


@dataclass
class FakeRequestStore(FakeOpenWork[tuple[GroupId, RequestId]]):
    rows: dict[tuple[GroupId, RequestId], Versioned[JoinRequest]] = field(default_factory=dict)
    counts: dict[tuple[datetime, str], int] = field(default_factory=dict)
    digests: dict[UserId, tuple[Versioned[Digest], datetime]] = field(default_factory=dict)
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

    async def forget(self, request: Versioned[JoinRequest]) -> None:
        key = (request.value.group, request.value.id)
        if key in self.rows and self.rows[key].version == request.version:
            del self.rows[key]

    async def list_all(self) -> AsyncIterator[Versioned[JoinRequest]]:
        for row in list(self.rows.values()):
            yield row

    async def list_group(
        self, group: GroupId, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        known = sorted(key[1] for key in self.rows if key[0] == group)
        if continuation is not None and continuation not in known:
            raise Refused(Reason.PARAMETER_INVALID, "the continuation was never given out", field="continuation")
        found = [self.rows[group, key].value for key in known if continuation is None or key > continuation]
        found = [r for r in found if r.state is not RequestState.UNVERIFIED and r.proven_at is not None]
        found = [r for r in found if state is None or r.state is state]
        return RequestPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def read_digest(self, decider: UserId) -> Versioned[Digest] | None:
        found = self.digests.get(decider)
        return found[0] if found else None

    async def save_digest(self, digest: Versioned[Digest], look_at: datetime) -> Versioned[Digest]:
        there = await self.read_digest(digest.value.decider)
        if (there.version if there else None) != digest.version:
            raise Conflict("the digest changed")
        saved = Versioned(digest.value, str(next(self._versions)))
        self.digests[digest.value.decider] = (saved, look_at)
        return saved

    async def forget_digest(self, digest: Versioned[Digest]) -> None:
        there = await self.read_digest(digest.value.decider)
        if there is not None and there.version == digest.version:
            del self.digests[digest.value.decider]

    async def list_digests(self, *, due_before: datetime) -> AsyncIterator[UserId]:
        for decider, (_, look_at) in list(self.digests.items()):
            if look_at < due_before:
                yield decider

    async def count_up(self, what: str, limit: Limit, now: datetime) -> bool:
        key = (limit.ends(now), what)
        if self.counts.get(key, 0) >= limit.most:
            return False
        self.counts[key] = self.counts.get(key, 0) + 1
        return True

    async def forget_counts(self, before: datetime) -> int:
        ended = [key for key in self.counts if key[0] < before]
        for key in ended:
            del self.counts[key]
        return len(ended)
