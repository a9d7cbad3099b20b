"""What Guestlist keeps of memberships, and whether all is stopped."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from shared.core.ids import GroupId
from shared.core.stop import Stop
from shared.core.versions import Versioned


class LastDays(Protocol):
    """The last days of memberships. All methods raise StorageBusy where storage does not take the operation."""

    async def read_expiries(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        """The last day of those of the group's guests (by `Address.key`) that have one."""
        ...

    async def write_expiry(self, group: GroupId, address_key: str, expires: date | None) -> None:
        """Set or clear a guest's last day. Invitations set it as well, where they name one. Safe to repeat."""
        ...


class StopState(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def read_stop(self) -> Versioned[Stop]: ...

    async def write_stop(self, stop: Versioned[Stop]) -> None:
        """Raises Conflict where it changed since it was read."""
        ...
