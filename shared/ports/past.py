"""What Guestlist did, as audits read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from shared.domain.ids import GroupId
from shared.domain.invitations import Invitation


@dataclass(frozen=True, slots=True)
class PastPage:
    """Some invitations, the newest first, and where to go on (opaque; None at the end)."""

    invitations: Sequence[Invitation]
    continuation: str | None


class Past(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def changed(self, group: GroupId, since: datetime | None, continuation: str | None, limit: int) -> PastPage:
        """Invitations to a group that changed since a moment, or all of them; those under way are always among
        them."""
        ...

    async def last_days_before(self, group: GroupId, day: date) -> dict[str, date]:
        """Last days of memberships that lie before a day, by the digest of the guest's address."""
        ...
