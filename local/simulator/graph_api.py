"""Microsoft Graph's own service principal: its app roles are the application permissions, and who is assigned one has
it in the tokens issued from then on.

Source: Microsoft Graph, "Grant or revoke API permissions programmatically".
"""

import uuid
from typing import Final

from .clock import instant
from .directory import Directory
from .objects import Assignment, DirectoryObject
from .resources import permissions
from .tables import TABLES
from .world import World

APP_ID = "00000003-0000-0000-c000-000000000000"
_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
_NAMES = sorted(
    {
        name
        for needs in vars(permissions).values()
        if isinstance(needs, tuple)
        for alternative in needs
        for name in alternative
    }
)
_ROLE_IDS: Final[dict[str, str]] = TABLES["graphRoles"]
"""The same in every tenant (Microsoft Graph, "Permissions reference", application permissions)."""


def role_id(permission: str) -> str:
    """The published id; for the few whose id nobody could confirm one of our own making (UNVERIFIED)."""
    made_up = uuid.uuid5(uuid.NAMESPACE_URL, f"https://graph.microsoft.com/{permission}")
    return _ROLE_IDS.get(permission, str(made_up))


def principal(directory: Directory) -> DirectoryObject:
    """The service principal; made where the tenant has none yet."""
    for found in directory.service_principals.having("appId", APP_ID):
        return found
    return directory.service_principals.add(
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{directory.tenant.id}/{APP_ID}")),
            "accountEnabled": True,
            "appDisplayName": "Microsoft Graph",
            "appId": APP_ID,
            "appOwnerOrganizationId": _MICROSOFT,
            "appRoleAssignmentRequired": False,
            "appRoles": [_role(name) for name in _NAMES],
            "displayName": "Microsoft Graph",
            "servicePrincipalNames": [APP_ID, "https://graph.microsoft.com"],
            "servicePrincipalType": "Application",
        }
    )


def _role(name: str) -> dict[str, object]:
    words = {"description": name, "displayName": name, "value": name}
    facts = {"allowedMemberTypes": ["Application"], "isEnabled": True, "origin": "Application"}
    return {"id": role_id(name), **words, **facts}


def write_down(world: World, client_id: str) -> None:
    """Make the assignments of a client what its permissions are, where those were set by other means."""
    client = world.registry.find_client(client_id)
    if client is None:
        return
    assignments, resource = world.directory.assignments, principal(world.directory)
    wanted = {role_id(name) for name in client.graph_permissions if name in _NAMES}
    for id_ in list(assignments.of_principal(client.object_id)):
        held = assignments.get(id_)
        if held is not None and held.resource_id == resource.id and held.app_role_id not in wanted:
            assignments.remove(held)
    for role in sorted(wanted):
        if assignments.same(client.object_id, resource.id, role) is None:
            key = uuid.uuid5(uuid.NAMESPACE_URL, f"{client.object_id}/{role}").hex
            assignments.add(Assignment(key, client.object_id, "ServicePrincipal", resource.id, role, instant()))


def take_over(world: World, assignment: Assignment, *, gone: bool = False) -> None:
    """An assignment came or went: where it is a permission of a client, its next tokens say so."""
    resource = principal(world.directory)
    client = next(
        (c for c in world.registry.clients.values() if c.object_id.lower() == assignment.principal_id.lower()), None
    )
    if assignment.resource_id != resource.id or client is None:
        return
    name = next((n for n in _NAMES if role_id(n) == assignment.app_role_id), None)
    if name is not None:
        others = tuple(p for p in client.graph_permissions if p != name)
        world.registry.change_client(client, graph_permissions=others if gone else (*others, name))
