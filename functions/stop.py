"""The stop: everything that sends or changes is parked until somebody starts it again."""

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, json_response
from shared import wiring
from shared.api.schemas import diagnostics as bodies
from shared.domain.access import Action
from shared.steps.access import need

bp = func.Blueprint()

_STOP = "api/stop"


@bp.function_name("get_stop")
@bp.route(_STOP, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_stop(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    await caller_of(app, req)
    return json_response(bodies.stop(await app.stop.show()))


@bp.function_name("post_stop")
@bp.route(_STOP, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def post_stop(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    need(caller, Action.STOP)
    return json_response(bodies.stop(await app.stop.stop(caller, bodies.decode_reason(req.get_body()))))


@bp.function_name("delete_stop")
@bp.route(_STOP, methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def delete_stop(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    return json_response(bodies.stop(await app.stop.start(await caller_of(app, req))))
