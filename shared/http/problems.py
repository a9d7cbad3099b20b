"""Problem documents (RFC 9457), drawn from the table of reasons."""

from datetime import datetime, timedelta
from math import ceil
from typing import NotRequired, TypedDict

from shared.core.errors import Refused, Unavailable
from shared.core.reasons import REASONS, Reason

MEDIA_TYPE = "application/problem+json"


class Problem(TypedDict):
    """Why a request was refused, and what a person can do. `invitation` names the one that is under way, and
    `until` says from when on a repeat may succeed."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    reason: Reason
    field: NotRequired[str]
    requestId: NotRequired[str]
    invitation: NotRequired[str]
    until: NotRequired[datetime]


def problem(
    reason: Reason, *, detail: str | None = None, field: str | None = None, request_id: str | None = None
) -> Problem:
    """The document of a reason. `type` is an address of this API that answers with the table's row."""
    facts = REASONS[reason]
    document = Problem(
        type=f"/api/problems/{reason.value}",
        title=facts.title,
        status=facts.status,
        detail=detail or facts.title,
        remedy=facts.remedy,
        reason=reason,
    )
    if field:
        document["field"] = field
    if request_id:
        document["requestId"] = request_id
    return document


def of_error(error: Refused | Unavailable, request_id: str | None) -> tuple[Problem, dict[str, str]]:
    """The document and the headers that go with it."""
    if isinstance(error, Unavailable):
        wait = error.retry_after or timedelta(seconds=5)
        document = problem(error.reason, detail=str(error), request_id=request_id)
        return document, {"Retry-After": str(max(1, ceil(wait.total_seconds())))}
    document = problem(error.reason, detail=error.detail, field=error.field, request_id=request_id)
    headers: dict[str, str] = {}
    if document["status"] == 401:
        headers["WWW-Authenticate"] = (
            "Bearer" if error.reason is Reason.TOKEN_MISSING else 'Bearer error="invalid_token"'
        )
    if error.reason in (Reason.IDEMPOTENCY_KEY_IN_FLIGHT, Reason.ISSUER_UNREACHABLE, Reason.STORAGE_BUSY):
        headers["Retry-After"] = "1"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after.total_seconds())))
    if error.until is not None:
        document["until"] = error.until
    if error.location is not None:
        headers["Location"] = f"/api/invitations/{error.location}"
        document["invitation"] = error.location
    return document, headers
