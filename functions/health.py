"""Is the app alive; can it do its work; and the queue that proves that messages are taken."""

import azure.functions as func

from functions.edge import delivered, json_response
from functions.http import Routes
from shared import wiring
from shared.api.openapi.operations import ANYBODY
from shared.api.schemas import diagnostics as bodies
from shared.domain.commands import RoundTrip
from shared.domain.readiness import Status
from shared.wiring import App

bp = func.Blueprint()
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


@bp.function_name("end_round_trip")
@bp.queue_trigger(arg_name="message", queue_name="health", connection="GuestlistStorage")
@delivered
async def end_round_trip(message: func.QueueMessage) -> None:
    """Where this function is not called, none of a queue is: all depend on the same extension and connection. No
    `step`: if it is lost, the next sweep sends another."""
    command = wiring.decode(RoundTrip, message.get_body())
    await (await wiring.app()).end_round_trip(command)
