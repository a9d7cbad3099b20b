"""The port's `AppDirectory` on Microsoft Graph."""

from collections.abc import Sequence
from datetime import datetime

from shared.adapters.directory.session import GraphSession
from shared.adapters.directory.setup import applications, assignments, groups, people, sign_on, tenant
from shared.domain.applications import AppId, Application, Certificate, PrincipalId, Template
from shared.domain.ids import GroupId, UserId
from shared.domain.setup.plan import Saml
from shared.domain.setup.records import Person
from shared.domain.tenants import TenantFacts
from shared.ports.app_directory import AppDirectory, Assignment


class GraphAppDirectory(AppDirectory):
    """Speaks through a session that others may use as well; closing it is for the one who made it."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session

    async def read_tenant(self) -> TenantFacts:
        return await tenant.read_tenant(self._session)

    async def permissions(self) -> frozenset[str]:
        return await self._session.permissions()

    async def find_people(self, names: Sequence[str]) -> list[Person | None]:
        return await people.find_people(self._session, names)

    async def find_group(self, key: str) -> GroupId | None:
        return await groups.find_group(self._session, key)

    async def create_group(self, key: str, name: str, description: str) -> tuple[GroupId, bool]:
        return await groups.create_group(self._session, key, name, description)

    async def count_members(self, group: GroupId) -> int:
        return await groups.count_members(self._session, group)

    async def delete_group(self, group: GroupId) -> None:
        await groups.delete_group(self._session, group)

    async def add_owner(self, group: GroupId, owner: UserId) -> bool:
        return await groups.add_owner(self._session, group, owner)

    async def remove_owner(self, group: GroupId, owner: UserId) -> None:
        await groups.remove_owner(self._session, group, owner)

    async def app_by_id(self, app_id: AppId) -> Application | None:
        return await applications.app_by_id(self._session, app_id)

    async def apps_by_name(self, name: str, template: str | None = None) -> list[Application]:
        return await applications.apps_by_name(self._session, name, template)

    async def find_templates(self, name_or_id: str) -> list[Template]:
        return await applications.find_templates(self._session, name_or_id)

    async def instantiate(self, template: Template, name: str) -> AppId:
        return await applications.instantiate(self._session, template, name)

    async def saml_differences(self, app: Application, saml: Saml) -> list[str]:
        return await sign_on.saml_differences(self._session, app, saml)

    async def set_saml(self, app: Application, saml: Saml) -> None:
        await sign_on.set_saml(self._session, app, saml)

    async def add_certificate(self, app: Application, until: datetime) -> Certificate:
        return await sign_on.add_certificate(self._session, app, until)

    async def use_certificate(self, app: Application, certificate: Certificate) -> None:
        await sign_on.use_certificate(self._session, app, certificate)

    async def assignments_of(self, principal: GroupId | UserId, *, is_group: bool) -> list[Assignment]:
        return await assignments.assignments_of(self._session, principal, is_group=is_group)

    async def assigned_to(self, app: PrincipalId) -> frozenset[str]:
        return await assignments.assigned_to(self._session, app)

    async def assign(self, app: PrincipalId, principal: str, role: str) -> str | None:
        return await assignments.assign(self._session, app, principal, role)

    async def unassign(self, app: PrincipalId, assignment: str) -> None:
        await assignments.unassign(self._session, app, assignment)
