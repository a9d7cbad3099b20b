"""Invitations: asking for one, looking at them; and an owner's pages, which work without script."""

from collections.abc import Mapping
from typing import Annotated

import azure.functions as func

from functions.answers import Accepted, SeeOther, html_response
from functions.arguments import GROUP, Body, Call, Key, Page, choice, paged, wants_page
from functions.callers import caller_of
from functions.http import Routes, page
from functions.pages import form_again, language_of
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import GroupId, InvitationId
from shared.core.reasons import Reason
from shared.http import pages
from shared.http.openapi import OF_ADDRESSES, OF_DIRECTORY, OF_GROUP_KINDS, OF_GROUPS
from shared.http.problems import Problem
from shared.http.schemas import BODY_LIMIT
from shared.invitations import schemas
from shared.invitations.model.invitations import State
from shared.membership.model.access import Action
from shared.wiring import App

route = Routes("invitations")

_OF_GROUP = "/api/groups/{groupId}/invitations"
_ONE = "/api/invitations/{invitationId}"
_State = Annotated[State | None, choice("state", "only those in this state", State)]
_Paged = Annotated[Page, paged(200, 50)]


async def _form(req: func.HttpRequest, values: Mapping[str, str], problem: Problem | None) -> str:
    """The owner's form, with what was typed and what is wrong with it. It says nothing of the group: who sends it is
    looked at when it is sent."""
    group, language = GROUP.read(Call(req)), language_of(req, values.get("language") if problem else None)
    return pages.page("invite_form", language, group_id=group, values=values, problem=problem)


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
    on_refusal=form_again(_form),
)
async def post_invitation(
    req: func.HttpRequest, app: App, caller: Caller, group: GroupId, body: bytes, key: Key
) -> Accepted[schemas.InvitationTaken] | SeeOther:
    """Invite one guest, or send an invitation again."""
    invitation = str(await app.accept_invitation(schemas.decode_invitation(group, body), caller, key))
    if wants_page(req):
        return SeeOther(f"/invite/{group}/{invitation}")
    return Accepted(schemas.InvitationTaken(invitation), f"/api/invitations/{invitation}")


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
    app: App, caller: Caller, group: GroupId, state: _State, page: _Paged
) -> schemas.Invitations:
    """Invitations of a group, the newest first."""
    found = await app.show_invitations.of_group(
        group, caller, state=state, continuation=page.continuation, limit=page.limit
    )
    return schemas.page(found, page.next(f"/api/groups/{group}/invitations", found.continuation))


@page("/invite/{groupId}", on_refusal=form_again())
async def page_invite(req: func.HttpRequest) -> func.HttpResponse:
    return html_response(await _form(req, dict(req.params), None))


@page("/invite/{groupId}/{invitationId}", on_refusal=form_again())
async def page_invitation(
    req: func.HttpRequest, app: App, group: GroupId, invitation: InvitationId
) -> func.HttpResponse:
    """What became of an invitation, for who may see it; for others that it was taken, and no more."""
    shown = None
    try:
        shown = schemas.invitation(await app.show_invitations.one(invitation, await caller_of(app, req)))
    except Refused as e:
        if e.reason not in (Reason.TOKEN_MISSING, Reason.TOKEN_INVALID):
            raise
    return html_response(pages.page("invitation_state", language_of(req), group_id=group, invitation=shown))
