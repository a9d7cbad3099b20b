"""Where Guestlist keeps apps, memberships, what it did, and whether all is stopped. All methods raise StorageBusy
where storage does not take the operation; every write that follows a read is guarded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from shared.core.directory import Saml
from shared.core.ids import AppId, AuditId, GroupId, SetupId, UserId
from shared.core.records import Stop
from shared.core.versions import Versioned
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.model.apps import AppRecord


class AppStore(Protocol):
    async def read_app(self, app_id: AppId) -> Versioned[AppRecord] | None: ...

    async def list_apps(self, group: GroupId | None = None) -> list[AppRecord]:
        """All apps that are set up, or those of a group, by app id."""

    async def read_saml(self, setup: SetupId) -> Saml | None:
        """The SAML settings that a setup was given; None where it was given none, or is gone."""

    async def save_app(self, record: Versioned[AppRecord]) -> Versioned[AppRecord]:
        """Raises Conflict where it changed since it was read, or is there already."""

    async def delete_app(self, app_id: AppId) -> None:
        """Safe to repeat."""


@dataclass(frozen=True, slots=True)
class OwnAction:
    """What Guestlist did to an account in a group; without a belief something is under way there. `address_key` is
    the address that it was invited by, as Guestlist compares addresses."""

    user: UserId
    group: GroupId
    expected: ExpectedMembership | None
    address_key: str | None = None


type Counts = Mapping[str, int]


class OwnActions(Protocol):
    """The part of the snapshot that learns what Guestlist did."""

    async def record_actions(self, audit: AuditId, own_actions: Sequence[OwnAction]) -> None:
        """Safe to repeat. `audit` is the one that reads of work under way; else it says nothing."""


class LastDays(Protocol):
    """The last days of memberships."""

    async def read_expiries(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        """The last day of those of the group's guests (by `Address.key`) that have one."""

    async def write_expiry(self, group: GroupId, address_key: str, expires: date | None) -> None:
        """Set or clear a guest's last day. Invitations set it as well, where they name one. Safe to repeat."""


class StopState(Protocol):
    async def read_stop(self) -> Versioned[Stop]: ...

    async def write_stop(self, stop: Versioned[Stop]) -> None:
        """Raises Conflict where it changed since it was read."""
