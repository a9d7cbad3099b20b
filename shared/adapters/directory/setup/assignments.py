"""App role assignments (graph contract 1.5)."""

from shared.adapters.directory import errors
from shared.adapters.directory.pages import all_pages, made
from shared.adapters.directory.session import GraphSession
from shared.domain.applications import PrincipalId
from shared.ports.app_directory import Assignment

_READ, _APPS = "Directory.Read.All", "Application.Read.All"
_WRITE = "AppRoleAssignment.ReadWrite.All and Directory.Read.All"
"""With the first alone Graph answers 403 (reported, graph contract 1.1)."""


async def assignments_of(session: GraphSession, principal: str, *, is_group: bool) -> list[Assignment]:
    """A user's list has those of the user's groups as well: they are left out."""
    path = f"/{'groups' if is_group else 'users'}/{principal}/appRoleAssignments?$top=999"
    found = await all_pages(session, await session.request("GET", path), _READ)
    return [
        Assignment(a["id"], PrincipalId(str(a["resourceId"]).lower()), str(a["appRoleId"]).lower())
        for a in found
        if str(a["principalId"]).lower() == principal
    ]


async def assigned_to(session: GraphSession, app: PrincipalId) -> frozenset[str]:
    response = await session.request("GET", f"/servicePrincipals/{app}/appRoleAssignedTo?$top=999")
    if response.status == 404:
        return frozenset()
    return frozenset(str(a["principalId"]).lower() for a in await all_pages(session, response, _APPS))


async def assign(session: GraphSession, app: PrincipalId, principal: str, role: str) -> str | None:
    body = {"principalId": principal, "resourceId": app, "appRoleId": role}
    response = await session.request("POST", f"/servicePrincipals/{app}/appRoleAssignedTo", body=body)
    if errors.is_duplicate(response):
        return None
    errors.need_written(response, _WRITE)
    return str(made(response)["id"])


async def unassign(session: GraphSession, app: PrincipalId, assignment: str) -> None:
    response = await session.request("DELETE", f"/servicePrincipals/{app}/appRoleAssignedTo/{assignment}")
    if response.status != 404:
        errors.need_written(response, _WRITE)
