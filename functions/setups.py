"""Setups: asking for one and tending it. Their queues are in `functions.setup_worker`."""

from functools import partial

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, idempotency_key, json_response
from shared import wiring
from shared.api.schemas import setup as bodies
from shared.api.schemas.base import BODY_LIMIT
from shared.domain.errors import Refused
from shared.domain.reasons import Reason
from shared.domain.setup.order import SetupStep
from shared.domain.setup.records import Setup, SetupId

bp = func.Blueprint()


@bp.function_name("post_setup")
@bp.route("api/setups", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@partial(endpoint, most=BODY_LIMIT)
async def post_setup(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    new = bodies.decode_setup(req.get_body())
    if is_dry(req):
        return json_response(bodies.rehearsal(await app.setups.start.rehearse(new.plan, caller)))
    return _accepted(await app.setups.start(new, caller, idempotency_key(req)))


@bp.function_name("list_setups")
@bp.route("api/setups", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_setups(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.setups(await app.setups.tend.list_all(caller)))


@bp.function_name("get_setup")
@bp.route("api/setups/{setupId}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_setup(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.setup(await app.setups.tend.show(_setup_id(req), caller)))


@bp.function_name("confirm_setup_step")
@bp.route("api/setups/{setupId}/steps/{step}/confirm", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def confirm_setup_step(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    note = bodies.decode_note(req.get_body())
    return json_response(bodies.setup(await app.setups.tend.confirm(_setup_id(req), _step(req), caller, note)))


@bp.function_name("retry_setup")
@bp.route("api/setups/{setupId}/retry", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def retry_setup(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    answers = bodies.decode_answers(req.get_body())
    return _accepted(await app.setups.tend.retry(_setup_id(req), caller, answers))


def is_dry(req: func.HttpRequest) -> bool:
    """Whether ``?dryRun=true`` is asked for; raises Refused `parameter-invalid` for another value."""
    text = (req.params.get("dryRun") or "false").lower()
    if text not in ("true", "false"):
        raise Refused(Reason.PARAMETER_INVALID, "true or false is needed", field="dryRun")
    return text == "true"


def _accepted(setup: Setup) -> func.HttpResponse:
    return json_response(bodies.setup(setup), 202, {"Location": f"/api/setups/{setup.id}"})


def _setup_id(req: func.HttpRequest) -> SetupId:
    text = req.route_params["setupId"].lower()
    if len(text) != 22 or not set(text) <= set("0123456789abcdef"):
        raise Refused(Reason.SETUP_MISSING)
    return SetupId(text)


def _step(req: func.HttpRequest) -> SetupStep:
    text = req.route_params["step"]
    try:
        return SetupStep(text)
    except ValueError as e:
        known = ", ".join(s.value for s in SetupStep)
        raise Refused(Reason.PARAMETER_INVALID, f"'{text}' is no step; known are {known}", field="step") from e
