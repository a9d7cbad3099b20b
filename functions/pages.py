"""What pages without script have in common. What their forms post goes to the API's own routes, which answer
a browser with a page: 303, or the form again with what is wrong."""

from collections.abc import Awaitable, Callable, Mapping

import azure.functions as func

from functions.answers import html_response, stylesheet
from functions.arguments import form_of, wants_page
from functions.http import OnRefusal, page
from shared.core.errors import Refused, Unavailable
from shared.http import pages, problems

type FormAgain = Callable[[func.HttpRequest, Mapping[str, str], problems.Problem], Awaitable[str]]


def language_of(req: func.HttpRequest, wanted: str | None = None) -> str:
    """Of the page: as asked for by ``?lang=``, else the one wanted, else as the browser prefers."""
    return pages.language_of(req.headers.get("accept-language"), req.params.get("lang") or wanted)


def form_again(again: FormAgain | None = None) -> OnRefusal:
    """A browser gets a page that says why: the form again, where `again` draws one."""

    async def answer(req: func.HttpRequest, error: Refused | Unavailable) -> func.HttpResponse:
        if not wants_page(req):
            raise error
        problem, headers = problems.of_error(error, None)
        form = _readable(req)
        if again is not None and problem["status"] not in (404, 405):
            text = await again(req, form, problem)
        else:
            text = pages.page("refusal", language_of(req, form.get("language")), problem=problem)
        return html_response(text, problem["status"], headers)

    return answer


def _readable(req: func.HttpRequest) -> dict[str, str]:
    try:
        return form_of(req) or {}
    except Refused:
        return {}


@page("/page.css")
async def page_style() -> func.HttpResponse:
    return stylesheet(pages.stylesheet())
