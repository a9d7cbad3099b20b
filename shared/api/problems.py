"""Problem documents (RFC 9457), drawn from the table of reasons."""

from datetime import timedelta
from math import ceil
from typing import Any

from shared.domain.errors import Refused, Unavailable
from shared.domain.invitations import STATES
from shared.domain.reasons import REASONS, Reason

MEDIA_TYPE = "application/problem+json"


def problem(
    reason: Reason, *, detail: str | None = None, field: str | None = None, request_id: str | None = None
) -> dict[str, Any]:
    """The document of a reason. `type` is an address of this API that answers with the table's row."""
    facts = REASONS[reason]
    return {
        "type": f"/api/problems/{reason.value}",
        "title": facts.title,
        "status": facts.status,
        "detail": detail or facts.title,
        "remedy": facts.remedy,
        "reason": reason.value,
        **({"field": field} if field else {}),
        **({"requestId": request_id} if request_id else {}),
    }


def of_error(error: Refused | Unavailable, request_id: str | None) -> tuple[dict[str, Any], dict[str, str]]:
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
    if error.location is not None:
        headers["Location"] = f"/api/invitations/{error.location}"
        document["invitation"] = error.location
    return document, headers


def table() -> dict[str, Any]:
    """The reasons and the states, for people and programs."""
    return {
        "reasons": [
            {"reason": r.value, "status": f.status, "title": f.title, "remedy": f.remedy} for r, f in REASONS.items()
        ],
        "states": [
            {"state": s.value, "meaning": f.meaning, "followedBy": sorted(x.value for x in f.followed_by)}
            for s, f in STATES.items()
        ],
    }
