"""What Guestlist needs of the directory, the tenant and its settings to do its work, and what is missing.

Which feature needs which permission is `shared.core.features`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from shared.core import admin_center
from shared.core.checks import Check, CheckState
from shared.core.features import CHOICE, FEATURES, PERMISSIONS, Feature, Features, Permission, lacking


@dataclass(frozen=True, slots=True)
class DiagnosedCheck(Check):
    """One thing that was examined, with how to fix it: a link, or a command to be run."""

    title: str = ""
    """In place of `check`, for people."""
    remedy: str | None = None
    link: str | None = None
    command: str | None = None


def diagnose_features(
    held: Collection[str], features: Features, identity: str | None, *, without: Collection[Feature] = ()
) -> list[DiagnosedCheck]:
    """Each feature, whether it has what it needs; then each permission of those that are on. `without` are features
    that are another identity's."""
    features = Features(features.on - set(without))
    missing = lacking(held, features)
    found = [_feature(feature, missing.get(feature), identity) for feature in Feature if feature not in without]
    return [*found, *(_permission(p, held, features, identity) for p in PERMISSIONS if _wanted(p, features))]


def _feature(feature: Feature, missing: tuple[Permission, ...] | None, identity: str | None) -> DiagnosedCheck:
    facts, what = FEATURES[feature], f"Feature '{feature.value}'"
    if missing is None:
        return DiagnosedCheck(what, CheckState.OK, f"switched off. {facts.without}", facts.title)
    if not missing:
        return DiagnosedCheck(what, CheckState.OK, "ready", facts.title)
    names = ", ".join(p.name for p in missing)
    remedy = "A Privileged Role Administrator grants what is missing"
    if feature in CHOICE:
        remedy += ", or an administrator of the function app leaves the feature out of GUESTLIST_FEATURES"
    command = grant_command(identity, (feature,))
    return DiagnosedCheck(what, _state_of(feature), f"it lacks {names}", facts.title, remedy, command=command)


def _permission(
    wanted: Permission, held: Collection[str], features: Features, identity: str | None
) -> DiagnosedCheck:
    on = _wanted(wanted, features)
    what = f"{wanted.name} ({', '.join(f.value for f in on)})"
    if wanted.is_held(held):
        return DiagnosedCheck(what, CheckState.OK, "granted")
    state = CheckState.WRONG if any(_state_of(f) is CheckState.WRONG for f in on) else CheckState.ATTENTION
    found = f"not granted: Guestlist cannot {'; '.join(wanted.purposes[f] for f in on)}"
    return DiagnosedCheck(what, state, found, remedy=_REMEDY, command=assignment_command(wanted.name, identity))


_REMEDY = (
    "A Privileged Role Administrator grants it to Guestlist's identity. It counts from the identity's next token on: "
    "restart the function app, and allow for a day"
)
"""Source: Microsoft Entra, "Limitation of using managed identities for authorization": tokens are kept for hours."""


def _wanted(permission: Permission, features: Features) -> list[Feature]:
    return [f for f in permission.features if features.has(f)]


def _state_of(feature: Feature) -> CheckState:
    """How bad it is where the feature lacks something: what was asked for by a setting of its own, or is always on,
    is missing; the rest may be meant."""
    return CheckState.ATTENTION if feature in CHOICE else CheckState.WRONG


def grant_command(identity: str | None, features: Collection[Feature]) -> str:
    """The command of this project that grants what features need."""
    names = ",".join(f.value for f in features)
    return f"python3 dev.py operate grant --identity {identity or 'CLIENT_ID_OF_THE_IDENTITY'} --features {names}"


def assignment_command(permission: str, identity: str | None) -> str:
    """A command of the Azure CLI that grants one permission, for where there is no copy of this project.

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


def diagnose_tenant(checks: Collection[Check]) -> list[DiagnosedCheck]:
    """The tenant's settings, with the page where an administrator changes them."""
    remedy, link = "An administrator looks at External collaboration settings", admin_center.external_collaboration()
    return [
        DiagnosedCheck(c.check, c.state, c.found)
        if c.state is CheckState.OK
        else DiagnosedCheck(c.check, c.state, c.found, remedy=remedy, link=link)
        for c in checks
    ]
