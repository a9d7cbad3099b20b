"""What was looked at, and what was found; and what can be read of the tenant around self-service, whose own switches
have no API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from shared.core.ids import UserId
from shared.core.personal import IN_WORDS, Personal, Redaction, Says


class CheckState(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, and what was found."""

    check: str
    state: CheckState
    found: Annotated[str, IN_WORDS]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who said that a manual task is done, and when."""

    by: Annotated[UserId, Personal("who confirmed it", Redaction.PSEUDONYM, Says.USER)]
    name: Annotated[str, Personal("who confirmed it", Redaction.ERASED, Says.NAME)]
    at: datetime
    note: Annotated[str | None, Personal("who confirmed it", Redaction.GONE)] = None


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
    return (
        _check("Who may invite guests", facts.invites_from, _inviters),
        _check("What guests may see of the directory", facts.guest_role, _guest_role),
        _check("Guests in groups", facts.guests_in_groups, _groups),
        Check(
            "Domains that may be invited",
            CheckState.UNKNOWN,
            "Microsoft Graph v1.0 does not show the tenant's list: look under External collaboration settings. An "
            "address of a domain that is refused there ends as domain-blocked.",
        ),
    )


def _check[T](what: str, value: T | Unreadable, read: Callable[[T], tuple[CheckState, str]]) -> Check:
    state, words = (CheckState.UNKNOWN, value.why) if isinstance(value, Unreadable) else read(value)
    return Check(what, state, words)


def _inviters(value: str) -> tuple[CheckState, str]:
    return _INVITERS.get(value, (CheckState.UNKNOWN, f"'{value}', which Guestlist does not know"))


def _guest_role(value: str) -> tuple[CheckState, str]:
    return CheckState.OK, GUEST_ROLES.get(value.lower(), f"the role {value}")


def _groups(value: bool | None) -> tuple[CheckState, str]:
    if value is False:
        return CheckState.ATTENTION, "not in Microsoft 365 groups; security groups, as used here, are not affected"
    return CheckState.OK, "may be added"
