"""What a setup needs of the directory: apps, groups to be made, owners, assignments, the tenant's settings.

All methods raise Refused (`permission-missing` naming the permission and the identity, `directory-refused` with
the directory's words), DirectoryLagging where something new is not seen yet, and DirectoryBusy where nothing is
known to have happened or where a repeat finds out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.applications import AppId, Application, Certificate, PrincipalId, Template
from shared.domain.ids import GroupId, UserId
from shared.domain.setup.plan import Saml
from shared.domain.setup.records import Person
from shared.domain.tenants import TenantFacts


@dataclass(frozen=True, slots=True)
class Assignment:
    """A principal's app role on an app."""

    id: str
    resource: PrincipalId
    role: str


class AppDirectory(Protocol):
    async def read_tenant(self) -> TenantFacts:
        """The settings around self-service; what cannot be read says why. Safe to repeat."""
        ...

    async def permissions(self) -> frozenset[str]:
        """The application permissions that Guestlist's identity holds on the directory."""
        ...

    async def find_people(self, names: Sequence[str]) -> list[Person | None]:
        """Users by object id, user principal name or mail address, in the order given. Safe to repeat."""
        ...

    # Groups
    async def find_group(self, key: str) -> GroupId | None:
        """The group that was made under a key."""
        ...

    async def create_group(self, key: str, name: str, description: str) -> tuple[GroupId, bool]:
        """A security group with assigned membership under a key: never a second one, however often this runs.
        Tells whether this call made it."""
        ...

    async def count_members(self, group: GroupId) -> int: ...

    async def delete_group(self, group: GroupId) -> None:
        """Safe to repeat."""
        ...

    async def add_owner(self, group: GroupId, owner: UserId) -> bool:
        """Tells whether this call made the owner one. Safe to repeat."""
        ...

    async def remove_owner(self, group: GroupId, owner: UserId) -> None:
        """Safe to repeat."""
        ...

    # Apps
    async def app_by_id(self, app_id: AppId) -> Application | None: ...

    async def apps_by_name(self, name: str, template: str | None = None) -> list[Application]:
        """Apps of exactly this name (names are not unique), with a template only those made from it."""
        ...

    async def find_templates(self, name_or_id: str) -> list[Template]: ...

    async def instantiate(self, template: Template, name: str) -> AppId:
        """Add an app from the gallery. NOT safe to repeat: a repeat makes another."""
        ...

    # Single sign-on
    async def saml_differences(self, app: Application, saml: Saml) -> list[str]:
        """What is not as asked for, in a person's words; empty where all is."""
        ...

    async def set_saml(self, app: Application, saml: Saml) -> None:
        """Mode, identifiers, reply addresses, sign-on address, notification addresses. Safe to repeat."""
        ...

    async def add_certificate(self, app: Application, until: datetime) -> Certificate:
        """Make a signing certificate, in place of those that are there. A repeat makes another."""
        ...

    async def use_certificate(self, app: Application, certificate: Certificate) -> None:
        """Sign with this one. Safe to repeat."""
        ...

    # Assignments
    async def assignments_of(self, principal: GroupId | UserId, *, is_group: bool) -> list[Assignment]:
        """The app roles that a group or a user holds itself."""
        ...

    async def assigned_to(self, app: PrincipalId) -> frozenset[str]:
        """The object ids of whoever holds a role on an app itself; nobody where the app is gone."""
        ...

    async def assign(self, app: PrincipalId, principal: str, role: str) -> str | None:
        """Give a role; gives the assignment's id, None where it was there. Safe to repeat."""
        ...

    async def unassign(self, app: PrincipalId, assignment: str) -> None:
        """Safe to repeat."""
        ...
