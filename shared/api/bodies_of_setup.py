"""Bodies of setups, of the apps that are set up, and of the doctor's findings."""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from shared.api import answers_of_setup as answers
from shared.api.bodies import Person, decode
from shared.domain.applications import AppId
from shared.domain.errors import Refused
from shared.domain.examination import Finding
from shared.domain.groups import App
from shared.domain.ids import UserId, group_id
from shared.domain.links import direct_link
from shared.domain.reasons import REASONS, Reason
from shared.domain.setup.order import ORDER, SetupStep
from shared.domain.setup.plan import AppWish, GroupWish, Policy, Requests, Saml, SelfService, SetupPlan
from shared.domain.setup.records import AppRecord, Change, CheckState, ManualTask, Setup, StepRecord
from shared.domain.texts import label, lines
from shared.steps.setup.apps import Removal
from shared.steps.setup.people import Answers
from shared.steps.setup.start import NewSetup, Rehearsed

type _Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
type _Address = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]*:")]
type _Guid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
type _Few[T] = Annotated[list[T], msgspec.Meta(max_length=50)]
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class _Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A part of a body; unknown fields are refused."""


class Inviters(_Body):
    """All apps that may invite into the group of an app, by the object ids of their enterprise applications."""

    value: _Few[_Guid]


class AppBody(_Body):
    app_id: _Guid | None = None
    name: _Text | None = None
    template: _Text | None = None


class GroupBody(_Body):
    id: _Guid | None = None
    name: _Text | None = None
    description: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    take_over: bool = False


class SingleSignOnBody(_Body):
    """SAML; other modes are the app's own business."""

    mode: Annotated[str, msgspec.Meta(pattern="^saml$")]
    identifiers: Annotated[list[_Address], msgspec.Meta(min_length=1, max_length=50)]
    reply_urls: Annotated[list[_Address], msgspec.Meta(min_length=1, max_length=50)]
    sign_on_url: _Address | None = None
    notification_emails: _Few[_Text] = []


class PolicyBody(_Body):
    requests: Requests = Requests.APPROVAL
    approvers: Annotated[list[_Text], msgspec.Meta(max_length=10)] = []
    allowed_domains: _Few[_Text] = []
    blocked_domains: _Few[_Text] = []


class SetupBody(_Body):
    """POST /api/setups."""

    app: AppBody
    owners: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=20)]
    group: GroupBody = msgspec.field(default_factory=GroupBody)
    app_role: _Text | None = None
    single_sign_on: SingleSignOnBody | None = None
    policy: PolicyBody = msgspec.field(default_factory=PolicyBody)
    self_service: SelfService = SelfService.PORTAL


class ConfirmBody(_Body):
    """POST /api/setups/{id}/steps/{step}/confirm."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class RetryBody(_Body):
    """POST /api/setups/{id}/retry: the answer to what a failed step asked."""

    app_role: _Text | None = None
    app_id: _Guid | None = None


def decode_setup(body: bytes) -> NewSetup:
    """Read the body.

    Raises:
        Refused: `body-invalid`, `name-invalid` naming the field and what is wrong with it.
    """
    found = decode(SetupBody, body)
    app, group = found.app, found.group
    if (app.app_id is None) == (app.name is None and app.template is None):
        raise Refused(Reason.BODY_INVALID, "Name one app: by appId, by name, or by template", field="app")
    if group.id is not None and (group.name or group.description):
        raise Refused(Reason.BODY_INVALID, "A group that is there already keeps its name", field="group")
    if found.policy.requests is Requests.OPEN and not found.policy.allowed_domains:
        detail = "Name the domains whose people may come in without anybody's decision, or let somebody decide"
        raise Refused(Reason.BODY_INVALID, detail, field="policy.allowedDomains")
    if group.take_over and group.id is None:
        raise Refused(Reason.BODY_INVALID, "takeOver is for a group that is named by its id", field="group")
    saml = found.single_sign_on
    plan = SetupPlan(
        app=AppWish(
            AppId(app.app_id.lower()) if app.app_id else None,
            _label(app.name, "app.name"),
            _label(app.template, "app.template"),
        ),
        owners=tuple(found.owners),
        group=GroupWish(
            group_id(group.id) if group.id else None,
            _label(group.name, "group.name"),
            _label(group.description, "group.description"),
            group.take_over,
        ),
        app_role=_label(found.app_role, "appRole"),
        saml=Saml(tuple(saml.identifiers), tuple(saml.reply_urls), saml.sign_on_url, tuple(saml.notification_emails))
        if saml
        else None,
        policy=Policy(
            found.policy.requests,
            tuple(found.policy.approvers),
            _domains(found.policy.allowed_domains, "policy.allowedDomains"),
            _domains(found.policy.blocked_domains, "policy.blockedDomains"),
        ),
        self_service=found.self_service,
    )
    return NewSetup(plan, hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest())


def decode_note(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    return lines((decode(ConfirmBody, body).note if body.strip() else None) or "") or None


def decode_answers(body: bytes) -> Answers:
    """Raises Refused `body-invalid`; no body is no answer."""
    found = decode(RetryBody, body) if body.strip() else RetryBody()
    return Answers(found.app_role, AppId(found.app_id.lower()) if found.app_id else None)


def setup(found: Setup) -> answers.SetupChecklist:
    """The checklist."""
    short = _short(found)
    return answers.SetupChecklist(
        id=short.id,
        state=short.state,
        app=short.app,
        found=short.found,
        created_at=short.created_at,
        created_by=short.created_by,
        steps=[_step(found, found.steps[step]) for step in SetupStep],
    )


def setups(found: Sequence[Setup]) -> answers.Setups:
    """Setups in short, the newest first."""
    return answers.Setups([_short(one) for one in found])


def rehearsal(steps: Sequence[Rehearsed]) -> answers.Rehearsal:
    """What each step would do."""
    return answers.Rehearsal([_rehearsed(step) for step in steps])


def app(found: AppRecord, tenant_id: str) -> answers.App:
    """An app that is set up."""
    policy = found.policy
    return answers.App(
        app_id=found.app_id,
        name=found.name,
        service_principal_id=found.service_principal,
        group_id=found.group,
        group_name=found.group_name,
        owners=[Person(p.id, p.name) for p in found.owners],
        policy=answers.AppPolicy(
            requests=policy.requests,
            approvers=[Person(p.id, p.name) for p in found.named_approvers],
            allowed_domains=list(policy.allowed_domains),
            blocked_domains=list(policy.blocked_domains),
        ),
        inviters=list(found.inviters),
        direct_link=direct_link([App(found.name, found.app_id)], tenant_id),
        setup_id=found.setup,
        state=found.state,
        updated_at=found.updated_at,
    )


def decode_inviters(body: bytes) -> list[UserId]:
    """Raises Refused `body-invalid`."""
    return [UserId(each.lower()) for each in decode(Inviters, body).value]


def removal(found: Removal) -> answers.AppRemoval:
    """What taking an app apart would do."""
    return answers.AppRemoval([_change(c) for c in found.removes], list(found.keeps))


def examination(findings: Sequence[Finding]) -> answers.Examination:
    """What is missing, and what mends it."""
    return answers.Examination(
        [
            answers.ExaminedCheck(
                check=f.check.check,
                state=_EXAMINED[f.check.state],
                found=f.check.found,
                title=f.title,
                detail=f.check.found,
                remedy=f.remedy,
                link=f.link,
                command=f.command,
            )
            for f in findings
        ]
    )


_EXAMINED: dict[CheckState, Literal["ok", "missing", "attention", "unknown"]] = {
    CheckState.OK: "ok",
    CheckState.WRONG: "missing",
    CheckState.ATTENTION: "attention",
    CheckState.UNKNOWN: "unknown",
}


def _short(found: Setup) -> answers.ShortSetup:
    wanted = found.plan.app
    return answers.ShortSetup(
        id=found.id,
        state=found.state,
        app=answers.WantedApp(wanted.app_id, wanted.name, wanted.template),
        found=_found(found),
        created_at=found.created_at,
        created_by=Person(found.creator, found.creator_name),
    )


def _step(of: Setup, record: StepRecord) -> answers.Step:
    facts, said, reason = ORDER[record.step], record.confirmation, record.reason
    return answers.Step(
        step=record.step,
        title=facts.title,
        state=of.state_of(record.step),
        after=sorted(facts.after),
        started_at=record.started_at,
        finished_at=record.finished_at,
        attempts=record.attempts,
        changes=[_change(c) for c in record.changes],
        notes=list(record.notes),
        manual_task=_task(record.task) if record.task else None,
        confirmed_by=answers.StepConfirmation(said.by, said.name, said.at, said.note) if said else None,
        checks=[answers.StepCheck(c.check, c.state, c.found) for c in record.checks],
        reason=reason,
        title_of_reason=REASONS[reason].title if reason else None,
        detail=record.detail,
        remedy=REASONS[reason].remedy if reason else None,
    )


def _found(of: Setup) -> answers.SetupFound:
    found = of.found
    return answers.SetupFound(
        app=answers.SetupApp(found.app.app_id, found.app.name) if found.app else None,
        group=answers.SetupGroup(found.group.id, found.group.name) if found.group else None,
        owners=[Person(p.id, p.name) for p in found.owners],
        app_role=answers.SetupRole(found.role.id, found.role.name) if found.role else None,
    )


def _rehearsed(said: Rehearsed) -> answers.RehearsedStep:
    result, refused = said.result, said.refused
    reason = REASONS[refused.reason] if refused else None
    return answers.RehearsedStep(
        step=said.step,
        title=ORDER[said.step].title,
        would_do=list(said.would_do),
        already_done=[f"{c.check}: {c.found}" for c in result.checks] if result and not said.would_do else [],
        notes=list(result.notes) if result else [],
        manual=bool(result and result.task),
        manual_task=_task(result.task) if result and result.task else None,
        reason=refused.reason if refused else None,
        title_of_reason=reason.title if reason else None,
        detail=refused.detail if refused else None,
        remedy=reason.remedy if reason else None,
    )


def _change(found: Change) -> answers.DirectoryChange:
    return answers.DirectoryChange(found.what, found.kind, found.id)


def _task(task: ManualTask) -> answers.Task:
    values = [answers.TaskValue(name, value) for name, value in task.values]
    return answers.Task(task.title, list(task.instructions), task.link, values)


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
