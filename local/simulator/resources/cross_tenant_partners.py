"""``/policies/crossTenantAccessPolicy/partners``: settings for one other organization (Microsoft's v1.0 reference).

What is not set for a partner is null: the default applies. None of them decides about invitations here: the
settings of the simulator do (``policies.crossTenantBlockedDomains``).
"""

from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..errors import GraphError, bad_request, not_found
from ..listing import list_plain
from ..odata.types import is_guid
from ..routing import Route
from ..tables import TABLES
from . import permissions as may
from .answers import plain

_SET: Final = "policies/crossTenantAccessPolicy/partners"
_UNSET: Final[Json] = TABLES["crossTenantAccessPolicyPartner"]


def list_partners(call: Call) -> Answer:
    return list_plain(call, list(call.world.directory.partners.values()), _SET)


def get_partner(call: Call) -> Answer:
    return plain(call, _SET, _need(call))


def create_partner(call: Call) -> Answer:
    """Raises GraphError: 400 for no tenant or one's own, 409 for a partner that is there (UNVERIFIED)."""
    body, directory = call.json(), call.world.directory
    tenant = str(body.get("tenantId") or "").lower()
    if not is_guid(tenant) or tenant == directory.tenant.id.lower():
        raise bad_request("Invalid value specified for property 'tenantId'.")
    if tenant in directory.partners:
        raise GraphError(409, "Conflict", f"A partner configuration for tenant '{tenant}' already exists.")
    directory.partners[tenant] = {"tenantId": tenant, **_UNSET, **_checked(body, also="tenantId")}
    return plain(call, _SET, directory.partners[tenant], status=201)


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


def _checked(body: Json, also: str = "") -> Json:
    fields = {name: value for name, value in body.items() if "@" not in name and name != also}
    for name, value in fields.items():
        if _UNSET.get(name, "") is not None:
            raise bad_request(f"Invalid property '{name}'.")
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"Invalid value specified for property '{name}'.")
    return fields


_PARTNERS, _PARTNER = f"/{_SET}", f"/{_SET}/{{partner}}"
ROUTES: tuple[Route, ...] = (
    Route("GET", _PARTNERS, list_partners, may.POLICY_READ),
    Route("POST", _PARTNERS, create_partner, may.CROSS_TENANT_WRITE),
    Route("GET", _PARTNER, get_partner, may.POLICY_READ),
    Route("PATCH", _PARTNER, update_partner, may.CROSS_TENANT_WRITE),
    Route("DELETE", _PARTNER, delete_partner, may.CROSS_TENANT_WRITE),
)
