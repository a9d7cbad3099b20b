"""Where a page of rows ended, as callers get it: opaque, and checked when it comes back."""

import re

from shared.core.base64url import from_base64url, to_base64url


def give(place: str) -> str:
    return to_base64url(place.encode())


def take(text: str, shape: re.Pattern[str]) -> str:
    """The place that was given out.

    Raises:
        ValueError: it was never given out; `shape` is what all places look like.
    """
    try:
        found = from_base64url(text).decode()
    except ValueError as e:
        raise ValueError("the continuation was never given out") from e
    if not shape.fullmatch(found):
        raise ValueError("the continuation was never given out")
    return found
