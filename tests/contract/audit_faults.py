"""One fault for each rule of the audits, planted as it comes about in a real directory."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from shared.core.audit_rules import Rule
from shared.core.directory import Saml
from shared.invitations.model.invitations import State
from shared.membership.model.apps import Policy
from tests.contract.audit_world import GROUP, PERMISSIONS, AuditWorld
from tests.contract.simulated_tenant import COLLEAGUE, GUESTS, OWNER, TRAVEL, TRAVEL_APP_ID

SAML = Saml(("api://travel",), ("https://travel.example/acs",))

type Plant = Callable[[AuditWorld], Awaitable[str]]
"""Plants one fault; gives whom or what the finding is about."""


def plants(rule: Rule) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        PLANTS[rule] = plant
        return plant

    return register


PLANTS: dict[Rule, Plant] = {}


# Guests of a group


@plants(Rule.NOT_INVITED)
async def somebody_adds_a_guest_by_hand(world: AuditWorld) -> str:
    [stray] = world.seed_guests(["stray"])
    return stray


@plants(Rule.MEMBERSHIP_MISSING)
async def somebody_takes_a_guest_out(world: AuditWorld) -> str:
    [lost] = await world.guests("lost")
    world.leave(lost)
    return lost


@plants(Rule.ACCOUNT_MISSING)
async def somebody_deletes_an_account(world: AuditWorld) -> str:
    [gone] = await world.guests("gone")
    await world.audit()
    world.delete(gone)
    return gone


@plants(Rule.NEVER_REDEEMED)
async def an_invitation_lies_for_weeks(world: AuditWorld) -> str:
    old = datetime.now(UTC) - timedelta(days=31)
    pending = {"externalUserState": "PendingAcceptance", "createdDateTime": f"{old:%Y-%m-%dT%H:%M:%SZ}"}
    [late] = await world.guests("late", **pending, externalUserStateChangeDateTime=pending["createdDateTime"])
    return late


@plants(Rule.NO_SIGN_IN)
async def a_guest_stays_away(world: AuditWorld) -> str:
    last = f"{datetime.now(UTC) - timedelta(days=91):%Y-%m-%dT%H:%M:%SZ}"
    [away] = await world.guests("away", signInActivity={"lastSignInDateTime": last})
    return away


@plants(Rule.SIGN_IN_UNKNOWN)
async def sign_ins_cannot_be_read(world: AuditWorld) -> str:
    await world.permit(*(p for p in PERMISSIONS if p != "AuditLog.Read.All"))
    return "tenant"


@plants(Rule.EXPIRED)
async def a_last_day_passes(world: AuditWorld) -> str:
    [expired] = await world.guests("expired")
    yesterday = (world.clock.now() - timedelta(days=1)).date()
    await world.store.write_expiry(GROUP, "expired@fabrikam.com", yesterday)
    return expired


@plants(Rule.DOMAIN_BLOCKED)
async def a_domain_is_blocked_afterwards(world: AuditWorld) -> str:
    [blocked] = await world.guests("eve@blocked.example")
    await world.set_up(policy=Policy(blocked_domains=("blocked.example",)))
    return blocked


@plants(Rule.ACCOUNT_DISABLED)
async def an_account_is_blocked(world: AuditWorld) -> str:
    [off] = await world.guests("off")
    world.patch(f"/users/{off}", accountEnabled=False)
    return off


@plants(Rule.DUPLICATE)
async def a_person_has_a_second_account(world: AuditWorld) -> str:
    [twin] = await world.guests("twin")
    world.seed_guests(["other"], join=False, otherMails=["Twin@fabrikam.com"])
    return twin


# The group


@plants(Rule.GROUP_MISSING)
async def the_group_is_deleted(world: AuditWorld) -> str:
    world._as_admin("DELETE", f"/groups/{GUESTS}")
    return GUESTS


@plants(Rule.NO_OWNER)
async def the_group_loses_its_owners(world: AuditWorld) -> str:
    await world.set_up(owners=())
    world.regroup(owners=[])
    return GUESTS


@plants(Rule.ONE_OWNER)
async def the_group_loses_an_owner(world: AuditWorld) -> str:
    record = await world.set_up()
    await world.set_up(owners=record.owners[:1])
    world.regroup(owners=[OWNER])
    return GUESTS


@plants(Rule.OWNER_LEFT)
async def an_owner_leaves_the_organization(world: AuditWorld) -> str:
    world.patch(f"/users/{COLLEAGUE}", accountEnabled=False)
    return COLLEAGUE


@plants(Rule.OWNER_GUEST)
async def a_guest_owns_the_group(world: AuditWorld) -> str:
    [guest] = world.seed_guests(["boss"], join=False)
    world.regroup(owners=[OWNER, COLLEAGUE, guest])
    return guest


@plants(Rule.GROUP_DYNAMIC)
async def the_group_turns_dynamic(world: AuditWorld) -> str:
    rule = {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "none"'}
    world.regroup(**rule)
    return GUESTS


@plants(Rule.GROUP_SYNCED)
async def the_group_is_synced(world: AuditWorld) -> str:
    world.regroup(onPremisesSyncEnabled=True)
    return GUESTS


@plants(Rule.GROUP_ROLE_ASSIGNABLE)
async def the_group_can_carry_roles(world: AuditWorld) -> str:
    world.regroup(isAssignableToRole=True)
    return GUESTS


@plants(Rule.NESTED_GROUP)
async def a_group_is_put_into_the_group(world: AuditWorld) -> str:
    inner = "60000000-0000-4000-8000-0000000000a1"
    world.tenant.seed(groups=[{"id": inner, "displayName": "Inner"}])
    world.join(inner)
    return inner


# The app


@plants(Rule.APP_MISSING)
async def the_app_is_deleted(world: AuditWorld) -> str:
    world.tenant._ask("DELETE", f"apps/{TRAVEL}")
    return TRAVEL


@plants(Rule.NOT_ASSIGNED)
async def the_group_is_not_assigned(world: AuditWorld) -> str:
    held = world._as_admin("GET", f"/groups/{GUESTS}/appRoleAssignments")["value"]
    [assigned] = [a["id"] for a in held if a["resourceId"] == TRAVEL]
    world._as_admin("DELETE", f"/groups/{GUESTS}/appRoleAssignments/{assigned}")
    return TRAVEL


@plants(Rule.SIGN_ON_OFF)
async def single_sign_on_is_off(world: AuditWorld) -> str:
    await world.set_up(saml=SAML)
    return TRAVEL


@plants(Rule.CERTIFICATE_ENDS)
async def the_certificate_ends_soon(world: AuditWorld) -> str:
    with_saml(world, timedelta(days=20))
    return TRAVEL


@plants(Rule.SETUP_DRIFT)
async def the_app_is_switched_off(world: AuditWorld) -> str:
    world.patch(f"/servicePrincipals/{TRAVEL}", accountEnabled=False)
    return TRAVEL


# Guestlist itself


@plants(Rule.STUCK)
async def an_invitation_stands_still(world: AuditWorld) -> str:
    [guest] = world.seed_guests(["stuck"], join=False)
    [stuck] = await world.remember(["stuck"], [guest], state=State.JOINING)
    world.clock.ahead += timedelta(hours=7)
    return str(stuck.id)


def with_saml(world: AuditWorld, lasts: timedelta) -> None:
    """Single sign-on with a certificate that signs."""
    now = datetime.now(UTC)
    ends = f"{now + lasts:%Y-%m-%dT%H:%M:%SZ}"
    key = {
        "customKeyIdentifier": "QUJDREVGR0hJSktMTU5PUFFSU1Q=",
        "keyId": "0ce00000-0000-4000-8000-000000000001",
        "displayName": "CN=Travel",
        "startDateTime": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "endDateTime": ends,
        "type": "AsymmetricX509Cert",
    }
    app = {
        "id": TRAVEL,
        "appId": TRAVEL_APP_ID,
        "displayName": "Contoso Travel",
        "preferredSingleSignOnMode": "saml",
        "preferredTokenSigningKeyThumbprint": "4142434445464748494A4B4C4D4E4F5051525354",
        "keyCredentials": [{**key, "usage": "Verify"}],
    }
    world.tenant.seed(servicePrincipals=[app])
