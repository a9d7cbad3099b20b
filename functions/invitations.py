"""Invitations: asking for one, looking at them, and the queue that invites."""

from typing import Annotated

import azure.functions as func

from functions.answers import Accepted, SeeOther
from functions.arguments import Body, Key, Page, choice, paged, wants_page
from functions.http import Routes
from functions.pages import form_again, invite_form_again
from shared.core.caller import Caller
from shared.core.ids import GroupId, InvitationId
from shared.core.reasons import Reason
from shared.http.openapi.operations import OF_ADDRESSES, OF_DIRECTORY, OF_GROUP_KINDS, OF_GROUPS
from shared.http.schemas import BODY_LIMIT
from shared.invitations import schemas
from shared.invitations.model.invitations import State
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("invitations")

_OF_GROUP = "/api/groups/{groupId}/invitations"
_ONE = "/api/invitations/{invitationId}"
_STATE = choice("state", "only those in this state", State)


@route(
    f"POST {_OF_GROUP}",
    Action.INVITE,
    *(
        *OF_GROUPS,
        *OF_GROUP_KINDS,
        *OF_ADDRESSES,
        Reason.MESSAGE_TOO_LONG,
        Reason.NO_MAIL_SENDER,
        Reason.INVITATION_UNDER_WAY,
        Reason.APP_BEING_REMOVED,
    ),
    body=Body(
        schemas.InvitationBody,
        {"address": "ada@fabrikam.com", "welcomeMessage": "Good to have you!"},
        bytes,
        forms=True,
        most=BODY_LIMIT,
    ),
    on_refusal=form_again(invite_form_again),
)
async def post_invitation(
    req: func.HttpRequest, app: App, caller: Caller, group: GroupId, body: bytes, key: Key
) -> Accepted[schemas.InvitationTaken] | SeeOther:
    """Invite one guest, or send an invitation again."""
    invitation = str(await app.accept_invitation(schemas.decode_invitation(group, body), caller, key))
    if wants_page(req):
        return SeeOther(f"/invite/{group}/{invitation}")
    return Accepted(schemas.accepted(invitation), f"/api/invitations/{invitation}")


@route(f"GET {_ONE}", Action.READ_GUESTS, *OF_DIRECTORY, also="who invited")
async def get_invitation(app: App, caller: Caller, invitation: InvitationId) -> schemas.Invitation:
    """One invitation."""
    return schemas.invitation(await app.show_invitations.one(invitation, caller))


@route(
    f"POST {_ONE}/cancel",
    Action.CANCEL_INVITATION,
    *(Reason.INVITATION_IN_FLIGHT, Reason.INVITATION_ENDED, Reason.GUEST_HAS_ACCEPTED, *OF_DIRECTORY),
)
async def cancel_invitation(app: App, caller: Caller, invitation: InvitationId) -> schemas.Invitation:
    """Take an invitation back while the guest has not accepted."""
    return schemas.invitation(await app.portal.cancel_invitation(invitation, caller))


@route(f"GET {_OF_GROUP}", Action.READ_GUESTS, *OF_GROUPS)
async def list_invitations(
    app: App,
    caller: Caller,
    group: GroupId,
    state: Annotated[State | None, _STATE],
    page: Annotated[Page, paged(200, 50)],
) -> schemas.Invitations:
    """Invitations of a group, the newest first."""
    found = await app.show_invitations.of_group(
        group, caller, state=state, continuation=page.continuation, limit=page.limit
    )
    return schemas.page(found, page.next(f"/api/groups/{group}/invitations", found.continuation))
