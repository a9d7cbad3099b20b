"""What the steps about join requests need. Every write that follows a read is guarded by the version read."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.core.clock import Clock, Timing
from shared.core.errors import StorageBusy
from shared.core.ids import GroupId, RequestId, UserId
from shared.core.versions import Versioned
from shared.graph.ports import Directory, GuestReader
from shared.invitations.ports import Store
from shared.mail.ports import Mail, Mailer
from shared.membership.access import Access
from shared.membership.ports import AppStore
from shared.messages.commands import FulfilRequest, MailRequest
from shared.messages.ports import Outbox
from shared.requests.model import Digest, JoinRequest, Limit, RequestSettings, RequestState
from shared.storage.ports import OpenWork


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

    async def forget(self, request: Versioned[JoinRequest]) -> None:
        """Delete a request; one that changed since it was read stays. Safe to repeat."""

    def list_all(self) -> AsyncIterator[Versioned[JoinRequest]]:
        """Every request of every group, in no order: for what is done once a day."""

    async def list_group(
        self, group: GroupId, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        """Requests of a group whose address is proven, in no order of time. Raises Refused
        `parameter-invalid` for a continuation that was never given out."""

    async def read_digest(self, decider: UserId) -> Versioned[Digest] | None: ...

    async def save_digest(self, digest: Versioned[Digest], look_at: datetime) -> Versioned[Digest]:
        """`look_at` says when it is to be found by `list_digests`. Raises Conflict as `save`."""

    async def forget_digest(self, digest: Versioned[Digest]) -> None:
        """As `forget`."""

    def list_digests(self, *, due_before: datetime) -> AsyncIterator[UserId]:
        """Whose digests are to be looked at by now."""

    async def count_up(self, what: str, limit: Limit, now: datetime) -> bool:
        """Count one more of `what` in the window of now; False where there were as many as may be."""

    async def forget_counts(self, before: datetime) -> int:
        """Forget the counts of windows that ended; gives how many. Safe to repeat."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many join requests wait in a group; `more` than that where it is true."""

    group: GroupId
    app: str
    count: int
    more: bool = False


class RequestText(Protocol):
    """The mails of join requests, each under the key that it is given, and to an address without a name beside it:
    what a stranger wrote is in none of them."""

    def proof(self, *, key: str, to: str, app: str, link: str, hours: int, language: str) -> Mail:
        """Asks whoever reads it to confirm the address with a link that is good for some hours."""

    def declined(self, *, key: str, to: str, app: str, note: str | None, language: str) -> Mail:
        """Says no, with the note of who decided."""

    def waiting(self, *, key: str, to: str, waiting: Sequence[Waiting], link: str, language: str) -> Mail:
        """Tells somebody who decides how many requests wait in which groups, with the page where they are listed."""


@dataclass(frozen=True, slots=True)
class RequestDependencies:
    """`mailer` is None where no sender is set up (any more)."""

    requests: RequestStore
    setups: AppStore
    store: Store
    directory: Directory
    guest_reader: GuestReader
    access: Access
    mailer: Mailer | None
    text: RequestText
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: RequestSettings

    async def write(self, request: Versioned[JoinRequest], start: datetime) -> None:
        """Write a request down, and send what follows, which begins at `start`. Raises Conflict, StorageBusy."""
        id_ = request.value.group, request.value.id
        # Remembered first: whatever stops after this line is found by the sweeper.
        await self.requests.open(id_, start + self.timing.stall_timeout)
        await self.requests.save(request)
        command = FulfilRequest(*id_) if request.value.is_unfulfilled else MailRequest(*id_)
        with suppress(StorageBusy):  # The sweeper sends it.
            await self.outbox.send(command, not_before=start if start > self.clock.now() else None)
