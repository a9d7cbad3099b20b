"""Join requests: asking, proving the address, deciding; and the pages of who asks, which work without script."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

import azure.functions as func

from functions.answers import Accepted, SeeOther, html_response
from functions.arguments import GROUP, Body, Call, Page, choice, paged, wants_page
from functions.callers import source_of
from functions.http import Routes, page
from functions.pages import form_again, language_of
from shared import wiring
from shared.core.caller import Caller
from shared.core.directory import GroupApp, direct_link
from shared.core.ids import GroupId, RequestId
from shared.core.reasons import Reason
from shared.http import pages
from shared.http.openapi import ANYBODY, OF_ADDRESSES, OF_GROUPS
from shared.http.problems import Problem
from shared.membership.model.access import Action
from shared.requests import schemas
from shared.requests.model import RequestState
from shared.wiring import App

route = Routes("join requests")

_ALL = "/api/groups/{groupId}/requests"
_ONE = f"{_ALL}/{{requestId}}"
_SHOWN = [state for state in RequestState if state is not RequestState.UNVERIFIED]
_State = Annotated[RequestState | None, choice("state", "only those in this state", _SHOWN)]
_Paged = Annotated[Page, paged(500, 100)]
_NOTE = Body(schemas.DecisionBody, {"note": "Welcome!"}, schemas.decode_note)
_OF_DECISIONS = (*OF_GROUPS, Reason.OWN_REQUEST, Reason.REQUEST_DECIDED)


async def _form(req: func.HttpRequest, values: Mapping[str, str], problem: Problem | None) -> str:
    """The public form, with what was typed and what is wrong with it."""
    app, group = await wiring.app(), GROUP.read(Call(req))
    name, language = (await app.requests.ask.open_app(group)).name, language_of(req, values.get("language"))
    return pages.page("request_form", language, group_id=group, app_name=name, values=values, problem=problem)


@route(
    f"POST {_ALL}",
    ANYBODY,
    *(*OF_ADDRESSES, Reason.REQUESTS_CLOSED, Reason.TOO_MANY_REQUESTS, Reason.STORAGE_BUSY),
    body=Body(
        schemas.RequestBody, {"address": "ada@fabrikam.com", "reason": "We travel together"}, bytes, forms=True
    ),
    on_refusal=form_again(_form),
)
async def post_request(
    req: func.HttpRequest, app: App, group: GroupId, body: bytes
) -> Accepted[schemas.Asked] | SeeOther:
    """Ask to join; the answer never tells whether an address is known."""
    new = schemas.decode_request(group, body, source_of(req, app.settings.requests.trusted_proxies))
    await app.requests.ask(new)
    if wants_page(req):
        query = urlencode({"lang": new.language}) if new.language else ""
        return SeeOther(f"/request/{group}/sent?{query}")
    return Accepted(schemas.Asked(schemas.ASKED))


@route(f"GET {_ALL}", Action.READ_REQUESTS, *OF_GROUPS)
async def list_requests(app: App, caller: Caller, group: GroupId, state: _State, page: _Paged) -> schemas.Requests:
    """Requests whose address is proven."""
    found = await app.requests.decide.of_group(
        group, caller, state=state, continuation=page.continuation, limit=page.limit
    )
    return schemas.requests(found.requests, page.next(f"/api/groups/{group}/requests", found.continuation))


@route(
    f"POST {_ONE}/proof",
    ANYBODY,
    *(Reason.REQUESTS_CLOSED, Reason.STORAGE_BUSY),
    body=Body(schemas.ProofBody, {"code": "0123456789abcdef0123456789abcdef"}, forms=True),
    on_refusal=form_again(),
)
async def verify_request(
    req: func.HttpRequest, app: App, group: GroupId, request: RequestId, body: schemas.ProofBody
) -> schemas.ProofResult | SeeOther:
    """Confirm an address with the code of the mail."""
    proof = await app.requests.prove(group, request, body.code)
    if wants_page(req):
        language = proof.request.language
        query = urlencode({"code": body.code, **({"lang": language} if language else {})})
        return SeeOther(f"/request/{group}/{request}?{query}")
    return schemas.proven(proof)


@route(f"POST {_ONE}/approve", Action.DECIDE_REQUESTS, *_OF_DECISIONS, body=_NOTE)
async def approve_request(
    app: App, caller: Caller, group: GroupId, request: RequestId, body: str | None
) -> schemas.Request:
    """Say yes: an ordinary invitation follows."""
    return schemas.request(await app.requests.decide.approve(group, request, caller, body))


@route(f"POST {_ONE}/decline", Action.DECIDE_REQUESTS, *_OF_DECISIONS, body=_NOTE)
async def decline_request(
    app: App, caller: Caller, group: GroupId, request: RequestId, body: str | None
) -> schemas.Request:
    """Say no: whoever asked is told, with the note."""
    return schemas.request(await app.requests.decide.decline(group, request, caller, body))


@page("/request/{groupId}", on_refusal=form_again())
async def page_request(req: func.HttpRequest) -> func.HttpResponse:
    return html_response(await _form(req, {}, None))


@page("/request/{groupId}/sent", on_refusal=form_again())
async def page_request_sent(req: func.HttpRequest, app: App, group: GroupId) -> func.HttpResponse:
    await app.requests.ask.open_app(group)
    return html_response(pages.page("request_sent", language_of(req), group_id=group))


@page("/request/{groupId}/{requestId}", on_refusal=form_again())
async def page_request_state(
    req: func.HttpRequest, app: App, group: GroupId, request: RequestId
) -> func.HttpResponse:
    code = req.params.get("code") or ""
    found = await app.requests.prove.look(group, request, code)
    link = None
    if found.state is RequestState.APPROVED:
        record = await app.requests.ask.open_app(group)
        link = direct_link([GroupApp(record.name, record.app_id)], app.settings.tenant_id)
    language, values = language_of(req, found.language), {"request": found, "code": code, "direct_link": link}
    return html_response(pages.page("request_state", language, group_id=group, **values))
