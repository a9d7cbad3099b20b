"""Export and erasure of a person's data.

Who it is about comes in a body and goes out in one: never in an address of the API, in a message or in a log.
"""

from functions.answers import Accepted
from functions.arguments import Body
from functions.http import Routes
from shared.core.caller import Caller
from shared.core.ids import SubjectRequestId
from shared.core.reasons import Reason
from shared.membership.model.access import Action
from shared.people import schemas
from shared.people.model import SubjectRequestKind
from shared.wiring import App

route = Routes("people")

_EXPORTS, _ERASURES = "/api/people/exports", "/api/people/erasures"
_NEED = Action.HANDLE_PERSONAL_DATA
_ADA = {"address": "ada@fabrikam.com"}


@route(f"POST {_EXPORTS}", _NEED, Reason.ADDRESS_INVALID, body=Body(schemas.PersonBody, _ADA))
async def post_export(app: App, caller: Caller, body: schemas.PersonBody) -> Accepted[schemas.Taken]:
    """Gather all that is kept of a person."""
    case = await app.people.begin(SubjectRequestKind.EXPORT, body.address, body.user, caller)
    return Accepted(schemas.Taken.of(case), f"{_EXPORTS}/{case.id}")


@route(f"GET {_EXPORTS}/{{subjectRequestId}}", _NEED)
async def get_export(app: App, caller: Caller, case: SubjectRequestId) -> schemas.Export:
    """How far it is, and when it is done the data, for a short time."""
    return schemas.export(*await app.people.show(SubjectRequestKind.EXPORT, case, caller))


@route(f"POST {_ERASURES}", _NEED, Reason.ADDRESS_INVALID, body=Body(schemas.ErasureBody, _ADA | {"confirm": True}))
async def post_erasure(app: App, caller: Caller, body: schemas.ErasureBody) -> Accepted[schemas.Taken]:
    """Erase all that is kept of a person; without `confirm` only say what that is."""
    case = await app.people.begin(SubjectRequestKind.ERASURE, body.address, body.user, caller, confirmed=body.confirm)
    return Accepted(schemas.Taken.of(case), f"{_ERASURES}/{case.id}")


@route(f"GET {_ERASURES}/{{subjectRequestId}}", _NEED)
async def get_erasure(app: App, caller: Caller, case: SubjectRequestId) -> schemas.Erasure:
    """How far it is, what was found and erased, what was kept and why."""
    found, person, _ = await app.people.show(SubjectRequestKind.ERASURE, case, caller)
    return schemas.erasure(found, person, app.people.personal_data)
