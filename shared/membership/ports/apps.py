"""Where Guestlist keeps the apps that are set up. Every write that follows a read is guarded."""

from typing import Protocol

from shared.core.applications import AppId, Saml
from shared.core.ids import GroupId, SetupId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord


class AppStore(Protocol):
    """All methods raise StorageBusy where storage does not take the operation."""

    async def read_app(self, app_id: AppId) -> Versioned[AppRecord] | None: ...

    async def list_apps(self, group: GroupId | None = None) -> list[AppRecord]:
        """All apps that are set up, or those of a group, by app id."""
        ...

    async def read_saml(self, setup: SetupId) -> Saml | None:
        """The SAML settings that a setup was given; None where it was given none, or is gone."""
        ...

    async def save_app(self, record: Versioned[AppRecord]) -> Versioned[AppRecord]:
        """Raises Conflict where it changed since it was read, or is there already."""
        ...

    async def delete_app(self, app_id: AppId) -> None:
        """Safe to repeat."""
        ...
