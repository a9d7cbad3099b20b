"""What Guestlist can do, in parts that an administrator switches on or leaves off: one that is off is refused at its
door. And which permission on Microsoft Graph each needs, for what, and what it would allow at most.

The one table: the doctor, the readiness check, ``docs/permissions.md`` and ``infra/permissions.json`` are drawn from
it. Each is the least that Microsoft documents for the calls that Guestlist makes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.core.errors import Refused
from shared.core.reasons import Reason


class Feature(StrEnum):
    """A part of Guestlist. The value is what `GUESTLIST_FEATURES` and the API call it."""

    INVITING = "inviting"
    SETUP = "setup"
    ACCESS_PACKAGES = "access-packages"
    AUDITS = "audits"
    REMEDIES = "remedies"
    UNDO = "undo"
    SIGN_INS = "sign-ins"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """`does` completes "It lets Guestlist …"; `without` says what is so where it is off; `needs` are features that
    have to be on as well."""

    title: str
    does: str
    without: str
    needs: tuple[Feature, ...] = ()


FEATURES: dict[Feature, FeatureFacts] = {
    Feature.INVITING: FeatureFacts(
        "Inviting",
        "invite guests into groups for their owners: one by one, from a file, or after a request to join",
        "Always on: it is what Guestlist is for.",
    ),
    Feature.SETUP: FeatureFacts(
        "Setting apps up",
        "make an app self-service: its group and owners, single sign-on, and who is assigned to it",
        "Nobody can start or go on with a setup, or remove an app. Groups that are there can be invited to.",
    ),
    Feature.ACCESS_PACKAGES: FeatureFacts(
        "Access packages",
        "set an app up with an access package, through which people from outside ask Microsoft for access",
        "A setup with an access package is refused; one without goes through.",
        (Feature.SETUP,),
    ),
    Feature.AUDITS: FeatureFacts(
        "Audits",
        "compare what was asked for with what the directory says, and report the difference; it changes nothing",
        "No audit begins, by hand or by the timer. Reports that are there can be read.",
    ),
    Feature.REMEDIES: FeatureFacts(
        "Remedies of audits",
        "act on what an audit found, where an app's policy asks for it: remove, block or delete a guest, or send "
        "an invitation again",
        "Audits report, and nothing is planned or carried out.",
        (Feature.AUDITS,),
    ),
    Feature.UNDO: FeatureFacts(
        "Undo",
        "undo an import, and delete the accounts that an import or a cancelled invitation made and nobody ever used",
        "An import cannot be undone. An invitation can be cancelled: the guest leaves the group, the account stays.",
    ),
    Feature.SIGN_INS: FeatureFacts(
        "Last sign-ins",
        "show owners when a guest last signed in, and have audits report who stays away",
        "The last sign-in is shown as unknown, and audits do not judge it.",
    ),
    Feature.MAILBOX: FeatureFacts(
        "Mail from a mailbox",
        "send welcome messages and mails about requests from a mailbox of the tenant",
        "On where `GUESTLIST_MAIL_MAILBOX` is set. Without it, or Azure Communication Services, welcome messages are "
        "refused and Microsoft's own invitation mail is sent.",
    ),
}

CHOICE = tuple(f for f in Feature if f not in (Feature.INVITING, Feature.MAILBOX))
"""Those that `GUESTLIST_FEATURES` switches: inviting is always on, the mailbox has a setting of its own."""


@dataclass(frozen=True, slots=True)
class Features:
    """Those that are on."""

    on: frozenset[Feature]

    def has(self, feature: Feature) -> bool:
        return feature in self.on

    def need(self, feature: Feature) -> None:
        """Raises Refused `feature-off`."""
        if feature not in self.on:
            facts = FEATURES[feature]
            raise Refused(Reason.FEATURE_OFF, f"'{feature.value}' is off here. It would {facts.does}")

    @property
    def off(self) -> tuple[Feature, ...]:
        return tuple(f for f in Feature if f not in self.on)


ALL = Features(frozenset(Feature))


def choose(names: Collection[str] | None, *, mailbox: bool) -> tuple[Features, list[str]]:
    """The features of these names, None for all; and what is wrong with the choice, in the words of who made it."""
    own = frozenset({Feature.INVITING} | ({Feature.MAILBOX} if mailbox else set()))
    if names is None:
        return Features(own | frozenset(CHOICE)), []
    faults: list[str] = []
    chosen: set[Feature] = set()
    known = ", ".join(f.value for f in CHOICE)
    for name in names:
        if name == Feature.MAILBOX:
            faults.append("'mailbox' is switched on by GUESTLIST_MAIL_MAILBOX alone")
        elif name in set(Feature):
            chosen.add(Feature(name))
        else:
            faults.append(f"'{name}' is no feature; known are {known}")
    for feature in sorted(chosen):
        faults += [
            f"'{feature.value}' needs '{needed.value}' as well"
            for needed in FEATURES[feature].needs
            if needed not in chosen
        ]
    return Features(own | chosen), faults


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission on Microsoft Graph.

    `purposes` complete "Guestlist cannot …" for each feature that needs it; `allows` says what the permission would
    let an application do at most, whatever Guestlist does with it; `instead` are higher ones that include it.
    """

    name: str
    purposes: Mapping[Feature, str]
    allows: str
    instead: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[Feature, ...]:
        return tuple(self.purposes)

    def is_held(self, held: Collection[str]) -> bool:
        return self.name in held or any(name in held for name in self.instead)


_DIRECTORY = "Directory.ReadWrite.All"

PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        "User.Read.All",
        {
            Feature.INVITING: "find a guest who is there already, and tell guests from colleagues",
            Feature.AUDITS: "read guests, and what changed of them",
            # Documented together with the one that blocks as the least for `accountEnabled` ("Update user").
            Feature.REMEDIES: "block the sign-in of guests: Microsoft asks for it beside the one that blocks",
            Feature.SIGN_INS: "read the accounts of guests",
        },
        "Read every account in full, employees' too: names, addresses, managers, phone numbers; no passwords.",
        ("User.ReadWrite.All", _DIRECTORY),
    ),
    # Not the one that writes members: for a group's own properties, and whether somebody is in it, the documentation
    # names this one ("Get group", "checkMemberGroups").
    Permission(
        "GroupMember.Read.All",
        {
            Feature.INVITING: "read a group's kind, its owners and its guests",
            Feature.AUDITS: "read who is in a group, and what changed of that",
        },
        "Read the names of all groups, and who is in them and owns them, hidden memberships excepted.",
        ("Group.Read.All", "Group.ReadWrite.All", _DIRECTORY),
    ),
    # Which apps a group opens is read from their side ("List appRoleAssignments granted for a service principal").
    Permission(
        "Application.Read.All",
        {
            Feature.INVITING: "read which app a group opens, and who holds a role in Guestlist itself",
            Feature.AUDITS: "read apps, their single sign-on, and who is assigned to them",
        },
        "Read all apps of the tenant, and who is assigned to them. It reads no secret.",
        ("Application.ReadWrite.All", _DIRECTORY),
    ),
    # Microsoft documents nothing less for what a guest has ("List a user's direct memberships", "List
    # appRoleAssignments granted to a user"): those above together do not reach there. Reports that a reader of users
    # may read their assignments, too, stand against the documentation.
    Permission(
        "Directory.Read.All",
        {
            Feature.SETUP: "read people, groups, apps, and whether groups admit guests",
            Feature.REMEDIES: "look whether a guest has another group or app before anything is done",
            Feature.UNDO: "look whether a guest has another group or app before the account is deleted",
        },
        "Read nearly everything in the directory: people, groups and who is in them, apps, devices, roles. It "
        "changes nothing, and reads no mail, file or conversation.",
        (_DIRECTORY,),
    ),
    # No higher one stands for it: User.ReadWrite.All is documented to, and refused where the tenant limits who may
    # invite (reported, graph contract "Permissions").
    Permission(
        "User.Invite.All",
        {Feature.INVITING: "invite guests", Feature.REMEDIES: "send an invitation again"},
        "Invite any address as a guest of the tenant.",
    ),
    Permission(
        "GroupMember.ReadWrite.All",
        {
            Feature.INVITING: "add guests to the group, and take them out",
            Feature.REMEDIES: "take guests out of the group, and back in",
            Feature.UNDO: "take those out of the group that an import brought in",
        },
        "Change who is in any group of the tenant, except in groups that carry directory roles. It changes no owner "
        "and deletes no group.",
        ("Group.ReadWrite.All", _DIRECTORY),
    ),
    # "Upsert group" and "Add owners" know nothing less; Group.Create makes a group by POST alone, which would make
    # a second one where an answer is lost.
    Permission(
        "Group.ReadWrite.All",
        {
            Feature.SETUP: "make the group and its owners",
            Feature.ACCESS_PACKAGES: "put the group into a catalog",
        },
        "Make, change and delete any group, except those that carry directory roles; and read and write what "
        "Microsoft 365 groups have: conversations, calendars, files.",
        (_DIRECTORY,),
    ),
    Permission(
        "AppRoleAssignment.ReadWrite.All",
        {Feature.SETUP: "assign the group and its owners to the app"},
        "Give anybody any role in any app, and any app any permission: who holds it can make itself as powerful as a "
        "Global Administrator. Leave setup off where nobody should hold that.",
    ),
    Permission(
        "Application.ReadWrite.All",
        {Feature.SETUP: "add an app from the gallery, and set single sign-on"},
        "Change any app of the tenant, and add a secret with which to act as it.",
        (_DIRECTORY,),
    ),
    Permission(
        "Policy.Read.All",
        {Feature.SETUP: "read who may invite, and what guests may see"},
        "Read all policies of the tenant, conditional access included.",
        ("Policy.ReadWrite.Authorization",),
    ),
    Permission(
        "EntitlementManagement.ReadWrite.All",
        {Feature.ACCESS_PACKAGES: "make catalog, package and policy"},
        "Change any access package and catalog, and so give access to whatever is in them.",
    ),
    Permission(
        "User.DeleteRestore.All",
        {
            Feature.UNDO: "delete accounts that were made here and that nobody ever used",
            Feature.REMEDIES: "delete guests where an app's audit policy asks for it, and restore them",
        },
        "Delete and restore any account that holds no administrator role, employees' too.",
        ("User.ReadWrite.All",),
    ),
    Permission(
        "User.EnableDisableAccount.All",
        {Feature.REMEDIES: "block the sign-in of guests where an app's audit policy asks for it"},
        "Block and unblock the sign-in of any account that holds no administrator role, employees' too.",
        ("User.ReadWrite.All", _DIRECTORY),
    ),
    Permission(
        "AuditLog.Read.All",
        {Feature.SIGN_INS: "show, and judge, when a guest last signed in (it takes a P1 licence as well)"},
        "Read the sign-in and audit logs of the whole tenant.",
    ),
    Permission(
        "Mail.ReadWrite",
        {Feature.MAILBOX: "prepare mail in Guestlist's mailbox"},
        "Read and change the mail of every mailbox, unless Exchange Online limits it to one "
        "(role-based access control for applications).",
    ),
    Permission(
        "Mail.Send",
        {Feature.MAILBOX: "send mail from Guestlist's mailbox"},
        "Send mail as anybody, unless Exchange Online limits it to one mailbox.",
    ),
)
"""Sources: Microsoft Graph, "Permissions reference" and the page of each call; graph contract "Permissions"."""


def needed_by(feature: Feature) -> tuple[Permission, ...]:
    """In the order of the table."""
    return tuple(p for p in PERMISSIONS if feature in p.purposes)


OF_SETUP = frozenset({Feature.SETUP, Feature.ACCESS_PACKAGES})
"""What setup's own identity does where it has a worker of its own (docs/adr/0018)."""


def lacking(
    held: Collection[str], features: Features, of_setup: Collection[str] | None = None
) -> dict[Feature, tuple[Permission, ...]]:
    """For each feature that is on, which of its permissions are not held; none of them where it is ready. `of_setup`
    is what setup's identity holds, where that is another one."""

    def by(feature: Feature) -> Collection[str]:
        return held if of_setup is None or feature not in OF_SETUP else of_setup

    return {f: tuple(p for p in needed_by(f) if not p.is_held(by(f))) for f in Feature if features.has(f)}
