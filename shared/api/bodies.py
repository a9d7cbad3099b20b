"""Bodies of HTTP requests and answers. They refuse unknown fields and say which one is wrong."""

import hashlib
import re
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from shared.domain.errors import Refused
from shared.domain.ids import GroupId
from shared.domain.invitations import STATES, State
from shared.domain.invitations import Invitation as Record
from shared.domain.reasons import REASONS, Reason
from shared.domain.texts import guest_name, lines
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


class InvitationTaken(msgspec.Struct, rename="camel"):
    """The answer to an invitation that was taken: look at it under its address."""

    id: str
    state: Literal["accepted"] = "accepted"


class Person(msgspec.Struct, rename="camel"):
    """Somebody of the directory, by object id."""

    id: str
    name: str


class Invitation(msgspec.Struct, rename="camel"):
    """One invitation. Absent values are null, times are RFC 3339 in UTC; `redeemLink` is the address that accepts
    it, `directLink` the one that opens the app."""

    id: str
    group_id: str
    address: str
    display_name: str | None
    state: State
    meaning: str
    is_final: bool
    reason: Reason | None
    title: str | None
    detail: str | None
    remedy: str | None
    already_in_directory: bool
    already_member: bool
    app_name: str
    direct_link: str
    redeem_link: str | None
    welcome_message: str | None
    language: str | None
    expires: date | None
    send_again: bool
    import_id: str | None
    line: int | None
    invited_by: Person
    user_id: str | None
    created_at: datetime
    updated_at: datetime


class Invitations(msgspec.Struct, rename="camel"):
    """Invitations of a group, the newest first; `nextLink` is there while there are more."""

    value: list[Invitation]
    next_link: str | None


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
    """Read the body, texts cleaned (`shared.domain.texts`).

    Raises:
        Refused: `body-invalid`, `name-invalid` naming the field and what is wrong with it.
    """
    found = decode(InvitationBody, body)
    return NewInvitation(
        group=group,
        address=found.address,
        display_name=guest_name(found.display_name, found.address),
        message=lines(found.welcome_message) if found.welcome_message else None,
        language=found.language,
        # Of the meaning, not of the bytes: white space and the order of fields do not make another request.
        digest=hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest(),
        expires=found.expires,
        send_again=found.send_again,
    )


def accepted(invitation_id: str) -> InvitationTaken:
    """The body of a 202: always the same for the same invitation."""
    return InvitationTaken(invitation_id)


def invitation(found: Record) -> Invitation:
    """One invitation as callers see it."""
    reason = REASONS[found.reason] if found.reason else None
    return Invitation(
        id=str(found.id),
        group_id=found.id.group,
        address=found.address.text,
        display_name=found.display_name,
        state=found.state,
        meaning=STATES[found.state].meaning,
        is_final=found.is_final,
        reason=found.reason,
        title=reason.title if reason else None,
        detail=found.detail,
        remedy=reason.remedy if reason else None,
        already_in_directory=found.already_in_directory,
        already_member=found.already_member,
        app_name=found.app_name,
        direct_link=found.direct_link,
        redeem_link=found.redeem_url,
        welcome_message=found.message or None,
        language=found.language,
        expires=found.expires,
        send_again=found.send_again,
        import_id=found.import_id,
        line=found.line,
        invited_by=Person(found.inviter_id, found.inviter_name),
        user_id=found.user_id,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def page(found: Page, next_link: str | None) -> Invitations:
    """Some invitations of a group, newest first; `nextLink` is there while there are more."""
    return Invitations([invitation(i) for i in found.invitations], next_link)
