"""Join requests: asking, proving the address, deciding, and the queues that mail and fulfil."""

from urllib.parse import quote, urlencode

import azure.functions as func

from functions.callers import caller_of, source_of
from functions.edge import endpoint, group_of, json_response, page_of, step
from functions.forms import body_of, form_of, wants_page
from functions.pages import page_instead, request_form_again
from shared import wiring
from shared.api.schemas import requests as bodies
from shared.domain.commands import FulfilRequest, MailDigest, MailRequest
from shared.domain.errors import Refused
from shared.domain.outcomes import Outcome
from shared.domain.reasons import Reason
from shared.domain.requests import RequestId, RequestState

bp = func.Blueprint()

_ALL = "api/groups/{groupId}/requests"
_ONE = f"{_ALL}/{{requestId}}"
_PAGE, _MOST = 100, 500


@bp.function_name("post_request")
@bp.route(_ALL, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
@page_instead(request_form_again)
async def post_request(req: func.HttpRequest) -> func.HttpResponse:
    app, group = await wiring.app(), group_of(req)
    source = source_of(req, app.settings.requests.trusted_proxies)
    new = bodies.decode_request(group, body_of(req, form_of(req)), source)
    await app.requests.ask(new)
    if wants_page(req):
        query = urlencode({"lang": new.language}) if new.language else ""
        return func.HttpResponse(status_code=303, headers={"Location": f"/request/{group}/sent?{query}"})
    return json_response(bodies.asked(), 202)


@bp.function_name("list_requests")
@bp.route(_ALL, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_requests(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, group = await caller_of(app, req), group_of(req)
    state, limit = _state(req), page_of(req, _MOST, _PAGE)
    page = await app.requests.decide.of_group(
        group, caller, state=state, continuation=req.params.get("continuation"), limit=limit
    )
    link = None
    if page.continuation is not None:
        query = {"limit": limit, "continuation": page.continuation} | ({"state": state.value} if state else {})
        link = f"/api/groups/{quote(group)}/requests?{urlencode(query)}"
    return json_response(bodies.requests(page.requests, link))


@bp.function_name("prove_request")
@bp.route(f"{_ONE}/proof", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
@page_instead()
async def prove_request(req: func.HttpRequest) -> func.HttpResponse:
    app, group, request = await wiring.app(), group_of(req), request_of(req)
    code = bodies.decode_code(body_of(req, form_of(req)))
    proof = await app.requests.prove(group, request, code)
    if wants_page(req):
        language = proof.request.language
        query = urlencode({"code": code, **({"lang": language} if language else {})})
        return func.HttpResponse(status_code=303, headers={"Location": f"/request/{group}/{request}?{query}"})
    return json_response(bodies.proven(proof))


@bp.function_name("approve_request")
@bp.route(f"{_ONE}/approve", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def approve_request(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, note = await caller_of(app, req), bodies.decode_note(req.get_body())
    found = await app.requests.decide.approve(group_of(req), request_of(req), caller, note)
    return json_response(bodies.request(found))


@bp.function_name("decline_request")
@bp.route(f"{_ONE}/decline", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def decline_request(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, note = await caller_of(app, req), bodies.decode_note(req.get_body())
    found = await app.requests.decide.decline(group_of(req), request_of(req), caller, note)
    return json_response(bodies.request(found))


@bp.function_name("fulfil_request")
@bp.queue_trigger(arg_name="message", queue_name="requests", connection="GuestlistStorage")
@step
async def fulfil_request(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(FulfilRequest, message.get_body())
    return await (await wiring.app()).requests.fulfil(command)


@bp.function_name("mail_request")
@bp.queue_trigger(arg_name="message", queue_name="request-mails", connection="GuestlistStorage")
@step
async def mail_request(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(MailRequest, message.get_body())
    return await (await wiring.app()).requests.mail(command)


@bp.function_name("mail_digest")
@bp.queue_trigger(arg_name="message", queue_name="request-digests", connection="GuestlistStorage")
@step
async def mail_digest(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(MailDigest, message.get_body())
    return await (await wiring.app()).requests.tell(command)


def request_of(req: func.HttpRequest) -> RequestId:
    """The request of the path; raises Refused `request-missing`."""
    text = req.route_params["requestId"].lower()
    if len(text) != 22 or not set(text) <= set("0123456789abcdef"):
        raise Refused(Reason.REQUEST_MISSING)
    return RequestId(text)


def _state(req: func.HttpRequest) -> RequestState | None:
    text = req.params.get("state")
    if not text:
        return None
    known = [s.value for s in RequestState if s is not RequestState.UNPROVEN]
    if text not in known:
        detail = f"'{text}' is no state; known are {', '.join(known)}"
        raise Refused(Reason.PARAMETER_INVALID, detail, field="state")
    return RequestState(text)
