"""Entitlement management: Microsoft's self-service with an API, as an alternative to the admin center's blade.

Nothing here is safe to repeat unless it says so; look before you make. Errors are those of `AppDirectory`, and
Refused `licence-missing`. Source: graph contract 1.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.ids import GroupId, UserId


@dataclass(frozen=True, slots=True)
class CatalogResource:
    """A group as a resource of a catalog. `role` is that of a member; ids are the catalog's own."""

    id: str
    role: str
    role_origin: str
    scope: str


class Entitlements(Protocol):
    async def find_catalog(self, name: str) -> str | None: ...

    async def create_catalog(self, name: str, description: str) -> str: ...

    async def find_resource(self, catalog: str, group: GroupId) -> CatalogResource | None:
        """The group in the catalog; None until it was added, and for a while after."""
        ...

    async def add_resource(self, catalog: str, group: GroupId) -> None:
        """Safe to repeat."""
        ...

    async def find_package(self, catalog: str, name: str) -> str | None: ...

    async def create_package(self, catalog: str, name: str, description: str) -> str: ...

    async def gives_membership(self, package: str, group: GroupId) -> bool: ...

    async def give_membership(self, package: str, group: GroupId, resource: CatalogResource) -> None:
        """Members of the package become members of the group."""
        ...

    async def find_policy(self, package: str, name: str) -> str | None: ...

    async def create_policy(self, package: str, name: str, approvers: Sequence[UserId]) -> str:
        """Anyone outside may ask; one of `approvers` decides, nobody has to where there are none."""
        ...

    async def delete_package(self, package: str) -> None:
        """With its policies. Safe to repeat."""
        ...

    async def delete_catalog(self, catalog: str) -> bool:
        """Only where it is empty; tells whether it is gone. Safe to repeat."""
        ...
