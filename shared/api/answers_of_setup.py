"""Models of what is answered about setups, the apps that are set up, and the doctor's findings."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.api.bodies import Person
from shared.domain.reasons import Reason
from shared.domain.setup.order import SetupStep
from shared.domain.setup.plan import Requests
from shared.domain.setup.records import AppState, CheckState, Kind, SetupState, StepState


class Answer(msgspec.Struct, rename="camel"):
    """A part of an answer; absent values are null."""


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
    app_role: SetupRole | None


class DirectoryChange(Answer):
    """Something that was made or set in the directory."""

    what: str
    kind: Kind
    id: str


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

    id: str
    name: str
    at: datetime
    note: str | None


class StepCheck(Answer):
    """One thing that was looked at."""

    check: str
    state: CheckState
    found: str


class Step(Answer):
    """One step of a setup."""

    step: SetupStep
    title: str
    state: StepState
    after: list[SetupStep]
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    changes: list[DirectoryChange]
    notes: list[str]
    manual_task: Task | None
    confirmed_by: StepConfirmation | None
    checks: list[StepCheck]
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


class RehearsedStep(Answer):
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


class Rehearsal(Answer):
    """What each step of a setup would do."""

    steps: list[RehearsedStep]


class AppPolicy(Answer):
    """Who may ask to join, who decides, and whose guests are admitted."""

    requests: Requests
    approvers: list[Person]
    allowed_domains: list[str]
    blocked_domains: list[str]


class App(Answer):
    """An app that is set up."""

    app_id: str
    name: str
    service_principal_id: str
    group_id: str
    group_name: str
    owners: list[Person]
    policy: AppPolicy
    inviters: list[str]
    direct_link: str
    setup_id: str
    state: AppState
    updated_at: datetime


class Apps(Answer):
    """Apps that are set up."""

    value: list[App]


class AppRemoval(Answer):
    """What taking an app apart would remove and leave."""

    would_remove: list[DirectoryChange]
    would_keep: list[str]


class AppRemoving(Answer):
    """An app that is being taken apart."""

    app_id: str
    state: Literal["removing"] = "removing"


class ExaminedCheck(Answer):
    """One thing that was examined, with the link or the command that mends it."""

    check: str
    state: Literal["ok", "missing", "attention", "unknown"]
    found: str
    title: str
    detail: str
    remedy: str | None
    link: str | None
    command: str | None


class Examination(Answer):
    """What is missing, and what mends it."""

    checks: list[ExaminedCheck]


class SignIn(Answer):
    """Where to get a token for this API."""

    authority: str
    tenant_id: str
    audience: str
    scope: str
    client_id: str | None


class Health(Answer):
    """The app is alive, with settings that can be read."""

    status: Literal["ok"] = "ok"
