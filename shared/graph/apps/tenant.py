"""The tenant's settings around guests, and the permissions that Guestlist's identity holds."""

from typing import Any

from shared.core.checks import TenantFacts, Unreadable
from shared.core.errors import DirectoryBusy, Refused
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.on_graph import OnGraph
from shared.graph.response import Response

_TENANT_GROUPS = "62375ab9-6b52-47ed-826b-58e47e0e304b"
"""Template of the tenant's settings for Microsoft 365 groups (``Group.Unified``)."""


class Tenant(OnGraph):
    async def permissions(self) -> frozenset[str]:
        """The application permissions that Guestlist's identity holds on the directory."""
        return await self._session.permissions()

    async def read_tenant(self) -> TenantFacts:
        """The settings around self-service, in one ``$batch``. What may not be read is answered with why, and hides
        nothing else. Safe to repeat."""
        policy, settings = await batch.send(
            self._session, [Part("GET", "/policies/authorizationPolicy"), Part("GET", "/groupSettings")]
        )
        found = _body(policy, "Policy.Read.All")
        groups = _body(settings, "Directory.Read.All")
        return TenantFacts(
            invites_from=found if isinstance(found, Unreadable) else str(found.get("allowInvitesFrom")),
            guest_role=found if isinstance(found, Unreadable) else str(found.get("guestUserRoleId")),
            guests_in_groups=groups if isinstance(groups, Unreadable) else _guests_in_groups(groups),
        )


def _body(response: Response, permission: str) -> "dict[str, Any] | Unreadable":
    if response.status == 200 and isinstance(response.body, dict):
        return response.body
    error = errors.reading_failed(response, permission)
    if isinstance(error, DirectoryBusy):
        raise error
    return Unreadable((error.detail if isinstance(error, Refused) else None) or str(error))


def _guests_in_groups(settings: dict[str, Any]) -> bool | None:
    """None where nobody has overridden the default, which admits guests (graph contract "Policies")."""
    for setting in settings.get("value") or ():
        if str(setting.get("templateId", "")).lower() != _TENANT_GROUPS:
            continue
        for value in setting.get("values") or ():
            if value.get("name") == "AllowToAddGuests":
                return str(value.get("value")).lower() != "false"
    return None
