"""What Guestlist needs of the directory, the tenant and its settings, and what is missing; and whether it can do its
work: what answers, which feature lacks which permission, and whether timer and queues bring work forward.

Which feature needs which permission is `shared.core.features`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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
    remedy, link = "An administrator looks at External collaboration settings", admin_center.EXTERNAL_COLLABORATION
    return [
        DiagnosedCheck(c.check, c.state, c.found)
        if c.state is CheckState.OK
        else DiagnosedCheck(c.check, c.state, c.found, remedy=remedy, link=link)
        for c in checks
    ]


class Status(StrEnum):
    """How ready the whole is."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not-ready"


class Beat(StrEnum):
    """Whether something that has to come again and again still comes."""

    OK = "ok"
    LATE = "late"
    STARTING = "starting"
    """It has never come: a fresh installation, until the first sweep; or timer or queues never worked."""
    UNKNOWN = "unknown"
    """Storage, where its time stands, does not answer."""


WORKER_LATE = timedelta(hours=1)
"""It reports each quarter of an hour."""


@dataclass(frozen=True, slots=True)
class SetupWorker:
    """What setup's own worker last said: when, and which permissions its identity held."""

    at: datetime
    holds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """What the sweeper and its messages left in storage. `swept_at` is when the timer last came, `returned` when the
    newest message that came back through a queue had been sent; None where there was none yet."""

    swept_at: datetime | None = None
    returned: datetime | None = None
    setup: SetupWorker | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """`storage` and `token` are what is wrong with them, in words that a stranger may read; None where they are well.
    `missing` has every feature that is on, with the permissions that it has not; it is None without a token. `chain`
    is None without storage; what is older in it than `chain_timeout` is late."""

    at: datetime
    storage: str | None
    token: str | None
    missing: Mapping[Feature, tuple[Permission, ...]] | None
    chain: Chain | None
    chain_timeout: timedelta

    @property
    def sweep(self) -> Beat:
        """Whether the timer still comes."""
        return self._beat(self.chain.swept_at if self.chain else None)

    @property
    def round_trip(self) -> Beat:
        """Whether messages still come back."""
        return self._beat(self.chain.returned if self.chain else None)

    def _beat(self, last: datetime | None) -> Beat:
        if self.chain is None:
            return Beat.UNKNOWN
        if last is None:
            return Beat.STARTING
        return Beat.LATE if self.at - last > self.chain_timeout else Beat.OK

    @property
    def status(self) -> Status:
        """Without storage, a token, timer and queues, or what inviting needs there is nothing that works; else the
        rest does."""
        if self.storage is not None or self.missing is None or self.missing[Feature.INVITING]:
            return Status.NOT_READY
        if {self.sweep, self.round_trip} != {Beat.OK}:
            return Status.NOT_READY
        return Status.DEGRADED if any(self.missing.values()) else Status.READY
