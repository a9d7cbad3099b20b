"""Setups, as checklists of steps; and the apps that are set up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import field

from shared.core.checks import Check
from shared.core.directory import GroupApp, direct_link
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.http.schemas import Answer, Body, Few, Guid, Person, decode, explained
from shared.membership.model.apps import AppRecord, AppState, Change, RequestPolicy
from shared.messages.commands import SetupStep
from shared.setup.commands import DryRunResult
from shared.setup.model import ORDER, ManualTask, SetupState, StepRecord, StepState
from shared.setup.model import Setup as Record


class Inviters(Body):
    """All apps that may invite into the group of an app, by the object ids of their enterprise applications."""

    value: Few[Guid]


class AppPolicy(Answer):
    """Who may ask to join, who decides, and whose guests are admitted."""

    requests: RequestPolicy
    approvers: list[Person]
    allowed_domains: list[str]
    blocked_domains: list[str]


class App(Answer):
    """An app that is set up."""

    app_id: str
    name: str
    service_principal: str = field(name="servicePrincipalId")
    group: str = field(name="groupId")
    group_name: str
    owners: list[Person]
    policy: AppPolicy
    inviters: list[str]
    direct_link: str
    setup: str = field(name="setupId")
    state: AppState
    updated_at: datetime


class Apps(Answer):
    """Apps that are set up."""

    value: list[App]


class AppRemoval(Answer):
    """What removing an app would remove and leave."""

    removes: list[Change] = field(name="wouldRemove")
    keeps: list[str] = field(name="wouldKeep")


class AppRemoving(Answer):
    """An app that is being removed."""

    app_id: str
    state: Literal["removing"] = "removing"


class WantedApp(Answer):
    """The app as the setup names it."""

    app_id: str | None
    name: str | None
    template: str | None


class SetupApp(Answer):
    """The app as it was found."""

    app_id: str
    name: str


class SetupGroup(Answer):
    """The group as it was found or made."""

    id: str
    name: str


class SetupRole(Answer):
    """The role that guests get in the app."""

    id: str
    name: str


class SetupFound(Answer):
    """What the steps have found so far."""

    app: SetupApp | None
    group: SetupGroup | None
    owners: list[Person]
    role: SetupRole | None = field(name="appRole")


class TaskValue(Answer):
    """A value that a person has to enter."""

    name: str
    value: str


class Task(Answer):
    """What a person must do by hand, and exactly where."""

    title: str
    instructions: list[str]
    link: str
    values: list[TaskValue]


class StepConfirmation(Answer):
    """Who said that a manual task is done."""

    by: str = field(name="id")
    name: str
    at: datetime
    note: str | None


class Step(Answer):
    """One step of a setup."""

    step: SetupStep
    title: str
    state: StepState
    after: list[SetupStep]
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    changes: list[Change]
    notes: list[str]
    task: Task | None = field(name="manualTask")
    confirmation: StepConfirmation | None = field(name="confirmedBy")
    checks: list[Check]
    reason: Reason | None
    title_of_reason: str | None
    detail: str | None
    remedy: str | None


class ShortSetup(Answer):
    """A setup without its steps."""

    id: str
    state: SetupState
    app: WantedApp
    found: SetupFound
    created_at: datetime
    created_by: Person


class SetupChecklist(ShortSetup):
    """A setup: the checklist."""

    steps: list[Step]


class Setups(Answer):
    """Setups in short, the newest first."""

    value: list[ShortSetup]


class DryRunStep(Answer):
    """What a step would do, or why it cannot."""

    step: SetupStep
    title: str
    would_do: list[str]
    already_done: list[str]
    notes: list[str]
    manual: bool
    manual_task: Task | None
    reason: Reason | None
    title_of_reason: str | None
    detail: str | None
    remedy: str | None


class SetupDryRun(Answer):
    """What each step of a setup would do."""

    steps: list[DryRunStep]


def setup(found: Record) -> SetupChecklist:
    steps = [_step(found, found.steps[step]) for step in SetupStep]
    return SetupChecklist.of(found, **_wanted(found), steps=steps)


def setups(found: Sequence[Record]) -> Setups:
    return Setups([ShortSetup.of(one, **_wanted(one)) for one in found])


def dry_run(steps: Sequence[DryRunResult]) -> SetupDryRun:
    return SetupDryRun([_dry_run_step(step) for step in steps])


def _wanted(found: Record) -> dict[str, object]:
    return {"app": found.plan.app, "created_by": Person(found.creator, found.creator_name)}


def _step(of: Record, record: StepRecord) -> Step:
    facts = ORDER[record.step]
    return Step.of(
        record,
        title=facts.title,
        state=of.state_of(record.step),
        after=sorted(facts.after),
        task=_task(record.task),
        **explained(record.reason, "title_of_reason"),
    )


def _dry_run_step(said: DryRunResult) -> DryRunStep:
    result, refused = said.result, said.refused
    task = result.task if result else None
    return DryRunStep.of(
        said,
        title=ORDER[said.step].title,
        already_done=[f"{c.check}: {c.found}" for c in result.checks] if result and not said.would_do else [],
        notes=result.notes if result else (),
        manual=bool(task),
        manual_task=_task(task),
        reason=refused.reason if refused else None,
        detail=refused.detail if refused else None,
        **explained(refused.reason if refused else None, "title_of_reason"),
    )


def _task(task: ManualTask | None) -> Task | None:
    return Task.of(task, values=[TaskValue(name, value) for name, value in task.values]) if task else None


def decode_inviters(body: bytes) -> list[UserId]:
    """Raises Refused `body-invalid`."""
    return [UserId(each.lower()) for each in decode(Inviters, body).value]


def app(found: AppRecord, tenant_id: str) -> App:
    return App.of(
        found,
        policy=AppPolicy.of(found.policy, approvers=found.named_approvers),
        direct_link=direct_link([GroupApp(found.name, found.app_id)], tenant_id),
    )
