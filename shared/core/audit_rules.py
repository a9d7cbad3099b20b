"""The one table of audit rules: what each finds, how bad it is, what a person does, and what Guestlist may do.

The findings, the report and ``docs/audits.md`` are drawn from it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look. `high`: somebody may get in who should not, or nobody is responsible;
    `medium`: a guest or an app does not work as it should; `low`: worth tidying up."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


SEVERITIES = tuple(Severity)
"""The worst first."""


class Remedy(StrEnum):
    """What Guestlist may do about a finding. Everything but `report` has to be asked for by policy."""

    REPORT = "report"
    NOTIFY_OWNER = "tell-owner"
    RESEND = "send-again"
    REMOVE = "remove"
    BLOCK = "block"
    DELETE = "delete"


class Rule(StrEnum):
    """The value is what people filter by and policy names; it never changes its meaning."""

    # Guests of a group
    NOT_INVITED = "guest-not-invited"
    MEMBERSHIP_MISSING = "membership-missing"
    ACCOUNT_MISSING = "account-missing"
    NEVER_REDEEMED = "never-redeemed"
    NO_SIGN_IN = "no-sign-in"
    SIGN_IN_UNKNOWN = "sign-in-unknown"
    EXPIRED = "membership-expired"
    DOMAIN_BLOCKED = "domain-blocked"
    ACCOUNT_DISABLED = "account-disabled"
    DUPLICATE = "duplicate-person"
    # The group
    GROUP_MISSING = "group-missing"
    NO_OWNER = "no-owner"
    ONE_OWNER = "one-owner"
    OWNER_LEFT = "owner-left"
    OWNER_GUEST = "owner-guest"
    GROUP_DYNAMIC = "group-dynamic"
    GROUP_SYNCED = "group-synced"
    GROUP_ROLE_ASSIGNABLE = "group-role-assignable"
    NESTED_GROUP = "nested-group"
    # The app
    APP_MISSING = "app-missing"
    NOT_ASSIGNED = "group-not-assigned"
    SIGN_ON_OFF = "sign-on-off"
    CERTIFICATE_ENDS = "certificate-ends"
    SETUP_DRIFT = "setup-drift"
    # Guestlist itself
    STUCK = "stuck-work"


_GUEST = frozenset({Remedy.NOTIFY_OWNER, Remedy.REMOVE, Remedy.BLOCK, Remedy.DELETE})
_NOTIFY = frozenset({Remedy.NOTIFY_OWNER})


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """`title` names the finding, `explanation` says why it matters, `advice` what a person does. `remedies` are what
    policy may ask for besides the report."""

    severity: Severity
    title: str
    explanation: str
    advice: str
    remedies: frozenset[Remedy] = frozenset()


RULES: dict[Rule, RuleFacts] = {
    Rule.NOT_INVITED: RuleFacts(
        Severity.MEDIUM,
        "Guest who was not invited through Guestlist",
        "A guest is a member of the group, but Guestlist knows of no invitation: somebody added the account by hand "
        "or by another tool, past the policy of the app.",
        "Ask the owners. Invite the guest through Guestlist to take the membership over, or remove it.",
        _GUEST,
    ),
    Rule.MEMBERSHIP_MISSING: RuleFacts(
        Severity.MEDIUM,
        "Invited guest is no member of the group",
        "Guestlist made the guest a member, and somebody else took the membership away: the guest cannot open the "
        "app.",
        "Invite the guest again where that was a mistake; else cancel the invitation.",
        _NOTIFY,
    ),
    Rule.ACCOUNT_MISSING: RuleFacts(
        Severity.MEDIUM,
        "Account of an invited guest is gone",
        "The guest's account was deleted from the directory, and with it all that the guest could open.",
        "Restore the account within 30 days, or invite the guest again; else cancel the invitation.",
        _NOTIFY,
    ),
    Rule.NEVER_REDEEMED: RuleFacts(
        Severity.LOW,
        "Invitation was never accepted",
        "The guest has not accepted the invitation for longer than policy allows. An invitation that lies in a "
        "mailbox can be accepted by whoever gets hold of that mailbox.",
        "Send the invitation again, or remove the guest.",
        _GUEST | {Remedy.RESEND},
    ),
    Rule.NO_SIGN_IN: RuleFacts(
        Severity.LOW,
        "Guest has not signed in for a long time",
        "The guest accepted, but has not signed in to the organization for longer than policy allows.",
        "Ask the owners whether the guest still needs the app; remove the guest if not.",
        _GUEST,
    ),
    Rule.SIGN_IN_UNKNOWN: RuleFacts(
        Severity.LOW,
        "Sign-ins of guests cannot be read",
        "The directory does not let Guestlist read when guests last signed in: nobody can be said to be inactive, "
        "and nobody to be active.",
        "Grant AuditLog.Read.All to Guestlist's identity; the directory needs a Microsoft Entra ID P1 licence.",
    ),
    Rule.EXPIRED: RuleFacts(
        Severity.HIGH,
        "Membership is past its last day",
        "The guest was invited up to a day that has passed, and is a member still.",
        "Remove the guest, or give the membership a later last day.",
        _GUEST,
    ),
    Rule.DOMAIN_BLOCKED: RuleFacts(
        Severity.HIGH,
        "Guest of a domain that is not allowed any more",
        "The policy of the app does not take guests of this mail domain. It did when the guest was invited, or the "
        "guest came another way.",
        "Remove the guest, or allow the domain.",
        _GUEST,
    ),
    Rule.ACCOUNT_DISABLED: RuleFacts(
        Severity.LOW,
        "Account of a guest is blocked",
        "The guest is a member of the group, but the account may not sign in.",
        "Remove the guest from the group, or let the account sign in again.",
        _GUEST - {Remedy.BLOCK},
    ),
    Rule.DUPLICATE: RuleFacts(
        Severity.LOW,
        "One person has several guest accounts",
        "Several guest accounts have the same mail address among theirs: what one loses the other keeps.",
        "Find out which account the person signs in with, and delete the others.",
        _NOTIFY,
    ),
    Rule.GROUP_MISSING: RuleFacts(
        Severity.HIGH,
        "Group of the app is gone",
        "The group through which guests open the app was deleted.",
        "Restore the group within 30 days, or set the app up again.",
    ),
    Rule.NO_OWNER: RuleFacts(
        Severity.HIGH,
        "Group has no owner",
        "Nobody can invite guests, approve requests or answer for those who are in.",
        "Make a person of the organization an owner of the group.",
    ),
    Rule.ONE_OWNER: RuleFacts(
        Severity.LOW,
        "Group has one owner only",
        "When this person leaves, nobody answers for the guests.",
        "Add a second owner.",
        _NOTIFY,
    ),
    Rule.OWNER_LEFT: RuleFacts(
        Severity.MEDIUM,
        "Owner of the group may not sign in any more",
        "The account of an owner is blocked: the person has probably left.",
        "Replace the owner.",
        _NOTIFY,
    ),
    Rule.OWNER_GUEST: RuleFacts(
        Severity.HIGH,
        "Owner of the group is a guest",
        "Somebody from outside the organization decides who gets in.",
        "Make a person of the organization the owner, and remove the guest as owner.",
        _NOTIFY,
    ),
    Rule.GROUP_DYNAMIC: RuleFacts(
        Severity.HIGH,
        "Group has become dynamic",
        "Its members come from a rule now: guests come and go without anybody deciding, and nobody can be invited.",
        "Set the membership type back to Assigned.",
        _NOTIFY,
    ),
    Rule.GROUP_SYNCED: RuleFacts(
        Severity.HIGH,
        "Group is synchronized from on-premises",
        "Its members are managed in another directory, which knows no guests.",
        "Set the app up with a cloud group.",
        _NOTIFY,
    ),
    Rule.GROUP_ROLE_ASSIGNABLE: RuleFacts(
        Severity.HIGH,
        "Group can carry directory roles",
        "Whoever becomes a member may become an administrator.",
        "Set the app up with a group that cannot be assigned to roles.",
        _NOTIFY,
    ),
    Rule.NESTED_GROUP: RuleFacts(
        Severity.MEDIUM,
        "Group has another group as a member",
        "Members of the inner group do not get into the app, although they seem to belong to it.",
        "Add the people themselves, and take the inner group out.",
        _NOTIFY,
    ),
    Rule.APP_MISSING: RuleFacts(
        Severity.HIGH,
        "App is gone",
        "The app that was set up is not in the directory any more.",
        "Restore the app within 30 days, or remove the app from Guestlist.",
    ),
    Rule.NOT_ASSIGNED: RuleFacts(
        Severity.HIGH,
        "Group is not assigned to the app",
        "No guest of the group can open the app.",
        "Assign the group under the app's Users and groups.",
        _NOTIFY,
    ),
    Rule.SIGN_ON_OFF: RuleFacts(
        Severity.MEDIUM,
        "Single sign-on of the app is off",
        "The app was set up with single sign-on, which is switched off or set to another kind.",
        "Switch single sign-on to SAML again.",
        _NOTIFY,
    ),
    Rule.CERTIFICATE_ENDS: RuleFacts(
        Severity.MEDIUM,
        "Signing certificate ends soon",
        "When the certificate ends, nobody can sign in to the app.",
        "Make a new certificate and hand it to the vendor of the app.",
        _NOTIFY,
    ),
    Rule.SETUP_DRIFT: RuleFacts(
        Severity.MEDIUM,
        "App is not as it was set up",
        "Something that the setup verified was changed since.",
        "Set it back, or run the setup again.",
        _NOTIFY,
    ),
    Rule.STUCK: RuleFacts(
        Severity.LOW,
        "Work of Guestlist has stalled",
        "An invitation, an import, a request or a setup has been in one state for too long. Guestlist has "
        "sent it again.",
        "Nothing, if the next audit does not find it again; else look for its id in the logs.",
    ),
}
