"""Is the app alive."""

import azure.functions as func

from functions.edge import endpoint, json_response
from shared import wiring
from shared.api.answers_of_setup import Health

bp = func.Blueprint()


@bp.function_name("get_health")
@bp.route("api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """Alive, with settings that can be read. Says nothing that a stranger may not know."""
    await wiring.app()
    return json_response(Health())
