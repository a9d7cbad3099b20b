"""Is the app alive; can it do its work; and the queue that proves that messages are taken."""

import azure.functions as func

from functions.edge import delivered, endpoint, json_response
from shared import wiring
from shared.api.schemas import diagnostics as answers
from shared.api.schemas.diagnostics import Health
from shared.domain.commands import RoundTrip
from shared.domain.readiness import Status

bp = func.Blueprint()


@bp.function_name("get_health")
@bp.route("api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """Alive, with settings that can be read. Says nothing that a stranger may not know."""
    await wiring.app()
    return json_response(Health())


@bp.function_name("get_ready")
@bp.route("api/health/ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_ready(req: func.HttpRequest) -> func.HttpResponse:
    """For an availability test: 503 where nothing works. What anybody learns: the answer's module."""
    app = await wiring.app()
    found = await app.ready()
    status = 503 if found.status is Status.NOT_READY else 200
    return json_response(answers.ready(found, app.settings.features), status)


@bp.function_name("end_round_trip")
@bp.queue_trigger(arg_name="message", queue_name="health", connection="GuestlistStorage")
@delivered
async def end_round_trip(message: func.QueueMessage) -> None:
    """Where this function is not called, none of a queue is: all depend on the same extension and connection. No
    `step`: if it is lost, the next sweep sends another."""
    command = wiring.decode(RoundTrip, message.get_body())
    await (await wiring.app()).end_round_trip(command)
