"""Invitations, and the mail that a guest would get."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import field

from shared.core.ids import GroupId
from shared.core.reasons import Reason
from shared.core.texts import guest_name, lines
from shared.http.schemas import Answer, Body, Language, Person, decode, explained
from shared.invitations.accept import NewInvitation
from shared.invitations.model.invitations import STATES, State
from shared.invitations.model.invitations import Invitation as Record
from shared.invitations.ports import Page
from shared.mail.ports import Mail


class InvitationBody(Body):
    """POST /api/groups/{groupId}/invitations: one guest."""

    old_names: ClassVar[Mapping[str, str]] = {"sendAgain": "resend"}
    address: str
    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    welcome_message: str | None = None
    language: Language | None = None
    expires: date | None = None
    send_again: bool = field(name="resend", default=False)


class InvitationTaken(Answer):
    """The answer to an invitation that was taken: look at it under its address."""

    id: str
    state: Literal["accepted"] = "accepted"


class Invitation(Answer):
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
    redeem_url: str | None = field(name="redeemLink")
    message: str | None = field(name="welcomeMessage")
    language: str | None
    expires: date | None
    send_again: bool = field(name="resend")
    import_id: str | None
    line: int | None
    invited_by: Person
    user_id: str | None
    created_at: datetime
    updated_at: datetime


class Invitations(Answer):
    """Invitations of a group, the newest first; `nextLink` is there while there are more."""

    value: list[Invitation]
    next_link: str | None


class MailPreviewBody(Body):
    """POST /api/groups/{groupId}/mail-preview."""

    address: str | None = None
    display_name: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    welcome_message: str | None = None
    language: Language | None = None


class MailPreview(Answer):
    """The mail that a guest would get. Microsoft's own has no text that could be shown."""

    sender: str = field(name="from")
    subject: str
    text: str
    html: str | None


def decode_invitation(group: GroupId, body: bytes) -> NewInvitation:
    """Read the body, texts cleaned (`shared.core.texts`). Raises Refused `body-invalid`, `name-invalid` naming the
    field and what is wrong with it."""
    found = decode(InvitationBody, body)
    return NewInvitation(
        group=group,
        address=found.address,
        display_name=guest_name(found.display_name, found.address),
        message=lines(found.welcome_message) if found.welcome_message else None,
        language=found.language,
        digest=_digest(found),
        expires=found.expires,
        send_again=found.send_again,
    )


def _digest(found: InvitationBody) -> str:
    """Of the meaning, not of the bytes: white space and the order of fields do not make another request, nor does an
    update in between. Digests are kept, and name `resend` as the version before did."""
    fields = msgspec.to_builtins(found)
    fields["sendAgain"] = fields.pop("resend")
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()


def invitation(found: Record) -> Invitation:
    return Invitation.of(
        found,
        id=str(found.id),
        group_id=found.id.group,
        address=found.address.text,
        meaning=STATES[found.state].meaning,
        message=found.message or None,
        invited_by=Person(found.inviter_id, found.inviter_name),
        **explained(found.reason),
    )


def page(found: Page, next_link: str | None) -> Invitations:
    return Invitations([invitation(i) for i in found.invitations], next_link)


def mail_preview(found: Mail | None) -> MailPreview:
    """None where Microsoft sends it."""
    if found is None:
        text = "Microsoft sends its own invitation mail, with the name of your organization and a link to accept."
        return MailPreview("microsoft", "Invitation by Microsoft", text, None)
    return MailPreview.of(found, sender="guestlist")
