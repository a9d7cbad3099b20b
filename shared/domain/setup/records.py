"""What is known of a setup: one record a step, which that step alone writes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, NewType

from shared.domain.applications import AppId, AppRole, PrincipalId
from shared.domain.audits.policy import AuditPolicy
from shared.domain.ids import GroupId, UserId
from shared.domain.personal import DECIDERS, IN_WORDS, OWNERS, People, Personal, Redaction, Says
from shared.domain.reasons import Reason
from shared.domain.setup.order import ORDER, SetupStep, ready
from shared.domain.setup.plan import MessageTemplate, Policy, SetupPlan

SetupId = NewType("SetupId", str)
"""22 hex digits."""


class StepState(StrEnum):
    """How far a step is. `waiting` and `ready` are both an open record: which one, the others decide."""

    WAITING = "waiting"
    READY = "ready"
    MANUAL = "manual"
    DONE = "done"
    FAILED = "failed"


class SetupState(StrEnum):
    RUNNING = "running"
    WAITING_FOR_PERSON = "waiting-for-person"
    DONE = "done"
    FAILED = "failed"


class Kind(StrEnum):
    """Kinds of things that a setup makes in the directory."""

    GROUP = "group"
    OWNER = "owner"
    APPLICATION = "application"
    SINGLE_SIGN_ON = "single-sign-on"
    CERTIFICATE = "certificate"
    ASSIGNMENT = "assignment"
    CATALOG = "catalog"
    CATALOG_RESOURCE = "catalog-resource"
    ACCESS_PACKAGE = "access-package"
    ACCESS_POLICY = "access-policy"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was made or set in the directory: its kind, its object id and a person's words for it."""

    kind: Kind
    id: str
    what: Annotated[str, IN_WORDS]


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user of the directory."""

    id: UserId
    name: str
    is_guest: bool = False
    enabled: bool = True


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
class ManualTask:
    """What a person must do by hand, and exactly where. `key` says which confirmation fulfils it: the same task
    with the same values is not asked for twice."""

    key: str
    title: str
    link: str
    instructions: Annotated[tuple[str, ...], IN_WORDS]
    values: Annotated[tuple[tuple[str, str], ...], IN_WORDS] = ()


def task_key(about: str, *values: str) -> str:
    """A key that changes when one of the values does."""
    return f"{about}-{sha256(chr(10).join(values).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who said that a manual task is done, and when."""

    by: Annotated[UserId, Personal("who confirmed it", Redaction.PSEUDONYM, Says.USER)]
    name: Annotated[str, Personal("who confirmed it", Redaction.ERASED, Says.NAME)]
    at: datetime
    note: Annotated[str | None, Personal("who confirmed it", Redaction.GONE)] = None


@dataclass(frozen=True, slots=True)
class FoundApp:
    app_id: AppId
    name: str
    service_principal: PrincipalId


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """`known`: an earlier setup has set the app up with it."""

    id: GroupId
    name: str
    known: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What steps have learnt and later ones need."""

    app: FoundApp | None = None
    group: FoundGroup | None = None
    owners: Annotated[tuple[DirectoryUser, ...], People(OWNERS, by_id=True, named=True)] = ()
    approvers: Annotated[tuple[DirectoryUser, ...], People(DECIDERS, by_id=True, named=True)] = ()
    role: AppRole | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step. `state` is `ready` for a step that has not come to an end, whether or not it may begin.

    `intends` names what was about to be made when the record was last written: a delivery that finds it there
    may be meeting the work of an earlier one.
    """

    step: SetupStep
    state: StepState = StepState.READY
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    changes: Annotated[tuple[Change, ...], People(OWNERS, by_id=True)] = ()
    notes: Annotated[tuple[str, ...], IN_WORDS] = ()
    checks: tuple[Check, ...] = ()
    task: ManualTask | None = None
    confirmation: Confirmation | None = None
    found: Found = field(default_factory=Found)
    intends: tuple[str, ...] = ()
    reason: Reason | None = None
    detail: Annotated[str | None, IN_WORDS] = None


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup with all its steps."""

    id: SetupId
    plan: SetupPlan
    digest: str
    created_at: datetime
    creator: Annotated[UserId, Personal("who set the app up", Redaction.PSEUDONYM, Says.USER)]
    creator_name: Annotated[str, Personal("who set the app up", Redaction.ERASED, Says.NAME)]
    steps: Mapping[SetupStep, StepRecord] = field(default_factory=dict)

    @property
    def found(self) -> Found:
        """What all steps together have learnt."""
        merged: dict[str, Any] = {}
        for record in self.steps.values():
            merged |= {f.name: v for f in fields(Found) if (v := getattr(record.found, f.name))}
        return Found(**merged)

    @property
    def done(self) -> set[SetupStep]:
        return {s for s, r in self.steps.items() if r.state is StepState.DONE}

    @property
    def state(self) -> SetupState:
        states = {r.state for r in self.steps.values()}
        if states <= {StepState.DONE}:
            return SetupState.DONE
        if self.to_run:
            return SetupState.RUNNING
        return SetupState.FAILED if StepState.FAILED in states else SetupState.WAITING_FOR_PERSON

    @property
    def to_run(self) -> list[SetupStep]:
        """The steps whose turn it is."""
        return [s for s in ready(self.done) if self.steps[s].state is StepState.READY]

    def state_of(self, step: SetupStep) -> StepState:
        """As people see it: an open step is `ready` only when nothing stands before it."""
        state = self.steps[step].state
        if state is StepState.READY and not ORDER[step].after <= self.done:
            return StepState.WAITING
        return state


def new_setup(setup_id: SetupId, plan: SetupPlan, digest: str, *, now: datetime, creator: UserId, name: str) -> Setup:
    return Setup(setup_id, plan, digest, now, creator, name, {s: StepRecord(s) for s in SetupStep})


class AppState(StrEnum):
    READY = "ready"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class AppRecord:
    """An app that is set up, as Guestlist keeps it: the policy that it enforces, and what it made."""

    app_id: AppId
    name: str
    service_principal: PrincipalId
    group: GroupId
    group_name: str
    owners: Annotated[tuple[DirectoryUser, ...], People(OWNERS, by_id=True, named=True)]
    approvers: Annotated[tuple[DirectoryUser, ...], People(DECIDERS, by_id=True, named=True)]
    policy: Policy
    setup: SetupId
    updated_at: datetime
    made: Annotated[tuple[Change, ...], People(OWNERS, by_id=True)] = ()
    state: AppState = AppState.READY
    templates: tuple[MessageTemplate, ...] = ()
    audits: AuditPolicy = field(default_factory=AuditPolicy)
    inviters: tuple[UserId, ...] = ()
    """Object ids of the apps with the app role Inviter that may invite into the group."""

    @property
    def named_approvers(self) -> tuple[DirectoryUser, ...]:
        """Those whom the policy names. Where it names nobody the owners decide, as the directory has them at that
        time: older versions kept those of the setup among `approvers`."""
        return self.approvers if self.policy.approvers else ()


def with_made(record: AppRecord, changes: Collection[Change]) -> AppRecord:
    """The record with more things that Guestlist made; one that it knows is not counted twice."""
    known = {(c.kind, c.id) for c in record.made}
    more = tuple(c for c in changes if (c.kind, c.id) not in known)
    return replace(record, made=(*record.made, *more)) if more else record
