"""The resources of Graph, one module or folder each: routes and answers apart from state and rules."""

from ..routing import Route
from . import (
    app_role_assignments,
    applications,
    deleted_items,
    directory_objects,
    group_settings,
    memberships,
    organization,
    policies,
    service_principals,
    users,
)
from .entitlement import routes as entitlement
from .groups import routes as groups
from .invitations import model as invitations
from .mail import routes as mail

_MODULES = (
    *(invitations, users, groups, app_role_assignments, service_principals, applications, directory_objects),
    *(deleted_items, policies, group_settings, organization, entitlement, mail, memberships),
)
ROUTES: tuple[Route, ...] = tuple(route for module in _MODULES for route in module.ROUTES)
