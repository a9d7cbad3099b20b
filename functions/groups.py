"""What an owner sees and does: groups, their guests, and how a mail will look."""

from functools import partial
from urllib.parse import quote, urlencode

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, group_of, json_response, user_of
from shared import wiring
from shared.api.schemas import invitations
from shared.api.schemas import membership as guest_bodies
from shared.api.schemas.base import BODY_LIMIT, decode
from shared.domain.errors import Refused
from shared.domain.reasons import Reason
from shared.domain.texts import guest_name
from shared.steps.access import Seen

bp = func.Blueprint()

_LONGEST_FIND = 100


@bp.function_name("get_me")
@bp.route("api/me", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_me(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    return json_response(guest_bodies.me(await caller_of(app, req)))


@bp.function_name("list_groups")
@bp.route("api/groups", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_groups(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    with_all = (req.params.get("all") or "false").lower()
    if with_all not in ("true", "false"):
        raise Refused(Reason.PARAMETER_INVALID, "true or false is needed", field="all")
    found = await app.portal.groups.of_caller(caller, with_all=with_all == "true")
    return json_response(guest_bodies.Groups([_group(app, seen) for seen in found]))


@bp.function_name("get_group")
@bp.route("api/groups/{groupId}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_group(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(_group(app, await app.portal.groups.one(group_of(req), caller)))


@bp.function_name("list_guests")
@bp.route("api/groups/{groupId}/guests", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_guests(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, group = await caller_of(app, req), group_of(req)
    find = (req.params.get("find") or "").strip()[:_LONGEST_FIND] or None
    found = await app.portal.guests.list(group, caller, req.params.get("continuation"), find)
    link = None
    if found.page.continuation is not None:
        query = {"continuation": found.page.continuation} | ({"find": find} if find else {})
        link = f"/api/groups/{quote(group)}/guests?{urlencode(query)}"
    return json_response(guest_bodies.guests(found, link))


@bp.function_name("remove_guest")
@bp.route("api/groups/{groupId}/guests/{userId}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def remove_guest(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    await app.portal.guests.remove(group_of(req), user_of(req), caller)
    return func.HttpResponse(status_code=204)


@bp.function_name("put_expiry")
@bp.route("api/groups/{groupId}/guests/{userId}/expiry", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def put_expiry(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, user = await caller_of(app, req), user_of(req)
    expires = guest_bodies.decode_expiry(req.get_body())
    await app.portal.guests.set_expiry(group_of(req), user, expires, caller)
    return json_response(guest_bodies.expiry(user, expires))


@bp.function_name("preview_mail")
@bp.route("api/groups/{groupId}/mail-preview", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@partial(endpoint, most=BODY_LIMIT)
async def preview_mail(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    body = decode(invitations.MailPreviewBody, req.get_body())
    mail = await app.portal.preview_mail(
        group_of(req),
        caller,
        address=body.address,
        display_name=guest_name(body.display_name, body.address or ""),
        message=body.welcome_message,
        language=body.language,
    )
    return json_response(invitations.mail_preview(mail))


def _group(app: wiring.App, seen: Seen) -> guest_bodies.Group:
    settings = app.settings
    return guest_bodies.group(
        seen,
        settings.tenant_id,
        settings.requests.public_url,
        message_limit=settings.message_limit,
        sends_own_mail=settings.sends_own_mail,
    )
