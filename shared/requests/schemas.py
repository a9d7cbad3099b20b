"""Join requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import field

from shared.core.ids import GroupId
from shared.core.texts import guest_name
from shared.core.words import word_of
from shared.http.schemas import Answer, Body, Language, decode, decode_any, explained, text_of
from shared.requests.ask import NewRequest, Proof
from shared.requests.model import REQUEST_STATES, JoinRequest

ASKED = "If the address can be used, a mail with a link to confirm it is on its way."
"""What everybody is told who asks to join, whatever is known of the address."""


class RequestBody(Body):
    """POST /api/groups/{groupId}/requests: somebody asks to join."""

    address: Annotated[str, msgspec.Meta(max_length=320)]
    display_name: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    language: Language | None = None


class ProofBody(Body):
    """POST /api/groups/{groupId}/requests/{requestId}/proof: the code of the mail."""

    code: Annotated[str, msgspec.Meta(max_length=100)]


class DecisionBody(Body):
    """POST …/approve and …/decline: a note for whoever asked."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class Asked(Answer):
    """The answer to everybody who asks."""

    message: str


class ProofResult(Answer):
    """How far a request is, for whoever has its code. With `usedBefore` the code came before, and nothing happened
    now."""

    state: str
    meaning: str
    used_before: bool


class Decider(Answer):
    """Who decided; the id is null where the app's policy did."""

    id: str | None
    name: str


class Request(Answer):
    """A join request as those see it who decide."""

    id: str
    group: str = field(name="groupId")
    address: str
    display_name: str | None
    reason_given: str | None
    state: str
    meaning: str
    requested_at: datetime
    proven_at: datetime | None = field(name="verifiedAt")
    expires_at: datetime
    decided_at: datetime | None
    decided_by: Decider | None
    note: str | None
    invitation_id: str | None
    reason: str | None
    title: str | None
    detail: str | None
    remedy: str | None


class Requests(Answer):
    """Join requests of a group, the newest first; `nextLink` is there while there are more."""

    value: list[Request]
    next_link: str | None


def decode_request(group: GroupId, body: bytes, source: str) -> NewRequest:
    """Raises Refused `body-invalid`, `name-invalid`."""
    found = decode(RequestBody, body)
    name = guest_name(found.display_name, found.address)
    return NewRequest(group, found.address, name, text_of(found.reason), found.language, source)


def decode_note(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    return text_of(decode_any(DecisionBody, body).note)


def proven(found: Proof) -> ProofResult:
    return ProofResult.of(
        found, state=word_of(found.request.state), meaning=REQUEST_STATES[found.request.state].meaning
    )


def request(found: JoinRequest) -> Request:
    return Request.of(
        found,
        address=found.address.text,
        state=word_of(found.state),
        meaning=REQUEST_STATES[found.state].meaning,
        decided_by=Decider(found.decided_by, found.decided_by_name) if found.decided_at else None,
        invitation_id=str(found.invitation) if found.invitation else None,
        **explained(found.reason),
    )


def requests(found: Sequence[JoinRequest], next_link: str | None) -> Requests:
    """The newest first, within a page."""
    return Requests([request(r) for r in sorted(found, key=lambda r: r.requested_at, reverse=True)], next_link)
