"""What an audit holds against each other for one account: the directory's word and Guestlist's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.core.ids import GroupId, UserId


@dataclass(frozen=True, slots=True)
class ExpectedMembership:
    """What Guestlist did last to an account in a group: made it a member (`holds`) or took that back, when, and by
    which invitation (None for an owner's or a remedy's doing)."""

    holds: bool
    at: datetime
    invitation: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """An account that the directory or Guestlist names in one of our groups, as audits know it.

    `groups` are those of ours that it is a direct member of. `accepted` is None where the directory says neither
    yes nor no. `gone` says that it was deleted; `known` that the directory showed the account at all. `in_motion`
    are groups in which an invitation of it is under way. An audit marks `inactive` (the last sign-in, where that is
    long ago), `last_days` that are over, and `twins`, accounts that have or had an address of it. `counted` is what
    the audit before counted of it.
    """

    id: UserId
    known: bool = False
    is_guest: bool = False
    name: str = ""
    address: str | None = None
    other_addresses: tuple[str, ...] = ()
    accepted: bool | None = None
    accepted_at: datetime | None = None
    created_at: datetime | None = None
    enabled: bool = True
    gone: bool = False
    is_group: bool = False
    groups: frozenset[GroupId] = frozenset()
    in_motion: frozenset[GroupId] = frozenset()
    expectations: Mapping[GroupId, ExpectedMembership] = field(default_factory=dict)
    inactive: datetime | None = None
    last_days: Mapping[GroupId, date] = field(default_factory=dict)
    twins: frozenset[UserId] = frozenset()
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def addresses(self) -> frozenset[str]:
        """In lower case, as addresses are compared."""
        own = {self.address} if self.address else set()
        return frozenset(a.lower() for a in own | set(self.other_addresses))
