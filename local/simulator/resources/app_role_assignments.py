"""App role assignments of groups, users and service principals (graph contract "App access", "Role assignments")."""

import base64
import secrets
import uuid
from typing import Final

from .. import graph_api
from ..audits import user_target
from ..call import NO_CONTENT, Answer, Call, Json, Needs
from ..clock import instant
from ..errors import bad_request, check_required, invalid_reference, not_found
from ..expanding import assignment_shown as shown
from ..listing import list_plain
from ..objects import Assignment, DirectoryObject
from ..odata.shapes import checked_body
from ..routing import Route
from ..world import World
from . import permissions as may
from .answers import Find
from .lookup import need_group, need_service_principal, need_user

DEFAULT_ACCESS: Final = "00000000-0000-0000-0000-000000000000"
_ROLES, _ASSIGNED_TO = "appRoleAssignments", "appRoleAssignedTo"
_AUDITED = {
    "User": "Add app role assignment grant to user",
    "Group": "Add app role assignment to group",
    "ServicePrincipal": "Add app role assignment to service principal",
}
PRINCIPAL_TYPES: Final = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}


def assign(world: World, body: Json) -> Assignment:
    """Give a principal an app role. Raises GraphError: 400 for a principal that cannot be seen yet, a role the app
    does not have, or a duplicate."""
    fields = checked_body(world.settings.odata, "appRoleAssignment", body)
    check_required(fields, "AppRoleAssignment", "principalId", "resourceId", "appRoleId")
    principal = world.directory.find(fields["principalId"])
    window = world.settings.replication.app_role
    if principal is None or world.new.hides(principal.id, "app_role", window):
        raise invalid_reference()
    resource = world.directory.service_principals.get(fields["resourceId"])
    if resource is None:
        raise not_found(fields["resourceId"])
    if principal.kind not in PRINCIPAL_TYPES:
        raise invalid_reference()
    role_id = str(fields["appRoleId"]).lower()
    if not _has_role(resource, role_id, "Application" if principal.kind == "servicePrincipal" else "User"):
        raise bad_request("Permission being assigned was not found on application")
    if world.directory.assignments.same(principal.id, resource.id, role_id):
        raise bad_request("Permission being assigned already exists on the object")
    assignment = Assignment(
        id=new_assignment_id(principal.id),
        principal_id=principal.id,
        principal_type=PRINCIPAL_TYPES[principal.kind],
        resource_id=resource.id,
        app_role_id=role_id,
        created=instant(),
    )
    world.directory.assignments.add(assignment)
    graph_api.take_over(world, assignment)
    return assignment


def new_assignment_id(principal_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(principal_id).bytes_le + secrets.token_bytes(16)).decode().rstrip("=")


def _has_role(resource: DirectoryObject, role_id: str, member_type: str) -> bool:
    """Default access is valid where no role for such members is declared (graph contract "App access")."""
    roles = [
        role
        for role in resource.get("appRoles") or []
        if role.get("isEnabled", True) and member_type in role.get("allowedMemberTypes", [])
    ]
    if role_id == DEFAULT_ACCESS:
        return not roles
    return any(str(role["id"]).lower() == role_id for role in roles)


def _routes(base: str, find: Find, name: str, read: Needs, units: int = 1) -> tuple[Route, ...]:
    """The assignments of an object, or those on a service principal, by the collection's name."""
    of_resource = name == _ASSIGNED_TO
    own = "resourceId" if of_resource else "principalId"

    def context(object_: DirectoryObject) -> str:
        """Microsoft Graph, "List appRoleAssignments granted for a service principal"."""
        return f"{object_.kind}s('{object_.id}')/{name}"

    def listed(call: Call) -> Answer:
        """For a user also those of the groups it is a *direct* member of: nesting gives no access (graph contract
        "App access")."""
        object_, directory = find(call), call.world.directory
        held = directory.assignments
        ids = list(held.of_resource(object_.id) if of_resource else held.of_principal(object_.id))
        for group in directory.groups_of(object_.id, transitive=False) if object_.kind == "user" else ():
            ids.extend(held.of_principal(group.id))
        found = [held.get(id_) for id_ in ids]
        items = [shown(call.world, assignment) for assignment in found if assignment is not None]
        return list_plain(call, items, context(object_))

    def create(call: Call) -> Answer:
        object_, body = find(call), call.json()
        if str(body.get(own, object_.id)).lower() != object_.id.lower():
            raise bad_request(f"Property '{own}' does not match the object in the request URL.")
        assignment = assign(call.world, {own: object_.id, **body})
        type_, principal = assignment.principal_type, call.world.directory.find(assignment.principal_id)
        if principal is not None:
            target = user_target(principal) | {"type": type_}
            call.world.audits.write(_AUDITED[type_], by=call.actor, target=target, operation="Assign")
        head = {"@odata.context": f"{call.base_url}/$metadata#{context(object_)}/$entity"}
        return Answer(201, {**head, **shown(call.world, assignment)})

    def remove(call: Call) -> Answer:
        object_, key = find(call), call.keys["assignment"]
        assignment = call.world.directory.assignments.get(key)
        owner = None if assignment is None else assignment.resource_id if of_resource else assignment.principal_id
        if assignment is None or owner != object_.id:
            raise not_found(key)
        call.world.directory.assignments.remove(assignment)
        graph_api.take_over(call.world, assignment, gone=True)
        return NO_CONTENT

    return (
        Route("GET", f"{base}/{name}", listed, read, units),
        Route("POST", f"{base}/{name}", create, may.ASSIGNMENT_WRITE),
        Route("DELETE", f"{base}/{name}/{{assignment}}", remove, may.ASSIGNMENT_WRITE),
    )


_PRINCIPAL, _BY_APP_ID = "/servicePrincipals/{servicePrincipal}", "/servicePrincipals/(appId=)/{appId}"
ROUTES: tuple[Route, ...] = (
    *_routes("/users/{user}", need_user, _ROLES, may.USER_ASSIGNMENT_READ),
    *_routes("/groups/{group}", need_group, _ROLES, may.GROUP_ASSIGNMENT_READ),
    *_routes(_PRINCIPAL, need_service_principal, _ROLES, may.ASSIGNMENT_READ, units=2),
    *_routes(_PRINCIPAL, need_service_principal, _ASSIGNED_TO, may.ASSIGNED_READ),
    *_routes(_BY_APP_ID, need_service_principal, _ASSIGNED_TO, may.ASSIGNED_READ),
)
