"""Who the tenant is (``/organization``, ``/domains``), what happened in its directory (``/auditLogs``; sign-ins are
not simulated: their list is empty), and its policies (graph contract "Policies"). What policies decide lives in the
settings, so that both ways of change agree; partners of the cross-tenant access policy decide about no invitation."""

import json
from typing import Any, Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import monotonic
from ..errors import GraphError, bad_request
from ..listing import list_plain
from ..odata.shapes import checked_body
from ..odata.types import is_guid
from ..routing import Route
from ..settings import BadSettings, merged
from ..tables import TABLES
from ..world import World
from . import permissions as may
from .answers import each, found, plain, reading

_PARTNERS: Final = "policies/crossTenantAccessPolicy/partners"
_UNSET: Final[Json] = TABLES["crossTenantAccessPolicyPartner"]
"""What is not set for a partner is null: the default applies."""


def update_authorization_policy(call: Call) -> Answer:
    changes = checked_body(call.world.settings.odata, "authorizationPolicy", call.json())
    invites = changes.pop("allowInvitesFrom", None)
    if invites is not None:
        change_settings(call.world, {"policies": {"allowInvitesFrom": invites}})
    before = _authorization_policy(call.world)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            value = {**before[name], **value}
        call.world.directory.authorization_policy[name] = value
    return NO_CONTENT


def change_settings(world: World, change: Json) -> None:
    """Merge a change into the settings, with what follows from it. Raises GraphError: 400 when the change does not
    fit."""
    before = world.settings.policies
    try:
        world.settings = merged(world.settings, change)
    except BadSettings as error:
        raise bad_request(str(error)) from error
    after = world.settings.policies
    if before.allow_invites_from != after.allow_invites_from:
        world.invited.policy_before = (before.allow_invites_from, monotonic())
    if before.suspicious_activity_block and not after.suspicious_activity_block:
        world.invited.since_unblocked = 0


def _authorization_policy(world: World) -> Json:
    decided = {"allowInvitesFrom": world.settings.policies.allow_invites_from}
    return {**TABLES["authorizationPolicy"], **world.directory.authorization_policy, **decided}


def get_cross_tenant_policy(call: Call) -> Answer:
    return plain(call, "policies/crossTenantAccessPolicy", TABLES["crossTenantAccessPolicy"])


def get_cross_tenant_default(call: Call) -> Answer:
    """``isServiceDefault`` is true until someone changes it; a blocked ``*`` in the settings shows as blocked."""
    changed = call.world.directory.cross_tenant
    blocks_all = "*" in call.world.settings.policies.cross_tenant_blocked_domains
    body: Json = {
        **TABLES["crossTenantAccessPolicyDefault"],
        "isServiceDefault": not changed and not blocks_all,
        "b2bCollaborationInbound": _b2b("allowed"),
        "b2bCollaborationOutbound": _b2b("blocked" if blocks_all else "allowed"),
        "b2bDirectConnectInbound": _b2b("blocked"),
        "b2bDirectConnectOutbound": _b2b("blocked"),
        **changed,
    }
    return plain(call, "policies/crossTenantAccessPolicy/default", body)


def update_cross_tenant_default(call: Call) -> Answer:
    changes = {name: value for name, value in call.json().items() if "@" not in name and name != "isServiceDefault"}
    call.world.directory.cross_tenant.update(changes)
    return NO_CONTENT


def _b2b(access: str) -> Json:
    def all_of(target: str, type_: str) -> Json:
        return {"accessType": access, "targets": [{"target": target, "targetType": type_}]}

    return {"usersAndGroups": all_of("AllUsers", "user"), "applications": all_of("AllApplications", "application")}


def create_partner(call: Call) -> Answer:
    """Raises GraphError: 400 for no tenant or one's own, 409 for a partner that is there (UNVERIFIED)."""
    body, directory = call.json(), call.world.directory
    tenant = str(body.get("tenantId") or "").lower()
    if not is_guid(tenant) or tenant == directory.tenant.id.lower():
        raise bad_request("Invalid value specified for property 'tenantId'.")
    if tenant in directory.partners:
        raise GraphError(409, "Conflict", f"A partner configuration for tenant '{tenant}' already exists.")
    directory.partners[tenant] = {"tenantId": tenant, **_UNSET, **_checked_partner(body, also="tenantId")}
    return plain(call, _PARTNERS, directory.partners[tenant], status=201)


def update_partner(call: Call) -> Answer:
    _need_partner(call).update(_checked_partner(call.json()))
    return NO_CONTENT


def delete_partner(call: Call) -> Answer:
    del call.world.directory.partners[_need_partner(call)["tenantId"]]
    return NO_CONTENT


def _partners(call: Call) -> list[Json]:
    return list(call.world.directory.partners.values())


def _need_partner(call: Call) -> Json:
    return found(_partners(call), call.keys["partner"], "tenantId")


def _checked_partner(body: Json, also: str = "") -> Json:
    fields = {name: value for name, value in body.items() if "@" not in name and name != also}
    for name, value in fields.items():
        if _UNSET.get(name, "") is not None:
            raise bad_request(f"Invalid property '{name}'.")
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"Invalid value specified for property '{name}'.")
    return fields


def create_b2b_policy(call: Call) -> Answer:
    if _b2b_policies(call.world):
        raise bad_request("Only one B2B management policy is allowed in a tenant.")
    _write_b2b_policy(call)
    return Answer(201, _b2b_policies(call.world)[0])


def update_b2b_policy(call: Call) -> Answer:
    found(_b2b_policies(call.world), call.keys["policy"])
    _write_b2b_policy(call)
    return NO_CONTENT


def _b2b_policies(world: World) -> list[Json]:
    rules = world.settings.policies
    lists = {"AllowedDomains": rules.allowed_domains, "BlockedDomains": rules.blocked_domains}
    domains = {name: listed for name, listed in lists.items() if listed}
    if not domains:
        return []
    definition = {"B2BManagementPolicy": {"InvitationsAllowedAndBlockedDomainsPolicy": domains}}
    return [{**TABLES["b2bManagementPolicy"], "definition": [json.dumps(definition, separators=(",", ":"))]}]


def _write_b2b_policy(call: Call) -> None:
    """One JSON text in a list, with an allow list or a deny list, never both (graph contract "Policies")."""
    definition = call.json().get("definition")
    try:
        inner: Any = json.loads(definition[0]) if isinstance(definition, list) and definition else None
        domains = inner["B2BManagementPolicy"]["InvitationsAllowedAndBlockedDomainsPolicy"]
        allowed, blocked = domains.get("AllowedDomains", []), domains.get("BlockedDomains", [])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request("Invalid value specified for property 'definition' of resource 'Policy'.") from error
    change_settings(call.world, {"policies": {"allowedDomains": allowed, "blockedDomains": blocked}})


def _authorization(base: str, *, beta_only: bool = False) -> tuple[Route, ...]:
    def read(call: Call) -> Answer:
        return plain(call, "policies/authorizationPolicy", _authorization_policy(call.world))

    write = may.AUTHORIZATION_WRITE
    return (
        Route("GET", base, read, may.POLICY_READ, beta_only=beta_only),
        Route("PATCH", base, update_authorization_policy, write, beta_only=beta_only),
    )


def _b2b_routes(base: str) -> tuple[Route, ...]:
    def listed(call: Call) -> Answer:
        return list_plain(call, _b2b_policies(call.world), "policies/b2bManagementPolicies")

    return (
        Route("GET", base, listed, may.B2B_MANAGEMENT_READ, beta_only=True),
        Route("POST", base, create_b2b_policy, may.B2B_MANAGEMENT_WRITE, beta_only=True),
        Route("PATCH", f"{base}/{{policy}}", update_b2b_policy, may.B2B_MANAGEMENT_WRITE, beta_only=True),
    )


def _organization(call: Call) -> list[Json]:
    tenant = call.world.directory.tenant
    domains = [{**TABLES["verifiedDomain"], **facts, "name": name} for name, facts in _verified(call)]
    facts = {"id": tenant.id, "displayName": tenant.display_name, "verifiedDomains": domains}
    return [{**TABLES["organization"], **facts}]


def _domains(call: Call) -> list[Json]:
    return [{**TABLES["domain"], **facts, "id": name} for name, facts in _verified(call)]


def _verified(call: Call) -> list[tuple[str, Json]]:
    initial, names = call.world.directory.tenant.initial_domain, call.world.verified_domains
    return [(name, {"isDefault": name == names[0], "isInitial": name == initial}) for name in names]


def _ingested(call: Call) -> list[Json]:
    return call.world.audits.listed(call.world.settings.audits.ingestion_delay_ms)


_CROSS_TENANT, _PARTNER = "/policies/crossTenantAccessPolicy", f"/{_PARTNERS}/{{partner}}"
ROUTES: tuple[Route, ...] = (
    *reading("/organization", "organization", _organization, may.ORGANIZATION_READ),
    *reading("/domains", "domain", _domains, may.ORGANIZATION_READ),
    *reading("/auditLogs/directoryAudits", "record", _ingested, may.AUDIT_READ),
    *reading("/auditLogs/signIns", "record", lambda _: [], may.AUDIT_READ),
    *_authorization("/policies/authorizationPolicy"),
    # In beta the object sits one level deeper (graph contract "Policies").
    *_authorization("/policies/authorizationPolicy/authorizationPolicy", beta_only=True),
    Route("GET", _CROSS_TENANT, get_cross_tenant_policy, may.POLICY_READ),
    Route("GET", f"{_CROSS_TENANT}/default", get_cross_tenant_default, may.POLICY_READ),
    Route("PATCH", f"{_CROSS_TENANT}/default", update_cross_tenant_default, may.CROSS_TENANT_WRITE),
    *reading(f"/{_PARTNERS}", "partner", _partners, may.POLICY_READ, by="tenantId"),
    Route("POST", f"/{_PARTNERS}", create_partner, may.CROSS_TENANT_WRITE),
    Route("PATCH", _PARTNER, update_partner, may.CROSS_TENANT_WRITE),
    Route("DELETE", _PARTNER, delete_partner, may.CROSS_TENANT_WRITE),
    *each(("/policies/b2bManagementPolicies", "/legacy/policies"), _b2b_routes),
)
