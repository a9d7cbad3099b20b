"""Setups: what is wanted, as `shared.setup.model.plan` names it, and the checklist of steps."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import field

from shared.core.applications import AppId
from shared.core.checks import CheckState
from shared.core.errors import Refused
from shared.core.ids import group_id
from shared.core.reasons import Reason
from shared.core.texts import label
from shared.http.schemas import (
    Answer,
    Body,
    Few,
    Guid,
    Person,
    absent,
    decode,
    decode_any,
    explained,
    given,
    schema_rule,
    text_of,
)
from shared.membership.model.policy import RequestPolicy
from shared.messages.commands import SetupStep
from shared.setup.commands import Answers
from shared.setup.model.order import ORDER
from shared.setup.model.plan import SelfService, SetupPlan
from shared.setup.model.records import ManualTask, SetupState, StepRecord, StepState
from shared.setup.model.records import Setup as Record
from shared.setup.schemas.apps import DirectoryChange
from shared.setup.start import NewSetup, Rehearsed

type _Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
type _Address = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]*:")]
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


@schema_rule(
    {
        "description": "One app: that of an id, or a new one by its name, by a template, or by both.",
        "oneOf": [
            {"allOf": [given("appId"), absent("name", "template")]},
            {"allOf": [absent("appId"), {"anyOf": [given("name"), given("template")]}]},
        ],
    }
)
class AppBody(Body):
    app_id: Guid | None = None
    name: _Text | None = None
    template: _Text | None = None


@schema_rule(
    {
        "description": "A group that is there already, by its id, or what a new one is called.",
        "anyOf": [absent("id"), {"properties": {"name": {"type": "null"}, "description": {"maxLength": 0}}}],
    }
)
class GroupBody(Body):
    id: Guid | None = None
    name: _Text | None = None
    description: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    take_over: bool = False


class SingleSignOnBody(Body):
    """SAML; other modes are the app's own business."""

    mode: Annotated[str, msgspec.Meta(pattern="^saml$")]
    identifiers: Annotated[list[_Address], msgspec.Meta(min_length=1, max_length=50)]
    reply_urls: Annotated[list[_Address], msgspec.Meta(min_length=1, max_length=50)]
    sign_on_url: _Address | None = None
    notification_emails: Few[_Text] = field(default_factory=list)


class PolicyBody(Body):
    requests: RequestPolicy = RequestPolicy.APPROVAL
    approvers: Annotated[list[_Text], msgspec.Meta(max_length=10)] = field(default_factory=list)
    allowed_domains: Few[_Text] = field(default_factory=list)
    blocked_domains: Few[_Text] = field(default_factory=list)


class SetupBody(Body):
    """POST /api/setups."""

    app: AppBody
    owners: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=20)]
    group: GroupBody = field(default_factory=GroupBody)
    app_role: _Text | None = None
    saml: SingleSignOnBody | None = field(name="singleSignOn", default=None)
    policy: PolicyBody = field(default_factory=PolicyBody)
    self_service: SelfService = SelfService.PORTAL


class ConfirmBody(Body):
    """POST /api/setups/{id}/steps/{step}/confirm."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class RetryBody(Body):
    """POST /api/setups/{id}/retry: the answer to what a failed step asked."""

    app_role: _Text | None = None
    app_id: Guid | None = None


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
    task: Task | None = field(name="manualTask")
    confirmation: StepConfirmation | None = field(name="confirmedBy")
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


def decode_setup(body: bytes) -> NewSetup:
    """Read the body.

    Raises:
        Refused: `body-invalid`, `name-invalid` naming the field and what is wrong with it.
    """
    found = decode(SetupBody, body)
    digest = hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest()
    plan = msgspec.convert(found, SetupPlan, from_attributes=True)
    app, group, policy = plan.app, plan.group, plan.policy
    if (app.app_id is None) == (app.name is None and app.template is None):
        raise Refused(Reason.BODY_INVALID, "Name one app: by appId, by name, or by template", field="app")
    if group.id is not None and (group.name or group.description):
        raise Refused(Reason.BODY_INVALID, "A group that is there already keeps its name", field="group")
    if policy.requests is RequestPolicy.OPEN and not policy.allowed_domains:
        detail = "Name the domains whose people may come in without anybody's decision, or let somebody decide"
        raise Refused(Reason.BODY_INVALID, detail, field="policy.allowedDomains")
    if group.take_over and group.id is None:
        raise Refused(Reason.BODY_INVALID, "takeOver is for a group that is named by its id", field="group")
    plan = replace(
        plan,
        app=replace(
            app,
            app_id=AppId(app.app_id.lower()) if app.app_id else None,
            name=_label(app.name, "app.name"),
            template=_label(app.template, "app.template"),
        ),
        group=replace(
            group,
            id=group_id(group.id) if group.id else None,
            name=_label(group.name, "group.name"),
            description=_label(group.description, "group.description"),
        ),
        app_role=_label(plan.app_role, "appRole"),
        policy=replace(
            policy,
            allowed_domains=_domains(policy.allowed_domains, "policy.allowedDomains"),
            blocked_domains=_domains(policy.blocked_domains, "policy.blockedDomains"),
        ),
    )
    return NewSetup(plan, digest)


def decode_note(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    return text_of(decode_any(ConfirmBody, body).note)


def decode_answers(body: bytes) -> Answers:
    """Raises Refused `body-invalid`; no body is no answer."""
    found = decode_any(RetryBody, body)
    return Answers(found.app_role, AppId(found.app_id.lower()) if found.app_id else None)


def setup(found: Record) -> SetupChecklist:
    steps = [_step(found, found.steps[step]) for step in SetupStep]
    return SetupChecklist.of(found, **_wanted(found), steps=steps)


def setups(found: Sequence[Record]) -> Setups:
    return Setups([ShortSetup.of(one, **_wanted(one)) for one in found])


def rehearsal(steps: Sequence[Rehearsed]) -> Rehearsal:
    return Rehearsal([_rehearsed(step) for step in steps])


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


def _rehearsed(said: Rehearsed) -> RehearsedStep:
    result, refused = said.result, said.refused
    task = result.task if result else None
    return RehearsedStep.of(
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


def _label(text: str | None, field: str) -> str | None:
    return None if text is None else label(text, field)


def _domains(given: Sequence[str], field: str) -> tuple[str, ...]:
    """In ASCII and lower case, as addresses are compared."""
    found = []
    for text in given:
        name = text.strip().lstrip("@").rstrip(".").lower()
        try:
            name = name.encode("idna").decode()
        except UnicodeError as e:
            raise Refused(Reason.BODY_INVALID, f"'{text}' is not a domain", field=field) from e
        if not _DOMAIN.fullmatch(name):
            raise Refused(Reason.BODY_INVALID, f"'{text}' is not a domain", field=field)
        found.append(name)
    return tuple(found)
