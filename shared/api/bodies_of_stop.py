"""The stop, as callers see it. Who stopped is not for everybody: the trail says it."""

from datetime import datetime
from typing import Annotated

import msgspec

from shared.api.bodies import decode
from shared.domain.stop import Stop as Record
from shared.domain.texts import lines


class StopBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """POST /api/stop: why, which everybody who is signed in may read."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class Stop(msgspec.Struct, rename="camel"):
    """Whether everything that sends or changes is parked, and since when."""

    is_stopped: bool
    since: datetime | None
    reason: str | None


def decode_reason(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    reason = decode(StopBody, body).reason if body.strip() else None
    return lines(reason or "") or None


def stop(found: Record) -> Stop:
    return Stop(found.is_on, found.at if found.is_on else None, found.reason if found.is_on else None)
