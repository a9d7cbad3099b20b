"""Where a page of rows ended, as callers get it: opaque, and checked when it comes back."""

import base64
import binascii
import re


def give(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def take(text: str, shape: re.Pattern[str]) -> str:
    """The place that was given out.

    Raises:
        ValueError: it was never given out; `shape` is what all places look like.
    """
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as e:
        raise ValueError("the continuation was never given out") from e
    if not shape.fullmatch(found):
        raise ValueError("the continuation was never given out")
    return found
