"""The tenant's policies (graph contract "Policies"). What they decide lives in the settings, so that both ways of
change agree."""

import json
from typing import Any

from ..call import NO_CONTENT, Answer, Call, Json
from ..errors import bad_request, not_found
from ..listing import list_plain
from ..odata.shapes import checked_body
from ..routing import Route
from ..settings import BadSettings, merged
from ..world import World
from . import permissions as may

_B2B_POLICY_ID = "0f1c6f6b-6a0f-4a0a-9a59-1b6d6a5e3f10"
_AUTHORIZATION_DEFAULTS: Json = {
    "id": "authorizationPolicy",
    "deletedDateTime": None,
    "displayName": "Authorization Policy",
    "description": "Used to manage authorization related settings across the company.",
    "allowEmailVerifiedUsersToJoinOrganization": False,
    "allowUserConsentForRiskyApps": None,
    "allowedToSignUpEmailBasedSubscriptions": True,
    "allowedToUseSSPR": True,
    "blockMsolPowerShell": False,
    "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
    "defaultUserRolePermissions": {
        "allowedToCreateApps": True,
        "allowedToCreateSecurityGroups": True,
        "allowedToCreateTenants": True,
        "allowedToReadBitlockerKeysForOwnedDevice": True,
        "allowedToReadOtherUsers": True,
        "permissionGrantPoliciesAssigned": [],
    },
}
_READ_ONLY = frozenset({"id", "deletedDateTime"})


def get_authorization_policy(call: Call) -> Answer:
    return Answer(
        200,
        {
            "@odata.context": f"{call.base_url}/$metadata#policies/authorizationPolicy/$entity",
            **_authorization_policy(call.world),
        },
    )


def update_authorization_policy(call: Call) -> Answer:
    changes = checked_body(
        "authorizationPolicy",
        call.json(),
        reject_unknown=call.world.settings.odata.reject_unknown_properties,
        read_only=_READ_ONLY,
    )
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
    """Merge a change into the settings, with what follows from it.

    Raises:
        GraphError: 400 when the change does not fit.
    """
    before = world.settings.policies
    try:
        world.settings = merged(world.settings, change)
    except BadSettings as error:
        raise bad_request(str(error)) from error
    after = world.settings.policies
    if before.allow_invites_from != after.allow_invites_from:
        world.invited.note_policy_change(before.allow_invites_from)
    if before.suspicious_activity_block and not after.suspicious_activity_block:
        world.invited.since_unblocked = 0


def _authorization_policy(world: World) -> Json:
    return {
        **_AUTHORIZATION_DEFAULTS,
        **world.directory.authorization_policy,
        "allowInvitesFrom": world.settings.policies.allow_invites_from,
    }


def get_cross_tenant_policy(call: Call) -> Answer:
    return Answer(
        200,
        {
            "@odata.context": f"{call.base_url}/$metadata#policies/crossTenantAccessPolicy/$entity",
            "id": "crossTenantAccessPolicy",
            "displayName": "CrossTenantAccessPolicy",
            "allowedCloudEndpoints": [],
        },
    )


def get_cross_tenant_default(call: Call) -> Answer:
    """``isServiceDefault`` is true until someone changes it; a blocked ``*`` in the settings shows as blocked."""
    changed = call.world.directory.cross_tenant
    blocks_all = "*" in call.world.settings.policies.cross_tenant_blocked_domains
    outbound = _b2b("allowed", "AllUsers")
    body: Json = {
        "id": "default",
        "isServiceDefault": not changed and not blocks_all,
        "b2bCollaborationInbound": outbound,
        "b2bCollaborationOutbound": _b2b("blocked", "AllUsers") if blocks_all else outbound,
        "b2bDirectConnectInbound": _b2b("blocked", "AllUsers"),
        "b2bDirectConnectOutbound": _b2b("blocked", "AllUsers"),
        "inboundTrust": {
            "isMfaAccepted": False,
            "isCompliantDeviceAccepted": False,
            "isHybridAzureADJoinedDeviceAccepted": False,
        },
        "automaticUserConsentSettings": {"inboundAllowed": False, "outboundAllowed": False},
        "invitationRedemptionIdentityProviderConfiguration": {
            "primaryIdentityProviderPrecedenceOrder": [
                "azureActiveDirectory",
                "externalFederation",
                "socialIdentityProviders",
            ],
            "fallbackIdentityProvider": "emailOneTimePasscode",
        },
    }
    return Answer(
        200,
        {
            "@odata.context": f"{call.base_url}/$metadata#policies/crossTenantAccessPolicy/default/$entity",
            **body,
            **changed,
        },
    )


def update_cross_tenant_default(call: Call) -> Answer:
    body = call.json()
    call.world.directory.cross_tenant.update(
        {name: value for name, value in body.items() if "@" not in name and name != "isServiceDefault"}
    )
    return NO_CONTENT


def _b2b(access: str, target: str) -> Json:
    return {
        "usersAndGroups": {"accessType": access, "targets": [{"target": target, "targetType": "user"}]},
        "applications": {
            "accessType": access,
            "targets": [{"target": "AllApplications", "targetType": "application"}],
        },
    }


def list_b2b_policies(call: Call) -> Answer:
    return list_plain(call, _b2b_policies(call.world), "policies/b2bManagementPolicies")


def create_b2b_policy(call: Call) -> Answer:
    if _b2b_policies(call.world):
        raise bad_request("Only one B2B management policy is allowed in a tenant.")
    _write_b2b_policy(call)
    return Answer(201, _b2b_policies(call.world)[0])


def update_b2b_policy(call: Call) -> Answer:
    if call.keys["policy"] != _B2B_POLICY_ID or not _b2b_policies(call.world):
        raise not_found(call.keys["policy"])
    _write_b2b_policy(call)
    return NO_CONTENT


def _b2b_policies(world: World) -> list[Json]:
    policies = world.settings.policies
    if policies.allowed_domains:
        domains = {"AllowedDomains": policies.allowed_domains}
    elif policies.blocked_domains:
        domains = {"BlockedDomains": policies.blocked_domains}
    else:
        return []
    definition = {"B2BManagementPolicy": {"InvitationsAllowedAndBlockedDomainsPolicy": domains}}
    return [
        {
            "id": _B2B_POLICY_ID,
            "deletedDateTime": None,
            "displayName": "B2BManagementPolicy",
            "description": "",
            "definition": [json.dumps(definition, separators=(",", ":"))],
            "isOrganizationDefault": True,
            "type": 6,
        }
    ]


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


_AUTHORIZATION = "/policies/authorizationPolicy"
_CROSS_TENANT = "/policies/crossTenantAccessPolicy"
ROUTES: tuple[Route, ...] = (
    Route("GET", _AUTHORIZATION, get_authorization_policy, may.POLICY_READ),
    Route("PATCH", _AUTHORIZATION, update_authorization_policy, may.AUTHORIZATION_WRITE),
    # In beta the object sits one level deeper (graph contract "Policies").
    Route("GET", f"{_AUTHORIZATION}/authorizationPolicy", get_authorization_policy, may.POLICY_READ, beta_only=True),
    Route(
        "PATCH",
        f"{_AUTHORIZATION}/authorizationPolicy",
        update_authorization_policy,
        may.AUTHORIZATION_WRITE,
        beta_only=True,
    ),
    Route("GET", _CROSS_TENANT, get_cross_tenant_policy, may.POLICY_READ),
    Route("GET", f"{_CROSS_TENANT}/default", get_cross_tenant_default, may.POLICY_READ),
    Route("PATCH", f"{_CROSS_TENANT}/default", update_cross_tenant_default, may.CROSS_TENANT_WRITE),
    *(
        route
        for base in ("/policies/b2bManagementPolicies", "/legacy/policies")
        for route in (
            Route("GET", base, list_b2b_policies, may.B2B_MANAGEMENT_READ, beta_only=True),
            Route("POST", base, create_b2b_policy, may.B2B_MANAGEMENT_WRITE, beta_only=True),
            Route("PATCH", f"{base}/{{policy}}", update_b2b_policy, may.B2B_MANAGEMENT_WRITE, beta_only=True),
        )
    ),
)
