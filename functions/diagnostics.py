"""What the app says of itself: what is missing, how people sign in, whether everything is stopped, its reasons and
states, and its API: the OpenAPI document and a page to read it."""

from typing import Annotated, Any

import azure.functions as func

from functions.arguments import Body, in_path
from functions.http import Routes, operations, page
from functions.pages import html_response, stylesheet
from shared.core.caller import Caller
from shared.core.reasons import Reason
from shared.diagnostics import schemas as bodies
from shared.http import openapi, problems
from shared.http.openapi.operations import ADMIN_READERS, ANYBODY, OPERATORS, SIGNED_IN
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("app")


@Routes("setups")("GET /api/doctor", ADMIN_READERS, Reason.DIRECTORY_BUSY)
async def get_doctor(app: App, caller: Caller) -> bodies.Diagnosis:
    """What is missing, and what mends it."""
    return bodies.examination(await app.examine(caller))


@Routes("caller")("GET /api/sign-in", ANYBODY)
async def get_sign_in(app: App) -> bodies.SignIn:
    """Where to get an access token for this API."""
    settings = app.settings
    return bodies.SignIn(
        authority=settings.authority,
        tenant_id=settings.tenant_id,
        audience=settings.api_audience,
        scope=f"api://{settings.api_audience}/access_as_user",
        client_id=settings.client_id,
    )


@route("GET /api/stop", SIGNED_IN, Reason.STORAGE_BUSY)
async def get_stop(app: App) -> bodies.Stop:
    """Whether everything that sends or changes is stopped."""
    return bodies.stop(await app.stop.show())


@route(
    "POST /api/stop",
    OPERATORS,
    body=Body(bodies.StopBody, {"reason": "Invitations that nobody here sent"}, bodies.decode_reason),
    action=Action.STOP,
)
async def post_stop(app: App, caller: Caller, body: str | None) -> bodies.Stop:
    """Stop everything that sends or changes: it is parked, and goes on after the start."""
    return bodies.stop(await app.stop.stop(caller, body))


@route("DELETE /api/stop", OPERATORS)
async def delete_stop(app: App, caller: Caller) -> bodies.Stop:
    """Start again: what was parked goes on where it stood."""
    return bodies.stop(await app.stop.start(caller))


@route("GET /api/openapi.json", ANYBODY)
async def get_openapi(app: App) -> dict[str, Any]:
    """This document."""
    settings = app.settings
    return openapi.document(
        operations(),
        authority=settings.authority,
        tenant_id=settings.tenant_id,
        scope=f"api://{settings.api_audience}/access_as_user",
        server=settings.requests.public_url,
    )


@page("/api/docs")
async def get_docs(app: App) -> func.HttpResponse:
    return html_response(openapi.page(await get_openapi(app)))


@page("/api/docs.css")
async def get_docs_css() -> func.HttpResponse:
    return stylesheet(openapi.stylesheet())


def _reason(given: str) -> Reason:
    if given not in set(Reason):
        raise ValueError(f"'{given}' is no reason")
    return Reason(given)


@route("GET /api/problems", ANYBODY)
async def list_problems() -> bodies.Table:
    """All reasons and states."""
    return bodies.table()


@route("GET /api/problems/{reason}", ANYBODY)
async def get_problem(reason: Annotated[Reason, in_path("reason", _reason)]) -> problems.Problem:
    """One reason."""
    return problems.problem(reason)
