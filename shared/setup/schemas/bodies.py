"""What requests about setups bring, as `shared.setup.model` names it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import field

from shared.core.errors import Refused
from shared.core.ids import AppId, group_id
from shared.core.reasons import Reason
from shared.core.texts import label
from shared.http.schemas import (
    Body,
    Few,
    Guid,
    absent,
    decode,
    decode_any,
    given,
    schema_rule,
    text_of,
)
from shared.membership.model.apps import RequestPolicy
from shared.setup.commands import Answers, NewSetup
from shared.setup.model import SelfService, SetupPlan

type _Address = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]*:")]
type _Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
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


def decode_setup(body: bytes) -> NewSetup:
    """Read the body. Raises Refused `body-invalid`, `name-invalid` naming the field and what is wrong with it."""
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
