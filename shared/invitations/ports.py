"""Where Guestlist keeps what it knows. Every write that follows a read is guarded by the version read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.ids import ChunkId, GroupId, ImportId, InvitationId
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, Reading, State
from shared.mail.ports import Mail
from shared.membership.ports import LastDays, StopState
from shared.pace.import_pace import ImportPace, Limits, Refusal
from shared.pace.pacing import Breaker, DayLimit, Pace
from shared.storage.ports import OpenWork


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """This request holds its idempotency key until it is completed or released, or the lease runs out."""

    group: GroupId
    digest: str
    body_digest: str
    version: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The latest invitation of an address to a group. Where an import had invited the address before that, and nobody
    but people did since, `import_id` and `line` say which and by which row."""

    invitation: Invitation
    version: str
    import_id: ImportId | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some invitations, newest first, and where the next page begins (opaque; None at the end)."""

    invitations: list[Invitation]
    continuation: str | None


class Store(LastDays, StopState, Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    # Idempotency keys
    async def claim_key(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyClaim | InvitationId:
        """Claim an idempotency key (by digest of caller and key), or get the invitation that came of it. A record
        older than `kept`, or one left unfinished past its lease, is claimed again. Of two claims at one time, one
        wins. Raises Refused `idempotency-key-reused` for another body, `idempotency-key-in-flight`."""

    async def release_key(self, claim: KeyClaim) -> None:
        """Give a key back after a refusal, so that the corrected request may use it. Safe to repeat."""

    # Chunks of invitations
    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        """Write a new chunk, the guard of each address and the completed key: all or nothing. Raises Conflict where
        an address has another invitation under way, or the claim was lost."""

    async def read_chunk(self, group: GroupId, chunk: ChunkId) -> list[Versioned[Invitation]]:
        """All invitations of a chunk, by position; empty where there is none."""

    async def save(
        self, invitations: Sequence[Versioned[Invitation]], *, before: Sequence[Invitation] = (), ends: bool = False
    ) -> list[Versioned[Invitation]]:
        """Write invitations of one chunk as they now are, all or nothing, and give their new versions.

        For a chunk of an import the counters change with them, in the same transaction: `before` are the same
        invitations as they were. With `ends` the chunk is at its end, and forgotten with it. Raises Conflict where
        one of them changed since it was read."""

    # Chunks of imports
    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        """Write new chunks of an import into one group, as many as `in_transactions` puts together, with counters,
        the guards of those who are not at their end yet, and when to look whether a chunk has stalled: all or
        nothing. `guards` are those that are there, by address key. Raises Conflict where a chunk is there already, or
        an address has a guard that is not among `guards`."""

    async def find_guards(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, Guard]:
        """The latest invitation to the group of those of the addresses that ever had one."""

    async def list_open_of_import(
        self, import_id: ImportId, group: GroupId, *, due_before: datetime | None
    ) -> list[ChunkId]:
        """Chunks of an import that have not ended; with `due_before` only those to look at by then."""

    async def reschedule(self, group: GroupId, chunk: ChunkId, look_at: datetime) -> None:
        """Look at a chunk of an import at another time. Safe to repeat; not for a chunk that has ended."""

    async def read_import_rows(
        self, import_id: ImportId, group: GroupId, *, after: ChunkId | None, limit: int
    ) -> list[Versioned[Invitation]]:
        """Records of an import in the order of the file, from behind a chunk on; the last chunk may be cut."""

    async def read_counters(self, import_id: ImportId, group: GroupId) -> Reading:
        """The counters of an import for one group, summed up. Costs one request, whatever its size."""

    async def read(self, invitation: InvitationId) -> Invitation | None: ...

    async def list_group(self, group: GroupId, *, state: State | None, continuation: str | None, limit: int) -> Page:
        """Raises Refused `parameter-invalid` for a continuation that was never given out."""

    @property
    def open_chunks(self) -> OpenWork[tuple[GroupId, ChunkId]]:
        """Chunks that have not ended; those of imports are remembered with their records."""

    # The tenant
    async def read_breaker(self) -> Versioned[Breaker]: ...

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        """Raises Conflict where it changed since it was read."""

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        """Take `units` of a lane and learn when the work may begin. A repeat takes more."""

    # What was invited in a day
    async def take_of_day(self, limits: Mapping[str, DayLimit], units: int, now: datetime) -> int:
        """Take up to `units` of today of all of them at once, each by whose day it is; gives how many were granted,
        which is as many as the scarcest has. A repeat takes more."""

    async def read_day(self, limits: Mapping[str, DayLimit], now: datetime) -> int:
        """What the scarcest has left of today."""

    # The pace of imports
    async def read_import_pace(self, limits: Limits, now: datetime) -> ImportPace:
        """The state of the line as it is now."""

    async def take_positions(
        self, limits: Limits, units: Sequence[int], who: str, now: datetime
    ) -> tuple[list[float], ImportPace]:
        """Positions in the line for several chunks of the import `who`, and the state with them. A repeat takes
        more."""

    async def note_refusal(self, limits: Limits, refusal: Refusal, now: datetime) -> tuple[float, ImportPace]:
        """The directory refused guests of an import for now: the position that their chunk has from now on, and the
        state that follows for all instances. A repeat makes everybody wait a little longer."""

    async def steady_imports(self, limits: Limits, now: datetime) -> None:
        """The directory nears its limit: the rate does not grow for a while."""


class MailText(Protocol):
    def welcome(self, invitation: Invitation) -> Mail:
        """The mail that carries an invitation's welcome message, in its language; always the same key."""
