"""Bodies of setups, of the apps that are set up, and of the doctor's findings."""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from shared.api.bodies import decode
from shared.domain.applications import AppId
from shared.domain.errors import Refused
from shared.domain.examination import Finding
from shared.domain.groups import App
from shared.domain.ids import group_id
from shared.domain.links import direct_link
from shared.domain.reasons import REASONS, Reason
from shared.domain.setup.order import ORDER, SetupStep
from shared.domain.setup.plan import AppWish, GroupWish, Policy, Requests, Saml, SelfService, SetupPlan
from shared.domain.setup.records import AppRecord, Check, ManualTask, Setup, StepRecord
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


class AppBody(_Body):
    app_id: _Guid | None = None
    name: _Text | None = None
    template: _Text | None = None


class GroupBody(_Body):
    id: _Guid | None = None
    name: _Text | None = None
    description: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


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
        Refused: `body-invalid` naming the field and what is wrong with it.
    """
    found = decode(SetupBody, body)
    app, group = found.app, found.group
    if (app.app_id is None) == (app.name is None and app.template is None):
        raise Refused(Reason.BODY_INVALID, "Name one app: by appId, by name, or by template", field="app")
    if group.id is not None and (group.name or group.description):
        raise Refused(Reason.BODY_INVALID, "A group that is there already keeps its name", field="group")
    saml = found.single_sign_on
    plan = SetupPlan(
        app=AppWish(AppId(app.app_id.lower()) if app.app_id else None, app.name, app.template),
        owners=tuple(found.owners),
        group=GroupWish(group_id(group.id) if group.id else None, group.name, group.description),
        app_role=found.app_role,
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
    return decode(ConfirmBody, body).note if body.strip() else None


def decode_answers(body: bytes) -> Answers:
    """Raises Refused `body-invalid`; no body is no answer."""
    found = decode(RetryBody, body) if body.strip() else RetryBody()
    return Answers(found.app_role, AppId(found.app_id.lower()) if found.app_id else None)


def setup(found: Setup) -> dict[str, Any]:
    """The checklist."""
    return {
        "id": found.id,
        "state": found.state.value,
        "app": {"appId": found.plan.app.app_id, "name": found.plan.app.name, "template": found.plan.app.template},
        "found": _found(found),
        "createdAt": found.created_at,
        "createdBy": {"id": found.creator, "name": found.creator_name},
        "steps": [_step(found, found.steps[step]) for step in SetupStep],
    }


def setups(found: Sequence[Setup]) -> dict[str, Any]:
    """Setups in short, the newest first."""
    return {
        "value": [
            {
                "id": one.id,
                "state": one.state.value,
                "app": {"appId": one.plan.app.app_id, "name": one.plan.app.name, "template": one.plan.app.template},
                "found": _found(one),
                "createdAt": one.created_at,
                "createdBy": {"id": one.creator, "name": one.creator_name},
            }
            for one in found
        ]
    }


def rehearsal(steps: Sequence[Rehearsed]) -> dict[str, Any]:
    """What each step would do."""
    return {"steps": [_rehearsed(step) for step in steps]}


def app(found: AppRecord, tenant_id: str) -> dict[str, Any]:
    """An app that is set up."""
    policy = found.policy
    return {
        "appId": found.app_id,
        "name": found.name,
        "servicePrincipalId": found.service_principal,
        "groupId": found.group,
        "groupName": found.group_name,
        "owners": [{"id": p.id, "name": p.name} for p in found.owners],
        "policy": {
            "requests": policy.requests.value,
            "approvers": [{"id": p.id, "name": p.name} for p in found.approvers],
            "allowedDomains": policy.allowed_domains,
            "blockedDomains": policy.blocked_domains,
        },
        "directLink": direct_link([App(found.name, found.app_id)], tenant_id),
        "setupId": found.setup,
        "state": found.state.value,
        "updatedAt": found.updated_at,
    }


def removal(found: Removal) -> dict[str, Any]:
    """What taking an app apart would do."""
    return {
        "wouldRemove": [{"what": c.what, "kind": c.kind.value, "id": c.id} for c in found.removes],
        "wouldKeep": list(found.keeps),
    }


def examination(findings: Sequence[Finding]) -> dict[str, Any]:
    """What is missing, and what mends it."""
    return {
        "checks": [
            {
                **_check(f.check),
                "state": "missing" if f.check.state.value == "wrong" else f.check.state.value,
                "title": f.title,
                "detail": f.check.found,
                "remedy": f.remedy,
                "link": f.link,
                "command": f.command,
            }
            for f in findings
        ]
    }


def _step(of: Setup, record: StepRecord) -> dict[str, Any]:
    facts, said = ORDER[record.step], record.confirmation
    return {
        "step": record.step.value,
        "title": facts.title,
        "state": of.state_of(record.step).value,
        "after": sorted(s.value for s in facts.after),
        "startedAt": record.started_at,
        "finishedAt": record.finished_at,
        "attempts": record.attempts,
        "changes": [{"what": c.what, "kind": c.kind.value, "id": c.id} for c in record.changes],
        "notes": record.notes,
        "manualTask": _task(record.task) if record.task else None,
        "confirmedBy": {"id": said.by, "name": said.name, "at": said.at, "note": said.note} if said else None,
        "checks": [_check(c) for c in record.checks],
        **_why(record.reason, record.detail),
    }


def _found(of: Setup) -> dict[str, Any]:
    found = of.found
    return {
        "app": {"appId": found.app.app_id, "name": found.app.name} if found.app else None,
        "group": {"id": found.group.id, "name": found.group.name} if found.group else None,
        "owners": [{"id": p.id, "name": p.name} for p in found.owners],
        "appRole": {"id": found.role.id, "name": found.role.name} if found.role else None,
    }


def _rehearsed(said: Rehearsed) -> dict[str, Any]:
    result, refused = said.result, said.refused
    return {
        "step": said.step.value,
        "title": ORDER[said.step].title,
        "wouldDo": list(said.would_do),
        "alreadyDone": [f"{c.check}: {c.found}" for c in result.checks] if result and not said.would_do else [],
        "notes": list(result.notes) if result else [],
        "manual": bool(result and result.task),
        "manualTask": _task(result.task) if result and result.task else None,
        **_why(refused.reason if refused else None, refused.detail if refused else None),
    }


def _task(task: ManualTask) -> dict[str, Any]:
    return {
        "title": task.title,
        "instructions": list(task.instructions),
        "link": task.link,
        "values": [{"name": name, "value": value} for name, value in task.values],
    }


def _check(check: Check) -> dict[str, Any]:
    return {"check": check.check, "state": check.state.value, "found": check.found}


def _why(reason: Reason | None, detail: str | None) -> dict[str, Any]:
    facts = REASONS[reason] if reason else None
    return {
        "reason": reason.value if reason else None,
        "titleOfReason": facts.title if facts else None,
        "detail": detail,
        "remedy": facts.remedy if facts else None,
    }


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
