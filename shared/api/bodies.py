"""Bodies of HTTP requests and answers. They refuse unknown fields and say which one is wrong."""

import hashlib
import re
from datetime import date
from typing import Annotated, Any

import msgspec

from shared.domain.errors import Refused
from shared.domain.ids import GroupId
from shared.domain.invitations import STATES, Invitation
from shared.domain.reasons import REASONS, Reason
from shared.ports.store import Page
from shared.steps.accept_invitation import NewInvitation

BODY_LIMIT = 256 * 1024
"""Bytes of an invitation's body at most: far above the longest message, far below what hurts."""

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")


class InvitationBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """POST /api/groups/{groupId}/invitations: one guest."""

    address: str
    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    welcome_message: str | None = None
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] | None = (
        None
    )
    expires: date | None = None
    send_again: bool = False


def decode[T](kind: type[T], body: bytes) -> T:
    """Read a body.

    Raises:
        Refused: `body-invalid` naming the field and what is wrong with it.
    """
    if len(body) > BODY_LIMIT:
        raise Refused(Reason.BODY_INVALID, f"The body has {len(body)} bytes; {BODY_LIMIT} are allowed")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as e:
        where = _PATH.search(str(e))
        unknown = re.search(r"unknown field `(.+?)`", str(e))
        field = unknown[1] if unknown else (where[1] if where else "") or None
        raise Refused(Reason.BODY_INVALID, _PATH.sub("", str(e)), field=field) from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise Refused(Reason.BODY_INVALID, f"The body is not JSON: {e}") from e


def decode_invitation(group: GroupId, body: bytes) -> NewInvitation:
    """Read the body.

    Raises:
        Refused: `body-invalid` naming the field and what is wrong with it.
    """
    found = decode(InvitationBody, body)
    return NewInvitation(
        group=group,
        address=found.address,
        display_name=found.display_name,
        message=found.welcome_message,
        language=found.language,
        # Of the meaning, not of the bytes: white space and the order of fields do not make another request.
        digest=hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest(),
        expires=found.expires,
        send_again=found.send_again,
    )


def accepted(invitation_id: str) -> dict[str, Any]:
    """The body of a 202: always the same for the same invitation."""
    return {"id": invitation_id, "state": "accepted"}


def invitation(found: Invitation) -> dict[str, Any]:
    """One invitation as callers see it; absent values are null, times are RFC 3339 in UTC."""
    reason = REASONS[found.reason] if found.reason else None
    return {
        "id": str(found.id),
        "groupId": found.id.group,
        "address": found.address.text,
        "displayName": found.display_name,
        "state": found.state.value,
        "meaning": STATES[found.state].meaning,
        "isFinal": found.is_final,
        "reason": found.reason.value if found.reason else None,
        "title": reason.title if reason else None,
        "detail": found.detail,
        "remedy": reason.remedy if reason else None,
        "alreadyInDirectory": found.already_in_directory,
        "alreadyMember": found.already_member,
        "appName": found.app_name,
        "directLink": found.direct_link,
        "redeemLink": found.redeem_url,
        "welcomeMessage": found.message or None,
        "language": found.language,
        "expires": found.expires,
        "sendAgain": found.send_again,
        "importId": found.import_id,
        "line": found.line,
        "invitedBy": {"id": found.inviter_id, "name": found.inviter_name},
        "userId": found.user_id,
        "createdAt": found.created_at,
        "updatedAt": found.updated_at,
    }


def page(found: Page, next_link: str | None) -> dict[str, Any]:
    """Some invitations of a group, newest first; `nextLink` is there while there are more."""
    return {"value": [invitation(i) for i in found.invitations], "nextLink": next_link}
