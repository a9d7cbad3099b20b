"""Bodies of what owners see and do: groups, guests, templates, mail previews; and who the caller is."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec

from shared.api.bodies import decode
from shared.domain.access import RULES, Action, Caller, Object, Role, may, tenant_roles
from shared.domain.groups import refusal
from shared.domain.ids import UserId
from shared.domain.links import direct_link
from shared.domain.reasons import REASONS
from shared.domain.setup.plan import MessageTemplate, Requests
from shared.domain.setup.records import AppState
from shared.domain.texts import label, lines
from shared.ports.mailer import Mail
from shared.ports.rosters import GuestFacts
from shared.steps.access import Seen
from shared.steps.portal.guests import GuestList

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


class _Answer(msgspec.Struct, rename="camel"):
    """A part of an answer; absent values are null."""


class _Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A part of a body; unknown fields are refused."""


class Me(_Answer):
    """GET /api/me: who the access token says the caller is."""

    id: str
    name: str
    roles: list[str]
    is_admin: bool
    is_auditor: bool
    may: list[str]


class GroupApp(_Answer):
    """An app that members of a group get into. The id is null where only the name is known."""

    app_id: str | None
    name: str
    direct_link: str | None


class Template(_Body):
    """A welcome message to start from; it may hold {guest}, {app} and {inviter}."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    text: Annotated[str, msgspec.Meta(min_length=1)]


class Templates(_Body):
    """All templates of an app."""

    value: list[Template]


class Group(_Answer):
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


class Groups(_Answer):
    """Groups by name."""

    value: list[Group]


class Guest(_Answer):
    """A guest who is a member of a group. `redemption` is the directory's word on whether the invitation was
    accepted, null where it has none."""

    user_id: str
    name: str
    address: str | None
    redemption: str | None
    since: datetime | None
    created_at: datetime | None
    enabled: bool
    last_sign_in_at: datetime | None
    expires: date | None


class Guests(_Answer):
    """Guests of a group; `nextLink` is there while there are more. `lastSignIn` is "unknown" where permission or
    licence do not let sign-ins be read."""

    value: list[Guest]
    next_link: str | None
    last_sign_in: str


class ExpiryBody(_Body):
    """PUT /api/groups/{groupId}/guests/{userId}/expiry: the last day of the membership, null for none."""

    expires: date | None


class Expiry(_Answer):
    """The last day of a guest's membership."""

    user_id: str
    expires: date | None


class MailPreviewBody(_Body):
    """POST /api/groups/{groupId}/mail-preview."""

    address: str | None = None
    display_name: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    welcome_message: str | None = None
    language: Annotated[str, msgspec.Meta(pattern=LANGUAGE, max_length=35)] | None = None


class MailPreview(_Answer):
    """The mail that a guest would get. Microsoft's own has no text that could be shown."""

    sender: str = msgspec.field(name="from")
    subject: str
    text: str
    html: str | None


def me(caller: Caller) -> Me:
    roles = tenant_roles(caller.roles)
    return Me(
        caller.object_id,
        caller.name,
        sorted(caller.roles),
        Role.ADMIN in roles,
        Role.AUDITOR in roles,
        may=[a.value for a, rule in RULES.items() if rule.object is Object.TENANT and may(roles, a)],
    )


def group(found: Seen, tenant_id: str, public_url: str | None, *, message_limit: int, sends_own_mail: bool) -> Group:
    """A group and, where an app was set up with it, the app's policy."""
    facts, record = found.facts, found.app
    reason = refusal(facts)
    closed = record is None or record.state is not AppState.READY or not sends_own_mail or public_url is None
    requests = Requests.CLOSED if record is None or closed else record.policy.lets_in
    links = [
        GroupApp(a.app_id or None, a.name, direct_link([a], tenant_id) if a.app_id else None) for a in facts.apps
    ]
    return Group(
        id=facts.id,
        name=facts.name,
        role=found.role.value,
        apps=links,
        can_invite=reason is None and may(found.roles, Action.INVITE),
        may=[a.value for a, rule in RULES.items() if rule.object is Object.GROUP and may(found.roles, a)],
        reason=reason.value if reason else None,
        title=REASONS[reason].title if reason else None,
        remedy=REASONS[reason].remedy if reason else None,
        is_set_up=record is not None,
        app_id=record.app_id if record else None,
        requests=requests.value,
        request_page=f"{public_url}/request/{facts.id}" if requests is not Requests.CLOSED else None,
        allowed_domains=list(record.policy.allowed_domains) if record else [],
        blocked_domains=list(record.policy.blocked_domains) if record else [],
        templates=[Template(t.name, t.text) for t in record.templates] if record else [],
        message_limit=message_limit,
        sends_own_mail=sends_own_mail,
        direct_link=direct_link(facts.apps, tenant_id) if all(a.app_id for a in facts.apps) else None,
    )


def guests(found: GuestList, next_link: str | None) -> Guests:
    known = "known" if found.page.sign_ins_known else "unknown"
    return Guests([_guest(g, found.expires.get(g.id)) for g in found.page.guests], next_link, known)


def expiry(user: UserId, expires: date | None) -> Expiry:
    return Expiry(user, expires)


def decode_expiry(body: bytes) -> date | None:
    """Raises Refused `body-invalid`."""
    return decode(ExpiryBody, body).expires


def decode_templates(body: bytes) -> list[MessageTemplate]:
    """Raises Refused `body-invalid`, `name-invalid`."""
    found = enumerate(decode(Templates, body).value)
    return [MessageTemplate(label(t.name, f"value[{n}].name"), lines(t.text)) for n, t in found]


def templates(found: Sequence[MessageTemplate]) -> Templates:
    return Templates([Template(t.name, t.text) for t in found])


def mail_preview(found: Mail | None) -> MailPreview:
    if found is None:
        text = "Microsoft sends its own invitation mail, with the name of your organization and a link to accept."
        return MailPreview("microsoft", "Invitation by Microsoft", text, None)
    return MailPreview("guestlist", found.subject, found.text, found.html)


def _guest(found: GuestFacts, expires: date | None) -> Guest:
    redemption = None if found.accepted is None else ("accepted" if found.accepted else "pending")
    return Guest(
        user_id=found.id,
        name=found.name,
        address=found.address,
        redemption=redemption,
        since=found.since,
        created_at=found.created_at,
        enabled=found.enabled,
        last_sign_in_at=found.last_sign_in,
        expires=expires,
    )
