"""The mirror: what audits know of accounts, of our groups' members, and of what Guestlist did to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from shared.domain.audits.records import AuditId, Since
from shared.domain.audits.subjects import Belief, Subject
from shared.domain.ids import GroupId, UserId
from shared.ports.changes import MemberChange, UserChange


@dataclass(frozen=True, slots=True)
class Doing:
    """What Guestlist did to an account in a group; without a belief something is under way there. `address_key` is
    the address that it was invited by, as Guestlist compares addresses."""

    user: UserId
    group: GroupId
    belief: Belief | None
    address_key: str | None = None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """An account as the mirror has it. What this audit has marked: its last sign-in where that is long ago, last days
    that are over, accounts with an address of it. `counted` is what the audit before counted of it."""

    subject: Subject
    inactive: datetime | None = None
    last_days: Mapping[GroupId, date] = field(default_factory=dict)
    twins: frozenset[UserId] = frozenset()
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """What an audit learns of an account by looking for it; it says nothing to the next one."""

    inactive: datetime | None = None
    last_days: Mapping[GroupId, date] = field(default_factory=dict)
    twins: frozenset[UserId] = frozenset()


type Counts = Mapping[str, int]


class Doings(Protocol):
    """The part of the mirror that is told what Guestlist did."""

    async def note_doings(self, audit: AuditId, doings: Sequence[Doing]) -> None:
        """Safe to repeat. `audit` is the one that reads of work under way; else it says nothing."""
        ...


class Mirror(Doings, Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def note_users(self, audit: AuditId, changes: Sequence[UserChange]) -> None:
        """Take over what the directory says of accounts; guests' addresses become findable. Safe to repeat."""
        ...

    async def note_members(self, audit: AuditId, changes: Sequence[MemberChange]) -> None:
        """Safe to repeat."""
        ...

    async def mark(self, audit: AuditId, marks: Mapping[UserId, Mark]) -> None:
        """Safe to repeat. Marks of several kinds may be written one after the other; None or empty adds nothing."""
        ...

    async def note_counted(self, audit: AuditId, counted: Mapping[UserId, tuple[Counts, Counts]]) -> None:
        """Remember what this audit counts of accounts, and what the one before did. Safe to repeat."""
        ...

    async def look_up(self, audit: AuditId, users: Collection[UserId], since: Since) -> dict[UserId, Mirrored]:
        """Accounts as they are now: what was not seen since it was last read whole is gone. One request a dozen."""
        ...

    async def scan(
        self, audit: AuditId, first: str, last: str, since: Since, limit: int
    ) -> tuple[list[Mirrored], str | None]:
        """Accounts from an id on (it included) up to another (not included), in their order, and where to go on."""
        ...

    # Addresses
    async def who_has(self, digests: Collection[str]) -> dict[str, set[UserId]]:
        """Guest accounts that have or had an address, by its digest. One request a dozen."""
        ...

    async def who_shares(self, addresses: Mapping[UserId, Collection[str]]) -> dict[UserId, frozenset[UserId]]:
        """Of each account that shares an address: the other guest accounts that have or had it. One request a
        dozen addresses."""
        ...

    async def shared_addresses(self, after: str | None, limit: int) -> tuple[list[set[UserId]], str | None]:
        """Accounts that have or had an address in common; looks at `limit` addresses at a time."""
        ...

    # Accounts to be looked at
    async def touch(self, audit: AuditId, users: Collection[UserId]) -> None:
        """This audit looks at them. Safe to repeat."""
        ...

    async def touched(self, audit: AuditId, after: str | None, limit: int) -> tuple[list[UserId], str | None]: ...

    async def forget_touched(self, audit: AuditId, limit: int) -> bool:
        """Delete what an audit looked at, up to so many; true where nothing is left. Safe to repeat."""
        ...

    async def write_due(self, due: Mapping[UserId, datetime]) -> None:
        """Look at them when that day has come. Safe to repeat."""
        ...

    async def read_due(self, before: datetime) -> list[UserId]: ...

    async def forget_due(self, before: datetime) -> None:
        """Safe to repeat."""
        ...
