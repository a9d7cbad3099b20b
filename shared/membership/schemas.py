"""What owners see and do: who they are, their groups, the guests in them, and messages to start from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import field

from shared.core.caller import Caller
from shared.core.directory import direct_link, refusal
from shared.core.ids import UserId
from shared.core.texts import label, lines
from shared.graph.ports import GuestFacts, GuestPage
from shared.http.schemas import Answer, Body, decode, explained, schema_rule
from shared.membership.access import Seen
from shared.membership.model.access import RULES, Action, Object, Role, may, tenant_roles
from shared.membership.model.apps import MAX_TEMPLATES, AppState, MessageTemplate, Policy, RequestPolicy


class Me(Answer):
    """GET /api/me: who the access token says the caller is."""

    object_id: str = field(name="id")
    name: str
    roles: list[str]
    is_admin: bool
    is_auditor: bool
    may: list[str]


class GroupApp(Answer):
    """An app that members of a group get into. The id is null where only the name is known."""

    app_id: str | None
    name: str
    direct_link: str | None


class Template(Body):
    """A welcome message to start from; it may hold {guest}, {app} and {inviter}."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    text: Annotated[str, msgspec.Meta(min_length=1)]


@schema_rule(
    {
        "description": "All templates of an app. No two have one name, whatever the case of its letters.",
        "allOf": [{"properties": {"value": {"uniqueItems": True, "maxItems": MAX_TEMPLATES}}}],
    }
)
class Templates(Body):
    """All templates of an app."""

    value: list[Template]


class Group(Answer):
    """A group as its owner sees it."""

    id: str
    name: str
    role: str
    may: list[str]
    apps: list[GroupApp]
    can_invite: bool
    reason: str | None
    title: str | None
    remedy: str | None
    is_set_up: bool
    app_id: str | None
    requests: str
    request_page: str | None
    allowed_domains: list[str]
    blocked_domains: list[str]
    templates: list[Template]
    message_limit: int
    sends_own_mail: bool
    direct_link: str | None


class Groups(Answer):
    """Groups by name."""

    value: list[Group]


class Guest(Answer):
    """A guest who is a member of a group. `redemption` is the directory's word on whether the invitation was
    accepted, null where it has none."""

    id: str = field(name="userId")
    name: str
    address: str | None
    redemption: str | None
    since: datetime | None
    created_at: datetime | None
    enabled: bool
    last_sign_in: datetime | None = field(name="lastSignInAt")
    expires: date | None


class Guests(Answer):
    """Guests of a group; `nextLink` is there while there are more. `lastSignIn` is "unknown" where permission or
    licence do not let sign-ins be read."""

    value: list[Guest]
    next_link: str | None
    last_sign_in: str


class ExpiryBody(Body):
    """PUT /api/groups/{groupId}/guests/{userId}/expiry: the last day of the membership, null for none."""

    expires: date | None


class Expiry(Answer):
    """The last day of a guest's membership."""

    user_id: str
    expires: date | None


def me(caller: Caller) -> Me:
    roles = tenant_roles(caller.roles)
    return Me.of(
        caller,
        roles=sorted(caller.roles),
        is_admin=Role.ADMIN in roles,
        is_auditor=Role.AUDITOR in roles,
        may=[a.value for a, rule in RULES.items() if rule.object is Object.TENANT and may(roles, a)],
    )


def group(found: Seen, tenant_id: str, public_url: str | None, *, message_limit: int, sends_own_mail: bool) -> Group:
    """A group and, where an app was set up with it, the app's policy."""
    facts, record = found.facts, found.app
    policy = record.policy if record else Policy()
    reason = refusal(facts)
    closed = record is None or record.state is not AppState.READY or not sends_own_mail or public_url is None
    requests = RequestPolicy.CLOSED if closed else policy.lets_in
    links = [
        GroupApp(a.app_id or None, a.name, direct_link([a], tenant_id) if a.app_id else None) for a in facts.apps
    ]
    return Group.of(
        facts,
        role=found.role,
        apps=links,
        can_invite=reason is None and may(found.roles, Action.INVITE),
        may=[a.value for a, rule in RULES.items() if rule.object is Object.GROUP and may(found.roles, a)],
        reason=reason,
        is_set_up=record is not None,
        app_id=record.app_id if record else None,
        requests=requests,
        request_page=f"{public_url}/request/{facts.id}" if requests is not RequestPolicy.CLOSED else None,
        allowed_domains=policy.allowed_domains,
        blocked_domains=policy.blocked_domains,
        templates=templates(record.templates if record else ()).value,
        message_limit=message_limit,
        sends_own_mail=sends_own_mail,
        direct_link=direct_link(facts.apps, tenant_id) if all(a.app_id for a in facts.apps) else None,
        **explained(reason),
    )


def guests(found: GuestPage, expires: Mapping[UserId, date], next_link: str | None) -> Guests:
    known = "known" if found.sign_ins_known else "unknown"
    return Guests([_guest(g, expires.get(g.id)) for g in found.guests], next_link, known)


def decode_expiry(body: bytes) -> date | None:
    """Raises Refused `body-invalid`."""
    return decode(ExpiryBody, body).expires


def decode_templates(body: bytes) -> list[MessageTemplate]:
    """Raises Refused `body-invalid`, `name-invalid`."""
    found = enumerate(decode(Templates, body).value)
    return [MessageTemplate(label(t.name, f"value[{n}].name"), lines(t.text)) for n, t in found]


def templates(found: Sequence[MessageTemplate]) -> Templates:
    return Templates([Template(t.name, t.text) for t in found])


def _guest(found: GuestFacts, expires: date | None) -> Guest:
    redemption = None if found.accepted is None else ("accepted" if found.accepted else "pending")
    return Guest.of(found, redemption=redemption, expires=expires)
