"""Is the app alive, and can it do its work."""

import azure.functions as func

from functions.edge import json_response
from functions.http import Routes
from shared.diagnostics import schemas as bodies
from shared.diagnostics.model.readiness import Status
from shared.http.openapi.operations import ANYBODY
from shared.wiring import App

route = Routes("app")


@route("GET /api/health", ANYBODY)
async def get_health(app: App) -> bodies.Health:
    """Whether the app is alive."""
    del app  # It is made: its settings can be read. Nothing is said that a stranger may not know.
    return bodies.Health()


@route("GET /api/health/ready", ANYBODY, answers={200: bodies.Ready, 503: bodies.Ready})
async def get_ready(app: App) -> func.HttpResponse:
    """Whether the app can do its work, timer and queues included, and which feature lacks which permission."""
    # For an availability test: 503 where nothing works. What anybody learns: the answer's module.
    found = await app.ready()
    status = 503 if found.status is Status.NOT_READY else 200
    return json_response(bodies.ready(found, app.settings.features), status)
