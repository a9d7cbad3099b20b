"""``POST /invitations`` over HTTP. There is no other operation: an invitation cannot be read back (graph contract
"Invitations")."""

from ...call import Answer, Call
from ...errors import GraphError, invite_denied
from ...routing import Route
from .. import permissions as may
from . import model


def create_invitation(call: Call) -> Answer:
    shown = model.invite(call.world, call.json(), call.who, call.actor)
    return Answer(
        201,
        {"@odata.context": f"{call.base_url}/$metadata#invitations/$entity", **shown},
        headers={"Location": f"{call.base_url}/invitations/{shown['id']}"},
    )


def _refusal(call: Call) -> GraphError:
    return invite_denied(call.world.directory.tenant.id)


ROUTES: tuple[Route, ...] = (Route("POST", "/invitations", create_invitation, may.INVITE, refusal=_refusal),)
