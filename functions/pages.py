"""Pages that work without script: asking to join, and an owner's form. What they post goes to the API's own
routes, which answer a browser with a page (303, or the form again with what is wrong)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import azure.functions as func

from functions.answers import html_response, stylesheet
from functions.arguments import GROUP, Call, form_of, wants_page
from functions.callers import caller_of
from functions.http import OnRefusal, page
from shared import wiring
from shared.core.errors import Refused, Unavailable
from shared.core.groups import GroupApp
from shared.core.ids import GroupId, InvitationId, RequestId
from shared.core.links import direct_link
from shared.core.reasons import REASONS, Reason
from shared.http import pages, problems
from shared.http.pages import FieldProblem
from shared.invitations.model.invitations import STATES
from shared.requests.model.requests import REQUEST_STATES, RequestState
from shared.wiring import App

type FormAgain = Callable[[func.HttpRequest, Mapping[str, str], FieldProblem], Awaitable[str]]


def language_of(req: func.HttpRequest, form: Mapping[str, str] | None = None) -> str:
    """Of the page: as asked for by ``?lang=`` or the form, else as the browser prefers."""
    asked = req.params.get("lang") or (form or {}).get("language")
    return pages.language_of(req.headers.get("accept-language"), asked)


def form_again(again: FormAgain | None = None) -> OnRefusal:
    """A browser gets a page that says why: the form again, where `again` draws one."""

    async def answer(req: func.HttpRequest, error: Refused | Unavailable) -> func.HttpResponse:
        if not wants_page(req):
            raise error
        return await _refused(req, error, again)

    return answer


async def _refused(req: func.HttpRequest, error: Refused | Unavailable, again: FormAgain | None) -> func.HttpResponse:
    document, headers = problems.of_error(error, None)
    facts = REASONS[error.reason]
    field = error.field if isinstance(error, Refused) else None
    form = _readable(req)
    if again is not None and facts.status not in (404, 405):
        text = await again(req, form, FieldProblem(field, facts.title, document["detail"], facts.remedy))
    else:
        text = pages.refusal(
            status=facts.status,
            title=facts.title,
            detail=document["detail"],
            remedy=facts.remedy,
            language=language_of(req, form),
        )
    return html_response(text, facts.status, headers)


def _readable(req: func.HttpRequest) -> dict[str, str]:
    try:
        return form_of(req) or {}
    except Refused:
        return {}


async def request_form_again(req: func.HttpRequest, form: Mapping[str, str], problem: FieldProblem) -> str:
    """The public form with what was typed and what is wrong with it."""
    return await _request_form(req, form, problem)


async def invite_form_again(req: func.HttpRequest, form: Mapping[str, str], problem: FieldProblem) -> str:
    """The owner's form with what was typed and what is wrong with it."""
    language = language_of(req, form)
    return pages.invite_form(
        group_id=GROUP.read(Call(req)), group_name=None, language=language, values=form, problem=problem
    )


async def _request_form(req: func.HttpRequest, values: Mapping[str, str], problem: FieldProblem | None) -> str:
    app, group = await wiring.app(), GROUP.read(Call(req))
    record = await app.requests.ask.open_app(group)
    return pages.request_form(
        group_id=group,
        group_name=record.group_name,
        app_name=record.name,
        language=language_of(req, values),
        values=values,
        problem=problem,
    )


@page("/request/{groupId}", on_refusal=form_again())
async def page_request(req: func.HttpRequest) -> func.HttpResponse:
    return html_response(await _request_form(req, {}, None))


@page("/request/{groupId}/sent", on_refusal=form_again())
async def page_request_sent(req: func.HttpRequest, app: App, group: GroupId) -> func.HttpResponse:
    record = await app.requests.ask.open_app(group)
    text = pages.request_sent(group_id=group, group_name=record.group_name, language=language_of(req))
    return html_response(text)


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
    text = pages.request_state(
        group_id=group,
        request_id=found.id,
        code=code,
        group_name=found.app_name,
        app_name=found.app_name,
        state=found.state.value,
        meaning=REQUEST_STATES[found.state].meaning,
        direct_link=link,
        language=language_of(req, {"language": found.language} if found.language else None),
    )
    return html_response(text)


@page("/invite/{groupId}", on_refusal=form_again())
async def page_invite(req: func.HttpRequest, group: GroupId) -> func.HttpResponse:
    """The form says nothing of the group: who sends it is looked at when it is sent."""
    text = pages.invite_form(
        group_id=group, group_name=None, language=language_of(req), values=dict(req.params), problem=None
    )
    return html_response(text)


@page("/invite/{groupId}/{invitationId}", on_refusal=form_again())
async def page_invitation(
    req: func.HttpRequest, app: App, group: GroupId, invitation: InvitationId
) -> func.HttpResponse:
    """What became of an invitation, for who may see it; for others that it was taken, and no more."""
    told: dict[str, Any] = {"address": None, "state": None, "meaning": None, "final": True}
    told |= dict.fromkeys(("title", "detail", "remedy"))
    try:
        found = await app.show_invitations.one(invitation, await caller_of(app, req))
    except Refused as e:
        if e.reason not in (Reason.TOKEN_MISSING, Reason.TOKEN_INVALID):
            raise
    else:
        facts = REASONS[found.reason] if found.reason else None
        told |= {
            "address": found.address.text,
            "state": found.state.value,
            "meaning": STATES[found.state].meaning,
            "title": facts.title if facts else None,
            "detail": found.detail,
            "remedy": facts.remedy if facts else None,
            "final": found.is_final,
        }
    return html_response(pages.invitation_state(group_id=group, language=language_of(req), **told))


@page("/page.css")
async def page_style() -> func.HttpResponse:
    return stylesheet(pages.stylesheet())
