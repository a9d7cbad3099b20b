"""What changed in the directory since it was last asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict

from shared.domain.errors import GuestlistError
from shared.domain.ids import GroupId, UserId


class LinkExpired(GuestlistError):
    """The link is too old: everything has to be read again."""


class UserFacts(TypedDict, total=False):
    """What a change says of an account; what it does not mention is as it was."""

    is_guest: bool
    name: str
    address: str | None
    other_addresses: tuple[str, ...]
    accepted: bool | None
    accepted_at: datetime | None
    created_at: datetime | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class UserChange:
    """An account that is new or changed; with `gone` it was deleted."""

    id: UserId
    facts: UserFacts
    gone: bool = False


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A direct member that a group has now, or (`left`) has no more. `is_group` says that it is a group itself."""

    group: GroupId
    member: UserId
    left: bool = False
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ChangePage[T]:
    """Some changes and the link to read on from: at once, or with `ends` at the next audit. A page may be empty."""

    changes: list[T]
    link: str
    ends: bool


class Changes(Protocol):
    """All methods raise Refused (`permission-missing`, `directory-refused`), DirectoryBusy, and LinkExpired."""

    async def users(self, link: str | None) -> ChangePage[UserChange]:
        """All accounts without a link, then those that changed. Safe to repeat with the same link."""
        ...

    async def members(self, groups: Sequence[GroupId], link: str | None) -> ChangePage[MemberChange]:
        """All direct members of up to 50 groups, then the changes. A group that is gone has none."""
        ...

    async def inactive_guests(self, before: datetime) -> dict[UserId, datetime] | None:
        """Accounts whose last sign-in lies before a moment; None where permission or licence do not let sign-ins be
        read. Who never signed in is not among them."""
        ...
