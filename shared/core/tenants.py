"""What can be read of the tenant around self-service: its own switches have no API."""

from dataclasses import dataclass

from shared.core.checks import Check, CheckState

SELF_SERVICE_GROUPS = "self-service-groups"
"""The key of the confirmation that self-service group management is on: once for the tenant, not for each app."""
GUEST_ROLES = {
    "a0b1b346-4d3e-4e8b-98f8-753987be4970": "the same access as members",
    "10dae51f-b6af-4016-8d66-8c2a99b929b3": "limited access (Microsoft's default)",
    "2af84b1e-32c8-42b7-82bc-daa82404023b": "restricted to their own objects",
}
"""By ``guestUserRoleId``. Source: Microsoft Graph, authorizationPolicy."""
_INVITERS = {
    "everyone": (CheckState.OK, "everyone, guests included"),
    "adminsGuestInvitersAndAllMembers": (CheckState.OK, "administrators, guest inviters and all members"),
    # Sources disagree on whether an application with User.Invite.All may: the contract's section 1.2.
    "adminsAndGuestInviters": (
        CheckState.ATTENTION,
        "administrators and guest inviters only: Microsoft does not say whether an application counts; the first "
        "invitation will tell",
    ),
    "none": (CheckState.WRONG, "nobody: no guest can be invited"),
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be read: `why` names the permission that is missing, or the directory's words."""

    why: str


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """`invites_from` and `guest_role` as Graph has them; `guests_in_groups` is the tenant's own setting for
    Microsoft 365 groups, None where nobody has set it."""

    invites_from: str | Unreadable
    guest_role: str | Unreadable
    guests_in_groups: bool | Unreadable | None


def checks_of(facts: TenantFacts) -> tuple[Check, ...]:
    """What a person should know of the tenant before guests are invited."""
    return (_inviters(facts.invites_from), _guest_role(facts.guest_role), _groups(facts.guests_in_groups), _DOMAINS)


_DOMAINS = Check(
    "Domains that may be invited",
    CheckState.UNKNOWN,
    "Microsoft Graph v1.0 does not show the tenant's list: look under External collaboration settings. An address "
    "of a domain that is refused there ends as domain-blocked.",
)


def _inviters(value: str | Unreadable) -> Check:
    what = "Who may invite guests"
    if isinstance(value, Unreadable):
        return Check(what, CheckState.UNKNOWN, value.why)
    state, words = _INVITERS.get(value, (CheckState.UNKNOWN, f"'{value}', which Guestlist does not know"))
    return Check(what, state, words)


def _guest_role(value: str | Unreadable) -> Check:
    what = "What guests may see of the directory"
    if isinstance(value, Unreadable):
        return Check(what, CheckState.UNKNOWN, value.why)
    return Check(what, CheckState.OK, GUEST_ROLES.get(value.lower(), f"the role {value}"))


def _groups(value: bool | Unreadable | None) -> Check:
    what = "Guests in groups"
    if isinstance(value, Unreadable):
        return Check(what, CheckState.UNKNOWN, value.why)
    if value is False:
        return Check(
            what, CheckState.ATTENTION, "not in Microsoft 365 groups; security groups, as used here, are not affected"
        )
    return Check(what, CheckState.OK, "may be added")
