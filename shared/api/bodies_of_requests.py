"""Bodies of join requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from shared.api.bodies import decode
from shared.domain.ids import GroupId
from shared.domain.reasons import REASONS
from shared.domain.requests import REQUEST_STATES, JoinRequest
from shared.domain.texts import guest_name, lines
from shared.steps.requests.ask import NewRequest
from shared.steps.requests.prove import Proof

ASKED = "If the address can be used, a mail with a link to confirm it is on its way."
"""What everybody is told who asks to join, whatever is known of the address."""


class RequestBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """POST /api/groups/{groupId}/requests: somebody asks to join."""

    address: Annotated[str, msgspec.Meta(max_length=320)]
    display_name: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] | None = (
        None
    )


class ProofBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """POST /api/groups/{groupId}/requests/{requestId}/proof: the code of the mail."""

    code: Annotated[str, msgspec.Meta(max_length=100)]


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """POST …/approve and …/decline: a note for whoever asked."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class Asked(msgspec.Struct, rename="camel"):
    """The answer to everybody who asks."""

    message: str


class Proven(msgspec.Struct, rename="camel"):
    """How far a request is, for whoever has its code. With `usedBefore` the code came before, and nothing happened
    now."""

    state: str
    meaning: str
    used_before: bool


class Decider(msgspec.Struct, rename="camel"):
    """Who decided; the id is null where the app's policy did."""

    id: str | None
    name: str


class Request(msgspec.Struct, rename="camel"):
    """A join request as those see it who decide."""

    id: str
    group_id: str
    address: str
    display_name: str | None
    reason_given: str | None
    state: str
    meaning: str
    requested_at: datetime
    proven_at: datetime | None
    expires_at: datetime
    decided_at: datetime | None
    decided_by: Decider | None
    note: str | None
    invitation_id: str | None
    reason: str | None
    title: str | None
    detail: str | None
    remedy: str | None


class Requests(msgspec.Struct, rename="camel"):
    """Join requests of a group, the newest first; `nextLink` is there while there are more."""

    value: list[Request]
    next_link: str | None


def decode_request(group: GroupId, body: bytes, source: str) -> NewRequest:
    """Raises Refused `body-invalid`, `name-invalid`."""
    found = decode(RequestBody, body)
    name, reason = guest_name(found.display_name, found.address), lines(found.reason or "")
    return NewRequest(group, found.address, name, reason or None, found.language, source)


def decode_code(body: bytes) -> str:
    """Raises Refused `body-invalid`."""
    return decode(ProofBody, body).code


def decode_note(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    note = decode(DecisionBody, body).note if body.strip() else None
    return lines(note or "") or None


def asked() -> Asked:
    return Asked(ASKED)


def proven(found: Proof) -> Proven:
    state = found.request.state
    return Proven(state.value, REQUEST_STATES[state].meaning, found.used_before)


def request(found: JoinRequest) -> Request:
    facts = REASONS[found.reason] if found.reason else None
    decider = Decider(found.decided_by, found.decided_by_name) if found.decided_at else None
    return Request(
        id=found.id,
        group_id=found.group,
        address=found.address.text,
        display_name=found.display_name,
        reason_given=found.reason_given,
        state=found.state.value,
        meaning=REQUEST_STATES[found.state].meaning,
        requested_at=found.requested_at,
        proven_at=found.proven_at,
        expires_at=found.expires_at,
        decided_at=found.decided_at,
        decided_by=decider,
        note=found.note,
        invitation_id=str(found.invitation) if found.invitation else None,
        reason=found.reason.value if found.reason else None,
        title=facts.title if facts else None,
        detail=found.detail,
        remedy=facts.remedy if facts else None,
    )


def requests(found: Sequence[JoinRequest], next_link: str | None) -> Requests:
    """The newest first, within a page."""
    return Requests([request(r) for r in sorted(found, key=lambda r: r.requested_at, reverse=True)], next_link)
