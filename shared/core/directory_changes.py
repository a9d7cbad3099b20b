"""What changed in the directory since it was last asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from shared.core.errors import GuestlistError
from shared.core.ids import GroupId, UserId


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
