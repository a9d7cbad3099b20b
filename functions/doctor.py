"""What is missing in the tenant, the permissions and the settings; and how people sign in."""

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, json_response
from shared import wiring
from shared.api.schemas import diagnostics as bodies

bp = func.Blueprint()


@bp.function_name("get_doctor")
@bp.route("api/doctor", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_doctor(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.examination(await app.examine(caller)))


@bp.function_name("get_sign_in")
@bp.route("api/sign-in", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_sign_in(req: func.HttpRequest) -> func.HttpResponse:
    """Where to get a token for this API. All of it stands in every sign-in address: no secret."""
    settings = (await wiring.app()).settings
    return json_response(
        bodies.SignIn(
            authority=settings.authority,
            tenant_id=settings.tenant_id,
            audience=settings.api_audience,
            scope=f"api://{settings.api_audience}/access_as_user",
            client_id=settings.client_id,
        )
    )
