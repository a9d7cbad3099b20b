"""``/policies/crossTenantAccessPolicy/partners``: settings for one other organization (Microsoft's v1.0 reference).

What is not set for a partner is null: the default applies. None of them decides about invitations here: the
settings of the simulator do (``policies.crossTenantBlockedDomains``).
"""

import re
from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..errors import GraphError, bad_request, not_found
from ..listing import list_plain
from ..routing import Route
from . import permissions as may
from .lookup import plain_entity

_SET: Final = "policies/crossTenantAccessPolicy/partners"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SETTINGS: Final = (
    "inboundTrust",
    "b2bCollaborationOutbound",
    "b2bCollaborationInbound",
    "b2bDirectConnectOutbound",
    "b2bDirectConnectInbound",
    "tenantRestrictions",
    "automaticUserConsentSettings",
)


def list_partners(call: Call) -> Answer:
    return list_plain(call, list(call.world.directory.partners.values()), _SET)


def get_partner(call: Call) -> Answer:
    return Answer(200, plain_entity(call, _SET, _need(call)))


def create_partner(call: Call) -> Answer:
    """Raises GraphError: 400 for no tenant or one's own, 409 for a partner that is there (UNVERIFIED)."""
    body, directory = call.json(), call.world.directory
    tenant = str(body.get("tenantId") or "").lower()
    if not _GUID.fullmatch(tenant) or tenant == directory.tenant.id.lower():
        raise bad_request("Invalid value specified for property 'tenantId'.")
    if tenant in directory.partners:
        raise GraphError(409, "Conflict", f"A partner configuration for tenant '{tenant}' already exists.")
    unset: Json = {"isServiceProvider": None, "isInMultiTenantOrganization": False, **dict.fromkeys(_SETTINGS)}
    directory.partners[tenant] = {"tenantId": tenant, **unset, **_checked(body, also=("tenantId",))}
    return Answer(201, plain_entity(call, _SET, directory.partners[tenant]))


def update_partner(call: Call) -> Answer:
    _need(call).update(_checked(call.json()))
    return NO_CONTENT


def delete_partner(call: Call) -> Answer:
    del call.world.directory.partners[_need(call)["tenantId"]]
    return NO_CONTENT


def _need(call: Call) -> Json:
    """Raises GraphError: 404."""
    found = call.world.directory.partners.get(call.keys["partner"].lower())
    if found is None:
        raise not_found(call.keys["partner"])
    return found


def _checked(body: Json, also: tuple[str, ...] = ()) -> Json:
    fields = {name: value for name, value in body.items() if "@" not in name and name not in also}
    for name, value in fields.items():
        if name not in _SETTINGS:
            raise bad_request(f"Invalid property '{name}'.")
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"Invalid value specified for property '{name}'.")
    return fields


_PARTNERS = f"/{_SET}"
ROUTES: tuple[Route, ...] = (
    Route("GET", _PARTNERS, list_partners, may.POLICY_READ),
    Route("POST", _PARTNERS, create_partner, may.CROSS_TENANT_WRITE),
    Route("GET", f"{_PARTNERS}/{{partner}}", get_partner, may.POLICY_READ),
    Route("PATCH", f"{_PARTNERS}/{{partner}}", update_partner, may.CROSS_TENANT_WRITE),
    Route("DELETE", f"{_PARTNERS}/{{partner}}", delete_partner, may.CROSS_TENANT_WRITE),
)
