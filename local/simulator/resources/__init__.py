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

ROUTES: tuple[Route, ...] = (
    *invitations.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *app_role_assignments.ROUTES,
    *service_principals.ROUTES,
    *applications.ROUTES,
    *directory_objects.ROUTES,
    *deleted_items.ROUTES,
    *policies.ROUTES,
    *group_settings.ROUTES,
    *organization.ROUTES,
    *entitlement.ROUTES,
    *mail.ROUTES,
    *memberships.ROUTES,
)
