"""The table of reasons and states, so that a problem's `type` leads somewhere."""

import azure.functions as func

from functions.edge import endpoint, json_response
from shared.api import problems
from shared.domain.errors import Refused
from shared.domain.reasons import Reason

bp = func.Blueprint()


@bp.function_name("list_problems")
@bp.route("api/problems", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_problems(req: func.HttpRequest) -> func.HttpResponse:
    return json_response(problems.table())


@bp.function_name("get_problem")
@bp.route("api/problems/{reason}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_problem(req: func.HttpRequest) -> func.HttpResponse:
    name = req.route_params["reason"]
    if name not in set(Reason):
        raise Refused(Reason.PARAMETER_INVALID, f"'{name}' is no reason", field="reason")
    return json_response(problems.problem(Reason(name)))
