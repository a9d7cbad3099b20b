"""App role assignments of groups, users and service principals (graph contract "App access", "Role assignments")."""

import base64
import secrets
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Final

from .. import graph_api
from ..audits import user_target
from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import instant
from ..directory.objects import DirectoryObject
from ..directory.relations import Assignment
from ..errors import bad_request, invalid_reference, not_found
from ..expanding import assignment_shown as shown
from ..listing import list_plain
from ..odata.shapes import checked_body
from ..routing import Needs, Route
from ..world import World
from . import permissions as may
from .answers import bound
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
    for name in ("principalId", "resourceId", "appRoleId"):
        if fields.get(name) is None:
            raise bad_request(f"A value is required for property '{name}' of resource 'AppRoleAssignment'.")
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


def _object(call: Call, kind: str) -> DirectoryObject:
    if kind == "user":
        return need_user(call)
    return need_group(call) if kind == "group" else need_service_principal(call)


def _listed(call: Call, ids: Iterable[str], context: str) -> Answer:
    world = call.world
    found = [world.directory.assignments.get(id_) for id_ in ids]
    return list_plain(call, [shown(world, assignment) for assignment in found if assignment is not None], context)


def _context(object_: DirectoryObject, name: str) -> str:
    """Microsoft Graph, "List appRoleAssignments granted for a service principal"."""
    return f"{object_.kind}s('{object_.id}')/{name}"


def list_of_principal(call: Call, *, kind: str) -> Answer:
    """For a user also those of the groups it is a *direct* member of: nesting gives no access (graph contract "App
    access")."""
    world, object_ = call.world, _object(call, kind)
    ids = list(world.directory.assignments.of_principal(object_.id))
    if kind == "user":
        for group in world.directory.groups_of(object_.id, transitive=False):
            ids.extend(world.directory.assignments.of_principal(group.id))
    return _listed(call, ids, _context(object_, _ROLES))


def list_of_resource(call: Call) -> Answer:
    object_ = _object(call, "servicePrincipal")
    return _listed(call, call.world.directory.assignments.of_resource(object_.id), _context(object_, _ASSIGNED_TO))


def create(call: Call, *, kind: str, property_: str, name: str) -> Answer:
    """`property_` is the one that must name the object of the path, `name` the collection's."""
    object_, body = _object(call, kind), call.json()
    if str(body.get(property_, object_.id)).lower() != object_.id.lower():
        raise bad_request(f"Property '{property_}' does not match the object in the request URL.")
    assignment = assign(call.world, {property_: object_.id, **body})
    type_, principal = assignment.principal_type, call.world.directory.find(assignment.principal_id)
    if principal is not None:
        target = user_target(principal) | {"type": type_}
        call.world.audits.write(_AUDITED[type_], by=call.actor, target=target, operation="Assign")
    context = f"{call.base_url}/$metadata#{_context(object_, name)}/$entity"
    return Answer(201, {"@odata.context": context, **shown(call.world, assignment)})


def remove(call: Call, *, kind: str, of_resource: bool) -> Answer:
    object_ = _object(call, kind)
    assignment = call.world.directory.assignments.get(call.keys["assignment"])
    owner = None if assignment is None else assignment.resource_id if of_resource else assignment.principal_id
    if assignment is None or owner != object_.id:
        raise not_found(call.keys["assignment"])
    call.world.directory.assignments.remove(assignment)
    graph_api.take_over(call.world, assignment, gone=True)
    return NO_CONTENT


def _routes(base: str, kind: str, name: str, read: Needs) -> tuple[Route, ...]:
    of_resource, path, write = name == _ASSIGNED_TO, f"{base}/{name}", may.ASSIGNMENT_WRITE
    property_ = "resourceId" if of_resource else "principalId"
    listing = list_of_resource if of_resource else partial(list_of_principal, kind=kind)
    units = 2 if kind == "servicePrincipal" and not of_resource else 1
    return (
        Route("GET", path, listing, read, units),
        bound("POST", path, create, write, kind=kind, property_=property_, name=name),
        bound("DELETE", f"{path}/{{assignment}}", remove, write, kind=kind, of_resource=of_resource),
    )


_PRINCIPAL = "/servicePrincipals/{servicePrincipal}"
ROUTES: tuple[Route, ...] = (
    *_routes("/users/{user}", "user", _ROLES, may.USER_ASSIGNMENT_READ),
    *_routes("/groups/{group}", "group", _ROLES, may.GROUP_ASSIGNMENT_READ),
    *_routes(_PRINCIPAL, "servicePrincipal", _ROLES, may.ASSIGNMENT_READ),
    *_routes(_PRINCIPAL, "servicePrincipal", _ASSIGNED_TO, may.ASSIGNED_READ),
    *_routes("/servicePrincipals/(appId=)/{appId}", "servicePrincipal", _ASSIGNED_TO, may.ASSIGNED_READ),
)
