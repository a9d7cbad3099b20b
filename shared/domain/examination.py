"""What Guestlist needs of the directory, the tenant and its settings to do its work, and what is missing.

The table of permissions is the one place that says which feature needs which.
"""

from collections.abc import Collection
from dataclasses import dataclass

from shared.domain import admin_center
from shared.domain.setup.records import Check, CheckState


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission on Microsoft Graph. `instead` are higher ones that include it."""

    name: str
    feature: str
    purpose: str
    instead: tuple[str, ...] = ()
    optional: bool = False


_DIRECTORY = ("Directory.ReadWrite.All",)

PERMISSIONS: tuple[Permission, ...] = (
    Permission("User.Invite.All", "inviting", "invite guests"),
    Permission("User.Read.All", "inviting", "find a guest who is there already", ("User.ReadWrite.All", *_DIRECTORY)),
    Permission("Group.Read.All", "inviting", "read a group's kind and owners", ("Group.ReadWrite.All", *_DIRECTORY)),
    Permission(
        "GroupMember.ReadWrite.All", "inviting", "add guests to the group", ("Group.ReadWrite.All", *_DIRECTORY)
    ),
    Permission(
        "Application.Read.All",
        "inviting",
        "read the app that a group opens: its name and direct link",
        ("Application.ReadWrite.All", *_DIRECTORY),
    ),
    Permission(
        "User.DeleteRestore.All",
        "undo of imports and invitations, remedies of audits",
        "delete guests whom an import or a cancelled invitation made and who never came, or where audits may; and "
        "restore them",
        ("User.ReadWrite.All", *_DIRECTORY),
        optional=True,
    ),
    Permission(
        "User.EnableDisableAccount.All",
        "remedies of audits",
        "block the sign-in of guests where an app's audit policy asks for it",
        ("User.ReadWrite.All", *_DIRECTORY),
        optional=True,
    ),
    Permission(
        "AuditLog.Read.All",
        "the portal, audits",
        "show, and judge, when a guest last signed in (it takes a P1 licence as well)",
        optional=True,
    ),
    Permission("Mail.ReadWrite", "welcome messages", "prepare mail in Guestlist's mailbox", optional=True),
    Permission("Mail.Send", "welcome messages", "send mail from Guestlist's mailbox", optional=True),
    Permission("Group.ReadWrite.All", "setup", "make the group and its owners", _DIRECTORY),
    Permission("AppRoleAssignment.ReadWrite.All", "setup", "assign the group and its owners to the app"),
    Permission(
        "Application.ReadWrite.All", "setup", "add an app from the gallery, and set single sign-on", _DIRECTORY, True
    ),
    Permission(
        "Policy.Read.All",
        "setup",
        "read who may invite, and what guests may see",
        ("Policy.ReadWrite.Authorization",),
        True,
    ),
    Permission("GroupSettings.Read.All", "setup", "read whether groups admit guests", _DIRECTORY, True),
    Permission(
        "EntitlementManagement.ReadWrite.All",
        "setup with access packages",
        "make catalog, package and policy",
        (),
        True,
    ),
)
"""Source: graph contract 1.1; Microsoft Graph permissions reference."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined, with what mends it: a link, or a command to be run."""

    check: Check
    title: str
    remedy: str | None = None
    link: str | None = None
    command: str | None = None


def examine_permissions(held: Collection[str], identity: str | None, *, sends_mail: bool) -> list[Finding]:
    """Which permissions are there. One for mail is needed only where a mailbox is set."""
    findings = []
    for wanted in PERMISSIONS:
        if wanted.feature == "welcome messages" and not sends_mail:
            continue
        there = wanted.name in held or any(name in held for name in wanted.instead)
        what = f"{wanted.name} ({wanted.feature})"
        if there:
            findings.append(Finding(Check(what, CheckState.OK, "granted"), what))
            continue
        needed = not wanted.optional or wanted.feature == "welcome messages"
        state = CheckState.WRONG if needed else CheckState.ATTENTION
        found = f"not granted: Guestlist cannot {wanted.purpose}"
        remedy = "A Privileged Role Administrator grants it to Guestlist's identity; it counts after a new token"
        findings.append(Finding(Check(what, state, found), what, remedy, None, grant_command(wanted.name, identity)))
    return findings


def grant_command(permission: str, identity: str | None) -> str:
    """A command of the Azure CLI that grants a permission of Microsoft Graph to an identity.

    Source: Microsoft Graph, "Grant an appRoleAssignment to a service principal". 00000003-… is Graph itself.
    """
    graph = "$(az ad sp show --id 00000003-0000-0000-c000-000000000000 --query id -o tsv)"
    me = f"$(az ad sp show --id {identity} --query id -o tsv)" if identity else "PRINCIPAL_ID_OF_THE_IDENTITY"
    role = (
        "$(az ad sp show --id 00000003-0000-0000-c000-000000000000 "
        f"--query \"appRoles[?value=='{permission}'].id\" -o tsv)"
    )
    return (
        f"G={graph}; M={me}; R={role}; az rest --method POST --url "
        '"https://graph.microsoft.com/v1.0/servicePrincipals/$M/appRoleAssignments" '
        "--headers Content-Type=application/json "
        '--body "{\\"principalId\\":\\"$M\\",\\"resourceId\\":\\"$G\\",\\"appRoleId\\":\\"$R\\"}"'
    )


def examine_tenant(checks: Collection[Check]) -> list[Finding]:
    """The tenant's settings, with the page where an administrator changes them."""
    return [
        Finding(
            check,
            check.check,
            None if check.state is CheckState.OK else "An administrator looks at External collaboration settings",
            None if check.state is CheckState.OK else admin_center.external_collaboration(),
        )
        for check in checks
    ]
