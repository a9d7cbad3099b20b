"""The snapshot: what audits know of accounts, of our groups' members, and of what Guestlist did to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from shared.core.ids import AuditId, GroupId, UserId
from shared.membership.model.accounts import ExpectedMembership


@dataclass(frozen=True, slots=True)
class OwnAction:
    """What Guestlist did to an account in a group; without a belief something is under way there. `address_key` is
    the address that it was invited by, as Guestlist compares addresses."""

    user: UserId
    group: GroupId
    expected: ExpectedMembership | None
    address_key: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What an audit learns of an account by looking for it; it says nothing to the next one."""

    inactive: datetime | None = None
    last_days: Mapping[GroupId, date] = field(default_factory=dict)
    twins: frozenset[UserId] = frozenset()


type Counts = Mapping[str, int]


class OwnActions(Protocol):
    """The part of the snapshot that learns what Guestlist did."""

    async def record_actions(self, audit: AuditId, own_actions: Sequence[OwnAction]) -> None:
        """Safe to repeat. `audit` is the one that reads of work under way; else it says nothing."""
        ...
