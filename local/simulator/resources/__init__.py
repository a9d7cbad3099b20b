"""The resources of Graph, one module or folder each: routes and answers apart from state and rules."""

from ..routing import Route
from . import (
    app_role_assignments,
    applications,
    directory_objects,
    group_settings,
    groups,
    invitations,
    memberships,
    service_principals,
    tenant,
    users,
)
from .entitlement import routes as entitlement
from .mail import routes as mail

_MODULES = (
    *(invitations, users, groups, app_role_assignments, service_principals, applications, directory_objects),
    *(tenant, group_settings, entitlement, mail, memberships),
)
ROUTES: tuple[Route, ...] = tuple(route for module in _MODULES for route in module.ROUTES)
