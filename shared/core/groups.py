"""Kinds of groups, and which of them guests may be invited to."""

from dataclasses import dataclass

from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class GroupApp:
    """An app that members of a group get into: its name and its application (client) id."""

    name: str
    app_id: str


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the directory says of a group, as far as it decides about guests. By default it is a security group with
    assigned membership: the kind that takes them."""

    id: GroupId
    name: str
    group_types: frozenset[str] = frozenset()
    security_enabled: bool = True
    mail_enabled: bool = False
    synced: bool = False
    role_assignable: bool = False
    management_restricted: bool = False
    owners: frozenset[UserId] = frozenset()
    apps: tuple[GroupApp, ...] = ()


def refusal(group: GroupFacts) -> Reason | None:
    """Why no guest can be invited to this group, or None.

    Only cloud groups with assigned membership that carry no directory role are taken. The order is that of
    what a person has to know first.

    Source: Microsoft Entra, "How users in your organization can invite guest users to an app" (note on
    dynamic and synced groups); graph contract "Groups", table of group kinds.
    """
    checks = (
        (group.synced, Reason.GROUP_SYNCED),
        ("DynamicMembership" in group.group_types, Reason.GROUP_DYNAMIC),
        (group.role_assignable, Reason.GROUP_ROLE_ASSIGNABLE),
        ("Unified" in group.group_types, Reason.GROUP_MICROSOFT_365),
        (group.mail_enabled or not group.security_enabled, Reason.GROUP_MAIL_ENABLED),
        (group.management_restricted, Reason.GROUP_MANAGEMENT_RESTRICTED),
    )
    return next((reason for applies, reason in checks if applies), None)
