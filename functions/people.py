"""Export and erasure of a person's data: the API, and the queue that works on them.

Whom it is about comes in a body and goes out in one: never in an address of the API, in a message or in a log.
"""

import re

import azure.functions as func

from functions.callers import caller_of
from functions.edge import endpoint, json_response, step
from shared import wiring
from shared.api.schemas import people as bodies
from shared.domain.access import Action
from shared.domain.commands import SearchPerson
from shared.domain.errors import Refused
from shared.domain.outcomes import Outcome
from shared.domain.people import CaseId, CaseKind
from shared.domain.reasons import Reason
from shared.steps.access import need

bp = func.Blueprint()

_EXPORTS, _ERASURES = "api/people/exports", "api/people/erasures"


@bp.function_name("post_export")
@bp.route(_EXPORTS, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def post_export(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    need(caller, Action.HANDLE_PERSONAL_DATA)
    who = bodies.decode_person(req.get_body())
    case = await app.people.ask.export(who.address, who.user, caller)
    return json_response(bodies.taken(case), 202, {"Location": f"/{_EXPORTS}/{case.id}"})


@bp.function_name("get_export")
@bp.route(f"{_EXPORTS}/{{caseId}}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_export(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    need(caller, Action.HANDLE_PERSONAL_DATA)
    return json_response(bodies.export(*await app.people.ask.show(CaseKind.EXPORT, _case(req), caller)))


@bp.function_name("post_erasure")
@bp.route(_ERASURES, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def post_erasure(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    need(caller, Action.HANDLE_PERSONAL_DATA)
    who = bodies.decode_erasure(req.get_body())
    case = await app.people.ask.erase(who.address, who.user, caller, confirmed=who.confirm)
    return json_response(bodies.taken(case), 202, {"Location": f"/{_ERASURES}/{case.id}"})


@bp.function_name("get_erasure")
@bp.route(f"{_ERASURES}/{{caseId}}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_erasure(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    need(caller, Action.HANDLE_PERSONAL_DATA)
    case, whom, _ = await app.people.ask.show(CaseKind.ERASURE, _case(req), caller)
    return json_response(bodies.erasure(case, whom, app.people.search.personal_data))


@bp.function_name("search_person")
@bp.queue_trigger(arg_name="message", queue_name="people", connection="GuestlistStorage")
@step
async def search_person(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(SearchPerson, message.get_body())
    return await (await wiring.app()).people.search(command)


def _case(req: func.HttpRequest) -> CaseId:
    """Raises Refused `case-missing`."""
    text: str = req.route_params["caseId"].lower()
    if not re.fullmatch("[0-9a-f]{22}", text):
        raise Refused(Reason.CASE_MISSING)
    return CaseId(text)
