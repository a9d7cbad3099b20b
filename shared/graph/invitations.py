"""Inviting guests."""

from collections.abc import Sequence
from typing import Any

from shared.core.ids import UserId
from shared.core.results import InviteAnswer, Invited, Unknown
from shared.core.texts import one_line
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.ports import GuestToInvite
from shared.graph.response import Response
from shared.graph.session import GraphSession


async def invite(session: GraphSession, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
    """One ``$batch``; a single guest goes as a plain request."""
    if not guests:
        return []
    parts = [Part("POST", "/invitations", _body(guest)) for guest in guests]
    return [_answer(response) for response in await batch.send(session, parts)]


def _body(guest: GuestToInvite) -> dict[str, Any]:
    body: dict[str, Any] = {
        "invitedUserEmailAddress": guest.address.wire,
        "inviteRedirectUrl": guest.redirect_url,
        "sendInvitationMessage": guest.mail,
    }
    # Cleaned when it came in; rows that are older were not.
    if name := one_line(guest.display_name or ""):
        body["invitedUserDisplayName"] = name
    if guest.mail and guest.language:
        body["invitedUserMessageInfo"] = {"messageLanguage": guest.language}
    return body


def _answer(response: Response) -> InviteAnswer:
    if response.status != 201:
        return errors.invite_answer(response)
    body = response.body if isinstance(response.body, dict) else {}
    user, link = body.get("invitedUser"), body.get("inviteRedeemUrl")
    id_ = user.get("id") if isinstance(user, dict) else None
    if not (isinstance(id_, str) and id_ and isinstance(link, str) and link):
        return Unknown("the directory says that it invited the guest, but names no account or no link")
    return Invited(UserId(id_.lower()), link, response.request_id)
