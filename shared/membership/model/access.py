"""Who may do what, in one table: action × role. Guestlist acts on the directory with its own permissions, so this is
what stands between a caller and the directory.

The endpoint matrix of the tests, ``docs/access.md`` and the portal are drawn from `RULES`. What the table does not
name is refused.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from shared.core.directory import GroupFacts, refusal
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.membership.model.apps import AppRecord, AppState


class AppRole(StrEnum):
    """App roles of Guestlist's API, as they stand in a token's ``roles`` claim. None includes another."""

    ADMIN = "Admin"
    SETUP_ADMIN = "SetupAdmin"
    OPERATOR = "Operator"
    PRIVACY_OFFICER = "PrivacyOfficer"
    AUDITOR = "Auditor"
    INVITER = "Inviter"


class Role(StrEnum):
    """What a caller is: to a group (owner, approver, inviter), or to Guestlist (an app role)."""

    OWNER = "owner"
    """Owns the group, as the directory says."""
    APPROVER = "approver"
    """Named in the app's policy to decide about requests to join."""
    INVITER = "inviter"
    """An app with the app role Inviter that the group's app record names."""
    ADMIN = "admin"
    SETUP_ADMIN = "setup-admin"
    OPERATOR = "operator"
    PRIVACY_OFFICER = "privacy-officer"
    AUDITOR = "auditor"


_OF_APP_ROLES = {name: Role[name.name] for name in AppRole if name is not AppRole.INVITER}
"""Inviter is not among them: alone it opens no group."""
_PEOPLE = {
    Role.OWNER: "owners of the group",
    Role.APPROVER: "approvers that its policy names",
    Role.INVITER: "apps that may invite into it",
    Role.ADMIN: "administrators",
    Role.SETUP_ADMIN: "setup administrators",
    Role.OPERATOR: "operators",
    Role.PRIVACY_OFFICER: "privacy officers",
    Role.AUDITOR: "auditors",
}


class InviteTo(StrEnum):
    """Which groups take guests: those that an app was set up with, or any that its owner invites into."""

    SET_UP = "set-up"
    OWNED = "owned"


class Object(StrEnum):
    """What an action is done to. Roles to a group count for what belongs to the group."""

    GROUP = "group"
    TENANT = "tenant"


class Action(StrEnum):
    SEE_GROUP = "group.see"
    READ_GUESTS = "guests.read"
    CHANGE_GUESTS = "guests.change"
    INVITE = "guests.invite"
    CANCEL_INVITATION = "invitations.cancel"
    SEE_REDEEM_LINK = "invitations.redeem-link"
    CHANGE_IMPORT = "imports.change"
    READ_ADMIN_IMPORT = "imports.read-of-admin"
    CHANGE_ADMIN_IMPORT = "imports.change-of-admin"
    READ_REQUESTS = "requests.read"
    DECIDE_REQUESTS = "requests.decide"
    READ_APP = "apps.read"
    WRITE_TEMPLATES = "templates.write"
    LIST_ALL_GROUPS = "groups.list-all"
    IMPORT_TO_MANY = "imports.to-many-groups"
    RUN_SETUP = "setups.run"
    READ_SETUPS = "setups.read"
    DIAGNOSE = "doctor.read"
    STOP = "stop.change"
    READ_AUDITS = "audits.read"
    RUN_AUDITS = "audits.run"
    HANDLE_PERSONAL_DATA = "people.handle"


@dataclass(frozen=True, slots=True)
class Rule:
    """`does` completes "may …". A rule that only `reads` may be judged by owners that are a little old
    (`shared.membership.access.REMEMBERED`); every other asks the directory."""

    object: Object
    does: str
    roles: frozenset[Role]
    reads: bool = False


def _rule(of: Object, does: str, *roles: Role, reads: bool = False) -> Rule:
    return Rule(of, does, frozenset(roles), reads)


_G, _T = Object.GROUP, Object.TENANT
_OWNER, _APPROVER, _INVITER, _ADMIN, _SETUP_ADMIN, _OPERATOR, _PRIVACY_OFFICER, _AUDITOR = Role

RULES: dict[Action, Rule] = {
    Action.SEE_GROUP: _rule(
        _G, "see the group, its app and policy", _OWNER, _APPROVER, _INVITER, _ADMIN, _AUDITOR, reads=True
    ),
    Action.READ_GUESTS: _rule(
        _G, "read guests, invitations, imports and findings", _OWNER, _ADMIN, _AUDITOR, reads=True
    ),
    Action.CHANGE_GUESTS: _rule(_G, "remove guests, and set their last day", _OWNER, _ADMIN),
    Action.INVITE: _rule(_G, "invite guests, one by one or from a file", _OWNER, _INVITER, _ADMIN),
    Action.CANCEL_INVITATION: _rule(_G, "cancel invitations", _OWNER, _ADMIN),
    Action.SEE_REDEEM_LINK: _rule(_G, "see the link that redeems an invitation", _OWNER, _ADMIN, reads=True),
    Action.CHANGE_IMPORT: _rule(_G, "pause, resume, cancel and undo imports", _OWNER, _ADMIN),
    Action.READ_ADMIN_IMPORT: _rule(_G, "read an administrator's import", _ADMIN, _AUDITOR, reads=True),
    Action.CHANGE_ADMIN_IMPORT: _rule(_G, "pause, resume, cancel and undo an administrator's import", _ADMIN),
    Action.READ_REQUESTS: _rule(_G, "read requests to join", _OWNER, _APPROVER, _ADMIN, _AUDITOR, reads=True),
    Action.DECIDE_REQUESTS: _rule(_G, "approve and decline requests", _OWNER, _APPROVER, _ADMIN),
    Action.READ_APP: _rule(
        _G, "read the app, its templates and its audit policy", _OWNER, _ADMIN, _SETUP_ADMIN, _AUDITOR, reads=True
    ),
    Action.WRITE_TEMPLATES: _rule(_G, "write the app's message templates", _OWNER, _ADMIN),
    Action.LIST_ALL_GROUPS: _rule(_T, "list the groups of all apps", _ADMIN, _AUDITOR, reads=True),
    Action.IMPORT_TO_MANY: _rule(_T, "import a file whose rows name groups", _ADMIN),
    Action.RUN_SETUP: _rule(_T, "set apps up, name their inviters, and remove apps", _SETUP_ADMIN),
    Action.READ_SETUPS: _rule(_T, "read setups", _SETUP_ADMIN, _AUDITOR, reads=True),
    Action.DIAGNOSE: _rule(_T, "run the doctor", _OPERATOR, _SETUP_ADMIN, _ADMIN, _AUDITOR, reads=True),
    Action.STOP: _rule(_T, "stop and start everything that sends or changes", _OPERATOR),
    Action.READ_AUDITS: _rule(_T, "read audits, findings, plans and the trail", _ADMIN, _AUDITOR, reads=True),
    Action.RUN_AUDITS: _rule(_T, "run audits, write audit policies, and decide about remedies", _ADMIN),
    Action.HANDLE_PERSONAL_DATA: _rule(_T, "export and erase what is kept of a person", _PRIVACY_OFFICER),
}


def tenant_roles(app_roles: Collection[str]) -> frozenset[Role]:
    """What app roles make of whoever holds them, everywhere."""
    return frozenset(role for name, role in _OF_APP_ROLES.items() if name in app_roles)


def group_roles(
    who: UserId, app_roles: Collection[str], group: GroupFacts, apps: Collection[AppRecord]
) -> frozenset[Role]:
    """What somebody is to a group: by the directory's owners, by the app records, by app roles."""
    found = set(tenant_roles(app_roles))
    if who in group.owners:
        found.add(Role.OWNER)
    if any(who == person.id for app in apps for person in app.named_approvers):
        found.add(Role.APPROVER)
    if AppRole.INVITER in app_roles and any(who in app.inviters for app in apps):
        found.add(Role.INVITER)
    return frozenset(found)


def may(roles: Collection[Role], action: Action) -> bool:
    """Whether somebody who is all these may do that."""
    return not RULES[action].roles.isdisjoint(roles)


def who_may(action: Action) -> str:
    """Who may do that, in words."""
    return ", ".join(people for role, people in _PEOPLE.items() if role in RULES[action].roles)


def closed(group: GroupFacts, apps: Collection[AppRecord], to: InviteTo) -> Reason | None:
    """Why nobody is invited into a group, whoever asks; None where somebody may be."""
    if (reason := refusal(group)) is not None:
        return reason
    if any(app.state is AppState.REMOVING for app in apps):
        return Reason.APP_BEING_REMOVED
    if to is InviteTo.SET_UP and not apps:
        return Reason.GROUP_NOT_SET_UP
    return None
