"""Microsoft Graph's own service principal: its app roles are the application permissions, and who is assigned one has
it in the tokens issued from then on.

Source: Microsoft Graph, "Grant or revoke API permissions programmatically".
"""

import uuid
from typing import Final

from .clock import now
from .directory.directory import Directory
from .directory.objects import DirectoryObject
from .directory.relations import Assignment
from .resources import permissions
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
_ROLE_IDS: Final = {
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "EntitlementManagement.Read.All": "c74fd47d-ed3c-45c3-9a9e-b8676de685d2",
    "EntitlementManagement.ReadWrite.All": "9acd699f-1e81-4958-b001-93b1d2506e19",
    "Group.Create": "bf7b1a76-6e77-406b-b258-bf5c7720e98f",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "GroupSettings.ReadWrite.All": "546168c3-1183-4281-9491-fafb24dea37e",
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.Authorization": "fb221be6-99f2-473f-bd32-01c6a0e9ca3b",
    "Policy.ReadWrite.CrossTenantAccess": "338163d7-f101-4c92-94ba-ca46fe52447c",
    "User.DeleteRestore.All": "eccc023d-eccf-4e7b-9683-8813ab36cecc",
    "User.EnableDisableAccount.All": "3011c876-62b7-4ada-afa2-506cbbecc68c",
    "User.Invite.All": "09850681-111b-4a89-9bed-3f2cae46d706",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
}
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
    return {
        "allowedMemberTypes": ["Application"],
        "description": name,
        "displayName": name,
        "id": role_id(name),
        "isEnabled": True,
        "origin": "Application",
        "value": name,
    }


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
            made = now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
            key = uuid.uuid5(uuid.NAMESPACE_URL, f"{client.object_id}/{role}").hex
            assignments.add(Assignment(key, client.object_id, "ServicePrincipal", resource.id, role, made))


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
