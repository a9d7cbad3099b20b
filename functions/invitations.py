"""Invitations: asking for one, looking at them, and the queue that invites."""

from functools import partial
from urllib.parse import quote, urlencode

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, group_of, idempotency_key, json_response, page_of, step
from functions.forms import body_of, form_of, wants_page
from functions.pages import invite_form_again, page_instead
from shared import wiring
from shared.api.schemas import invitations as bodies
from shared.api.schemas.base import BODY_LIMIT
from shared.domain.commands import InviteChunk
from shared.domain.errors import Refused
from shared.domain.ids import InvitationId
from shared.domain.invitations import State
from shared.domain.outcomes import Outcome
from shared.domain.reasons import Reason

bp = func.Blueprint()

_PAGE = 50
_PAGE_LIMIT = 200


@bp.function_name("post_invitation")
@bp.route("api/groups/{groupId}/invitations", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@partial(endpoint, most=BODY_LIMIT)
@page_instead(invite_form_again)
async def post_invitation(req: func.HttpRequest) -> func.HttpResponse:
    app, group, form = await wiring.app(), group_of(req), form_of(req)
    caller = await caller_of(app, req, form)
    new = bodies.decode_invitation(group, body_of(req, form))
    invitation = str(await app.accept_invitation(new, caller, idempotency_key(req)))
    if wants_page(req):
        return func.HttpResponse(status_code=303, headers={"Location": f"/invite/{group}/{invitation}"})
    headers = {"Location": f"/api/invitations/{invitation}"}
    return json_response(bodies.accepted(invitation), 202, headers)


@bp.function_name("get_invitation")
@bp.route("api/invitations/{invitationId}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_invitation(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.invitation(await app.show_invitations.one(_invitation(req), caller)))


@bp.function_name("cancel_invitation")
@bp.route("api/invitations/{invitationId}/cancel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def cancel_invitation(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.invitation(await app.portal.cancel_invitation(_invitation(req), caller)))


@bp.function_name("list_invitations")
@bp.route("api/groups/{groupId}/invitations", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_invitations(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    group, state, limit = group_of(req), _state(req), page_of(req, _PAGE_LIMIT, _PAGE)
    page = await app.show_invitations.of_group(
        group, caller, state=state, continuation=req.params.get("continuation"), limit=limit
    )
    next_link = None
    if page.continuation is not None:
        query = {"limit": limit, "continuation": page.continuation} | ({"state": state.value} if state else {})
        next_link = f"/api/groups/{quote(group)}/invitations?{urlencode(query)}"
    return json_response(bodies.page(page, next_link))


@bp.function_name("invite_chunk")
@bp.queue_trigger(arg_name="message", queue_name="invitations", connection="GuestlistStorage")
@step
async def invite_chunk(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(InviteChunk, message.get_body())
    return await (await wiring.app()).invite_chunk(command)


def _state(req: func.HttpRequest) -> State | None:
    text = req.params.get("state")
    if not text:
        return None
    try:
        return State(text)
    except ValueError as e:
        known = ", ".join(s.value for s in State)
        raise Refused(Reason.PARAMETER_INVALID, f"'{text}' is no state; known are {known}", field="state") from e


def _invitation(req: func.HttpRequest) -> InvitationId:
    try:
        return InvitationId.parse(req.route_params["invitationId"])
    except ValueError as e:
        raise Refused(Reason.INVITATION_MISSING) from e
