"""What pages without script have in common. What their forms post goes to the API's own routes, which answer
a browser with a page: 303, or the form again with what is wrong."""

from collections.abc import Awaitable, Callable, Mapping

import azure.functions as func

from functions.answers import html_response, stylesheet
from functions.arguments import form_of, wants_page
from functions.http import OnRefusal, page
from shared.core.errors import Refused, Unavailable
from shared.core.reasons import REASONS
from shared.http import pages, problems
from shared.http.pages import FieldProblem

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


@page("/page.css")
async def page_style() -> func.HttpResponse:
    return stylesheet(pages.stylesheet())
