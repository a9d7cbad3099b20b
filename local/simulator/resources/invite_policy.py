"""What the tenant's policies say to an invitation, before any guest is made, and to its redemption; which addresses
the directory refuses (graph contract "Invitations", "Suspicious activity", "Invite policy", "Refused addresses", "New
guests", "Unverified switches")."""

import re
from typing import Final

from ..audits import Actor, user_target
from ..call import Caller
from ..clock import elapsed_ms, stamp
from ..errors import GraphError, bad_request, invite_denied
from ..objects import DirectoryObject
from ..settings import Invitations
from ..world import World

# Documented as not allowed; `@` has its own place. The apostrophe is not in the list (UNVERIFIED, a switch).
_PROHIBITED: Final = frozenset('~!#$%^&*()=[]{}\\/|;:"<>?,` ')
_DOMAIN: Final = re.compile(r"(?:[^\s.@]+\.)+[^\s.@]{2,}")


def check_address(address: str, rules: Invitations) -> None:
    """Raises GraphError: 400 "The Primary SMTP Address is an invalid value"."""
    local, mark, domain = address.rpartition("@")
    prohibited = _PROHIBITED | ({"+"} if rules.refuse_plus else set()) | ({"'"} if rules.refuse_apostrophe else set())
    is_local = bool(mark and local) and "@" not in local and local[0] not in ".-" and local[-1] not in ".-"
    if not is_local or prohibited & set(local + domain) or _DOMAIN.fullmatch(domain) is None:
        raise bad_request("The Primary SMTP Address is an invalid value", "BadRequest")


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


_INVITES_OFF = "Guest invitations not allowed for your company. Contact your company administrator for more details."


def check_caller(world: World, caller: Caller) -> None:
    """Raises GraphError: 403 for the tenant's block or its invite policy, 401 for a missing permission."""
    policies = world.settings.policies
    if policies.suspicious_activity_block:
        raise GraphError(
            403,
            "Forbidden",
            "Invitations are blocked for this directory due to suspicious activity. "
            "Please contact Microsoft support for help.",
        )
    allow = _in_force(world)
    if allow == "none":
        raise GraphError(403, policies.invites_off_code, _INVITES_OFF)
    if allow == "adminsAndGuestInviters" and caller.is_app:
        rule = policies.guest_inviters_rule
        if rule == "refuse-apps" or (rule == "invite-permission" and not caller.may("User.Invite.All")):
            raise GraphError(403, policies.invites_off_code, _INVITES_OFF)


def check_member_type(world: World, caller: Caller) -> None:
    """Inviting as Member takes an admin; what that means for an app is UNVERIFIED (switch)."""
    if caller.is_app and not world.settings.invitations.app_only_member_type:
        raise invite_denied(world.directory.tenant.id)


def check_domain(world: World, address: str) -> None:
    """Raises GraphError: the domain is on the deny list, not on the allow list, or blocked across tenants."""
    policies, domain = world.settings.policies, domain_of(address)
    allowed = {name.lower() for name in policies.allowed_domains}
    if domain in {name.lower() for name in policies.blocked_domains} or (allowed and domain not in allowed):
        raise GraphError(
            policies.domain_refusal_status, policies.domain_refusal_code, policies.domain_refusal_message
        )
    blocked = {name.lower() for name in policies.cross_tenant_blocked_domains}
    if domain in blocked or "*" in blocked:
        who = (
            "Admins in both your organization and the invited user's organization"
            if policies.cross_tenant_both_sides
            else "Admins in your organization"
        )
        raise GraphError(
            policies.cross_tenant_status,
            "Forbidden" if policies.cross_tenant_status == 403 else "BadRequest",
            "This invitation is blocked by cross-tenant access settings. "
            f"{who} must configure cross-tenant access settings to allow the invitation.",
        )


def count(world: World) -> None:
    """One more invitation towards the anomaly block, which stays until it is switched off."""
    world.invited.since_unblocked += 1
    limit = world.settings.policies.suspicious_activity_after
    if limit is not None and world.invited.since_unblocked >= limit:
        world.settings.policies.suspicious_activity_block = True


def _in_force(world: World) -> str:
    """A change of the policy works only after a while."""
    policies, before = world.settings.policies, world.invited.policy_before
    if before is not None and elapsed_ms(before[1]) < policies.policy_delay_ms:
        return before[0]
    return policies.allow_invites_from


class CannotRedeem(Exception):
    """The ticket or the guest is not good for a redemption; the text says why."""


def redeem(world: World, *, redeem_url: str | None = None, user_id: str | None = None) -> DirectoryObject:
    """The guest has accepted, by a ticket or without one: in the cloud a person does this in a browser, here the
    control plane does. A repeat changes nothing. Raises CannotRedeem: unknown ticket or guest, a ticket broken by a
    newer one (switch), a blocked domain."""
    if redeem_url is not None:
        guest = world.invited.owner_of(redeem_url)
        if guest is None:
            raise CannotRedeem("no such ticket")
        if world.settings.invitations.newer_ticket_breaks_older and redeem_url != guest.redeem_urls[-1]:
            raise CannotRedeem("a newer ticket replaced this one")
        user_id = guest.user_id
    user = world.directory.users.get(user_id or "")
    if user is None or user.get("externalUserState") is None:
        raise CannotRedeem("no such guest")
    if user.get("externalUserState") == "Accepted":
        return user
    if domain_of(str(user.get("mail") or "")) in {name.lower() for name in world.settings.policies.blocked_domains}:
        raise CannotRedeem("pending guests of a blocked domain cannot redeem")
    world.directory.change(user, {"externalUserState": "Accepted", "externalUserStateChangeDateTime": stamp()})
    world.audits.write(
        "Redeem external user invite",
        by=Actor(user_id=user.id, user_name=user.get("userPrincipalName"), name=user.get("displayName")),
        target=user_target(user),
        service="Invited Users",
        operation="Update",
    )
    return user
