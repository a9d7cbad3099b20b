"""Invitations: asking for one, looking at them, and the queue that invites."""

from urllib.parse import quote, urlencode

import azure.functions as func

from functions.edge import endpoint, group_of, idempotency_key, json_response, step
from shared import wiring
from shared.api import bodies
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
@bp.route("groups/{groupId}/invitations", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def post_invitation(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await app.callers.authenticate(req.headers.get("authorization"))
    new = bodies.decode_invitation(group_of(req), req.get_body())
    invitation = str(await app.accept_invitation(new, caller, idempotency_key(req)))
    headers = {"Location": f"/api/invitations/{invitation}"}
    return json_response(bodies.accepted(invitation), 202, headers)


@bp.function_name("get_invitation")
@bp.route("invitations/{invitationId}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_invitation(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await app.callers.authenticate(req.headers.get("authorization"))
    try:
        invitation_id = InvitationId.parse(req.route_params["invitationId"])
    except ValueError as e:
        raise Refused(Reason.INVITATION_MISSING) from e
    return json_response(bodies.invitation(await app.show_invitations.one(invitation_id, caller)))


@bp.function_name("list_invitations")
@bp.route("groups/{groupId}/invitations", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_invitations(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await app.callers.authenticate(req.headers.get("authorization"))
    group, state, limit = group_of(req), _state(req), _limit(req)
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


def _limit(req: func.HttpRequest) -> int:
    text = req.params.get("limit")
    if not text:
        return _PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _PAGE_LIMIT:
        raise Refused(Reason.PARAMETER_INVALID, f"a whole number from 1 to {_PAGE_LIMIT} is needed", field="limit")
    return int(text)
