"""App role assignments (graph contract "App access")."""

from dataclasses import dataclass

from shared.core.ids import PrincipalId
from shared.graph import errors
from shared.graph.on_graph import OnGraph
from shared.graph.pages import all_pages, made

_READ, _APPS = "Directory.Read.All", "Application.Read.All"
_WRITE = "AppRoleAssignment.ReadWrite.All and Directory.Read.All"
"""With the first alone Graph answers 403 (reported, graph contract "Permissions")."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A principal's app role on an app."""

    id: str
    resource: PrincipalId
    role: str


class Assignments(OnGraph):
    async def assignments_of(self, principal: str, *, is_group: bool) -> list[Assignment]:
        """The app roles that a group or a user holds itself. A user's list has those of the user's groups as well:
        they are left out."""
        path = f"/{'groups' if is_group else 'users'}/{principal}/appRoleAssignments?$top=999"
        return [
            Assignment(a["id"], PrincipalId(str(a["resourceId"]).lower()), str(a["appRoleId"]).lower())
            for a in await self._list(path, _READ)
            if str(a["principalId"]).lower() == principal
        ]

    async def assigned_to(self, app: PrincipalId) -> frozenset[str]:
        """The object ids of whoever holds a role on an app itself; nobody where the app is gone."""
        response = await self._session.request("GET", f"/servicePrincipals/{app}/appRoleAssignedTo?$top=999")
        if response.status == 404:
            return frozenset()
        return frozenset(str(a["principalId"]).lower() for a in await all_pages(self._session, response, _APPS))

    async def assign(self, app: PrincipalId, principal: str, role: str) -> str | None:
        """Give a role; gives the assignment's id, None where it was there. Safe to repeat."""
        body = {"principalId": principal, "resourceId": app, "appRoleId": role}
        response = await self._session.request("POST", f"/servicePrincipals/{app}/appRoleAssignedTo", body=body)
        if errors.is_duplicate(response):
            return None
        errors.require_written(response, _WRITE)
        return str(made(response)["id"])

    async def unassign(self, app: PrincipalId, assignment: str) -> None:
        """Safe to repeat."""
        await self._delete(f"/servicePrincipals/{app}/appRoleAssignedTo/{assignment}", _WRITE)
