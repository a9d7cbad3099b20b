"""What the app says of itself: whether it is alive and can do its work, what is missing, how people sign in, whether
everything is stopped, its reasons and states, and its API: the OpenAPI document and a page to read it."""

from typing import Annotated, Any

import azure.functions as func

from functions.answers import html_response, json_response, stylesheet
from functions.arguments import Body, in_path
from functions.http import Routes, operations, page
from shared.core.caller import Caller
from shared.core.reasons import Reason
from shared.diagnostics import schemas
from shared.diagnostics.model import Status
from shared.http import openapi, problems
from shared.http.openapi import ANYBODY, SIGNED_IN
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("app")


@Routes("setups")("GET /api/doctor", Action.DIAGNOSE, Reason.DIRECTORY_BUSY)
async def get_doctor(app: App, caller: Caller) -> schemas.Diagnosis:
    """What is missing, and how to fix it."""
    return schemas.diagnosis(await app.diagnose(caller))


@Routes("caller")("GET /api/sign-in", ANYBODY)
async def get_sign_in(app: App) -> schemas.SignIn:
    """Where to get an access token for this API."""
    settings = app.settings
    return schemas.SignIn(
        authority=settings.authority,
        tenant_id=settings.tenant_id,
        audience=settings.api_audience,
        scope=f"api://{settings.api_audience}/access_as_user",
        client_id=settings.client_id,
    )


@route("GET /api/stop", SIGNED_IN, Reason.STORAGE_BUSY)
async def get_stop(app: App) -> schemas.Stop:
    """Whether everything that sends or changes is stopped."""
    return schemas.stop(await app.stop.show())


@route(
    "POST /api/stop",
    Action.STOP,
    body=Body(schemas.StopBody, {"reason": "Invitations that nobody here sent"}, schemas.decode_reason),
)
async def post_stop(app: App, caller: Caller, body: str | None) -> schemas.Stop:
    """Stop everything that sends or changes: it is parked, and goes on after the start."""
    return schemas.stop(await app.stop.stop(caller, body))


@route("DELETE /api/stop", Action.STOP)
async def delete_stop(app: App, caller: Caller) -> schemas.Stop:
    """Start again: what was parked goes on where it stood."""
    return schemas.stop(await app.stop.start(caller))


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
async def list_problems() -> schemas.Table:
    """All reasons and states."""
    return schemas.table()


_REASONS = {"type": "string", "enum": [reason.value for reason in Reason]}
_REASON = in_path("reason", "A reason, as problem documents name it.", _REASONS, _reason)


@route("GET /api/problems/{reason}", ANYBODY)
async def get_problem(reason: Annotated[Reason, _REASON]) -> problems.Problem:
    """One reason."""
    return problems.problem(reason)


@route("GET /api/health", ANYBODY)
async def get_health(app: App) -> schemas.Health:
    """Whether the app is alive."""
    del app  # It is made: its settings can be read. Nothing is said that a stranger may not know.
    return schemas.Health()


@route("GET /api/health/ready", ANYBODY, answers={200: schemas.Ready, 503: schemas.Ready})
async def get_ready(app: App) -> func.HttpResponse:
    """Whether the app can do its work, timer and queues included, and which feature lacks which permission."""
    # For an availability test: 503 where nothing works. What anybody learns: the answer's module.
    found = await app.ready()
    status = 503 if found.status is Status.NOT_READY else 200
    return json_response(schemas.ready(found, app.settings.features), status)
