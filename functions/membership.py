"""What an owner sees and does: groups, their guests, and how a mail will look."""

from datetime import date
from typing import Annotated

from functions.arguments import TEXT, Body, Continuation, flag, query
from functions.http import Routes
from shared.core.caller import Caller
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.texts import guest_name
from shared.http.openapi import OF_DIRECTORY, OF_GROUPS, SIGNED_IN
from shared.http.schemas import BODY_LIMIT
from shared.invitations import schemas as invitations
from shared.membership import schemas
from shared.membership.access import Seen
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("groups")
of_caller = Routes("caller")

_GROUP = "/api/groups/{groupId}"
_GUEST = f"{_GROUP}/guests/{{userId}}"
_All = Annotated[bool, flag("all", "true: the groups of all apps; administrators and auditors")]
_BEGINNING = query(
    "find", "what the name or the address begins with", TEXT, lambda given: given.strip()[:100] or None
)
_Find = Annotated[str | None, _BEGINNING]


@of_caller("GET /api/me", SIGNED_IN)
async def get_me(caller: Caller) -> schemas.Me:
    """Who the access token says the caller is."""
    return schemas.me(caller)


@route("GET /api/groups", SIGNED_IN, Reason.NOT_ADMIN, *OF_DIRECTORY)
async def list_groups(app: App, caller: Caller, with_all: _All) -> schemas.Groups:
    """Groups that the caller owns or decides for."""
    found = await app.portal.groups.of_caller(caller, with_all=with_all)
    return schemas.Groups([_group(app, seen) for seen in found])


@route(f"GET {_GROUP}", Action.SEE_GROUP, *OF_GROUPS)
async def get_group(app: App, caller: Caller, group: GroupId) -> schemas.Group:
    """One group, with its apps, policy and templates."""
    return _group(app, await app.portal.groups.one(group, caller))


@route(f"GET {_GROUP}/guests", Action.READ_GUESTS, *OF_GROUPS)
async def list_guests(app: App, caller: Caller, group: GroupId, find: _Find, page: Continuation) -> schemas.Guests:
    """Guests who are members."""
    found, expires = await app.portal.guests.list(group, caller, page.continuation, find)
    return schemas.guests(found, expires, page.next(f"/api/groups/{group}/guests", found.continuation))


@route(f"DELETE {_GUEST}", Action.CHANGE_GUESTS, *OF_GROUPS)
async def remove_guest(app: App, caller: Caller, group: GroupId, user: UserId) -> None:
    """Make a guest no member any more; the account stays."""
    await app.portal.guests.remove(group, user, caller)


@route(
    f"PUT {_GUEST}/expiry",
    Action.CHANGE_GUESTS,
    *OF_GROUPS,
    body=Body(schemas.ExpiryBody, {"expires": "2027-06-30"}, schemas.decode_expiry),
)
async def put_expiry(app: App, caller: Caller, group: GroupId, user: UserId, body: date | None) -> schemas.Expiry:
    """Set, renew or clear the last day of a guest's membership."""
    await app.portal.guests.set_expiry(group, user, body, caller)
    return schemas.Expiry(user, body)


@route(
    f"POST {_GROUP}/mail-preview",
    Action.INVITE,
    *(*OF_GROUPS, Reason.NAME_INVALID, Reason.NO_MAIL_SENDER),
    body=Body(
        invitations.MailPreviewBody, {"displayName": "Ada", "welcomeMessage": "Welcome, {guest}!"}, most=BODY_LIMIT
    ),
)
async def preview_mail(
    app: App, caller: Caller, group: GroupId, body: invitations.MailPreviewBody
) -> invitations.MailPreview:
    """The mail as a guest would get it."""
    mail = await app.portal.preview_mail(
        group,
        caller,
        address=body.address,
        display_name=guest_name(body.display_name, body.address or ""),
        message=body.welcome_message,
        language=body.language,
    )
    return invitations.mail_preview(mail)


def _group(app: App, seen: Seen) -> schemas.Group:
    settings = app.settings
    return schemas.group(
        seen,
        settings.tenant_id,
        settings.requests.public_url,
        message_limit=settings.message_limit,
        sends_own_mail=settings.sends_own_mail,
    )
