"""What is asked for, the steps that it takes and what each waits for, and what is known of a setup: one record a
step, which that step alone writes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from shared.core.checks import Check, Confirmation
from shared.core.directory import AppRole, DirectoryUser, Saml
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId, UserId
from shared.core.personal import DECIDERS, IN_WORDS, OWNERS, People, Personal, Redaction, Says
from shared.core.reasons import Reason
from shared.membership.model.apps import Change, Policy
from shared.messages.commands import SetupStep


class SelfService(StrEnum):
    """How Microsoft's own self-service is set up: the blade of the admin center, which has no API, or
    entitlement management, which has one."""

    PORTAL = "portal"
    ACCESS_PACKAGE = "access-package"


@dataclass(frozen=True, slots=True)
class AppSpec:
    """Which app: one of the three. With a template, `name` is what the new app is to be called."""

    app_id: AppId | None = None
    name: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """An existing group by its id, which `take_over` says is meant, or the name and description of the one to be
    made."""

    id: GroupId | None = None
    name: str | None = None
    description: str | None = None
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """Everything asked for. `owners` are user principal names, mail addresses or object ids."""

    app: AppSpec
    owners: Annotated[tuple[str, ...], People(OWNERS)]
    group: GroupSpec = field(default_factory=GroupSpec)
    app_role: str | None = None
    saml: Saml | None = None
    policy: Policy = field(default_factory=Policy)
    self_service: SelfService = SelfService.PORTAL


@dataclass(frozen=True, slots=True)
class StepFacts:
    """`title` in a person's words, `after` the steps that must be done before, `article` the part of Microsoft's
    page that the step fulfils ("How users in your organization can invite guest users to an app")."""

    title: str
    article: str
    after: frozenset[SetupStep] = frozenset()


# The one place that says so: the diagram of ``docs/setup.md`` is drawn from it.
ORDER: dict[SetupStep, StepFacts] = {
    SetupStep.SELF_SERVICE_GROUPS: StepFacts(
        "Owners can manage group membership requests in the Access Panel",
        "Enable self-service group management for your tenant",
    ),
    # The group's key is made of the app's id, so that two setups of one app meet in one group.
    SetupStep.GROUP: StepFacts(
        "A security group with assigned membership",
        "Create a group to assign to the app (steps 2 to 7)",
        frozenset({SetupStep.APPLICATION}),
    ),
    SetupStep.OWNERS: StepFacts(
        "The responsible people own the group",
        "Make the user an owner (steps 8 and 9)",
        frozenset({SetupStep.GROUP}),
    ),
    SetupStep.APPLICATION: StepFacts(
        "The enterprise application",
        "Find and open the app (steps 2 and 3)",
    ),
    SetupStep.SINGLE_SIGN_ON: StepFacts(
        "Single sign-on",
        "Configure the application for single sign-on (step 4)",
        frozenset({SetupStep.APPLICATION}),
    ),
    # Approvers are the owners where nobody else is named.
    SetupStep.SELF_SERVICE_ACCESS: StepFacts(
        "Self-service access through the group",
        "Set up self-service app access (step 5)",
        frozenset({SetupStep.OWNERS}),
    ),
    SetupStep.GROUP_ASSIGNMENT: StepFacts(
        "The group is assigned to the app",
        "The self-service group appears under Users and groups (step 6)",
        frozenset({SetupStep.GROUP}),
    ),
    SetupStep.OWNER_ASSIGNMENT: StepFacts(
        "The owners are assigned to the app",
        "Add the app to the group owner's Access Panel (step 7)",
        frozenset({SetupStep.OWNERS}),
    ),
    SetupStep.VERIFY: StepFacts(
        "Everything is read back and compared",
        "Verify (step 6 and the page as a whole)",
        frozenset(
            {
                SetupStep.SELF_SERVICE_GROUPS,
                SetupStep.SINGLE_SIGN_ON,
                SetupStep.SELF_SERVICE_ACCESS,
                SetupStep.GROUP_ASSIGNMENT,
                SetupStep.OWNER_ASSIGNMENT,
            }
        ),
    ),
}


def ready(done: Collection[SetupStep]) -> list[SetupStep]:
    """The steps that are not done and wait for none that is not."""
    return [step for step, facts in ORDER.items() if step not in done and facts.after <= set(done)]


def sorted_by_need() -> list[SetupStep]:
    """All steps, each after those it waits for."""
    found: list[SetupStep] = []
    while len(found) < len(ORDER):
        found += ready(found)
    return found


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

    def failed(self, at: datetime, reason: Reason, detail: str | None) -> "StepRecord":
        return replace(self, state=StepState.FAILED, finished_at=at, reason=reason, detail=detail)


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

    def with_steps(self, *records: StepRecord) -> "Setup":
        return replace(self, steps={**self.steps, **{record.step: record for record in records}})

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


@dataclass(frozen=True, slots=True)
class StoredSetup:
    """A setup as read, with the version of each of its rows, by key."""

    setup: Setup
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that may be made only once in the directory, and who is making it.

    `since` is when it was first attempted. `again` says that an earlier attempt may have had its effect;
    `result` is the id of what came of one.
    """

    key: str
    since: datetime
    again: bool
    result: str | None
    version: str


def new_setup(setup_id: SetupId, plan: SetupPlan, digest: str, *, now: datetime, creator: UserId, name: str) -> Setup:
    return Setup(setup_id, plan, digest, now, creator, name, {s: StepRecord(s) for s in SetupStep})
