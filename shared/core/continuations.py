"""Where a page ended, as callers get it: base64 as links take it, with no padding and no character to escape."""

import base64
import re
from collections.abc import Callable

from shared.core.errors import Refused
from shared.core.reasons import Reason


def written(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def read[T](text: str, parse: Callable[[bytes], T]) -> T:
    """The place that was given out; `parse` raises ValueError for what is none. Raises Refused `parameter-invalid`;
    it was never given out."""
    try:
        return parse(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as e:
        raise Refused(Reason.PARAMETER_INVALID, "the continuation was never given out", field="continuation") from e


def give(place: str) -> str:
    return written(place.encode())


def take(text: str, shape: re.Pattern[str]) -> str:
    """The place that was given out; `shape` is what all places look like. Raises Refused `parameter-invalid`."""

    def parse(raw: bytes) -> str:
        if not shape.fullmatch(place := raw.decode()):
            raise ValueError
        return place

    return read(text, parse)
