"""Where Guestlist keeps join requests. Every write that follows a read is guarded by the version read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.ids import GroupId, UserId
from shared.domain.request_digests import Digest
from shared.domain.request_settings import Limit
from shared.domain.requests import JoinRequest, RequestId, RequestState
from shared.ports.open_work import OpenWork
from shared.ports.store import Versioned


@dataclass(frozen=True, slots=True)
class RequestPage:
    """Some requests and where the next page begins (opaque; None at the end)."""

    requests: list[JoinRequest]
    continuation: str | None


class RequestStore(OpenWork[tuple[GroupId, RequestId]], Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def read(self, group: GroupId, request: RequestId) -> Versioned[JoinRequest] | None: ...

    async def save(self, request: Versioned[JoinRequest]) -> Versioned[JoinRequest]:
        """Raises Conflict where it changed since it was read, or is there already."""
        ...

    async def forget(self, request: Versioned[JoinRequest]) -> None:
        """Delete a request; one that changed since it was read stays. Safe to repeat."""
        ...

    def list_all(self) -> AsyncIterator[Versioned[JoinRequest]]:
        """Every request of every group, in no order: for what is done once a day."""
        ...

    async def list_group(
        self, group: GroupId, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        """Requests of a group whose address is proven, in no order of time. Raises ValueError for a continuation
        that was never given out."""
        ...

    async def read_digest(self, decider: UserId) -> Versioned[Digest] | None: ...

    async def save_digest(self, digest: Versioned[Digest], look_at: datetime) -> Versioned[Digest]:
        """`look_at` says when it is to be found by `list_digests`. Raises Conflict as `save`."""
        ...

    async def forget_digest(self, digest: Versioned[Digest]) -> None:
        """As `forget`."""
        ...

    def list_digests(self, *, look_before: datetime) -> AsyncIterator[UserId]:
        """Whose digests are to be looked at by now."""
        ...

    async def count_up(self, what: str, limit: Limit, now: datetime) -> bool:
        """Count one more of `what` in the window of now; False where there were as many as may be."""
        ...

    async def forget_counts(self, before: datetime) -> int:
        """Forget the counts of windows that ended; gives how many. Safe to repeat."""
        ...
