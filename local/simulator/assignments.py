"""How an app role assignment is shown, by itself and inside what `$expand` asks for."""

from typing import Any

from .directory.relations import Assignment
from .world import World

Json = dict[str, Any]


def shown(world: World, assignment: Assignment) -> Json:
    principal = world.directory.find(assignment.principal_id)
    resource = world.directory.service_principals.get(assignment.resource_id)
    return {
        "id": assignment.id,
        "deletedDateTime": None,
        "appRoleId": assignment.app_role_id,
        "createdDateTime": assignment.created,
        "principalDisplayName": principal.get("displayName") if principal else None,
        "principalId": assignment.principal_id,
        "principalType": assignment.principal_type,
        "resourceDisplayName": resource.get("displayName") if resource else None,
        "resourceId": assignment.resource_id,
    }
