"""Where a page of rows ended: the place is checked when it comes back."""

import re

from shared.core import continuations


def give(place: str) -> str:
    return continuations.written(place.encode())


def take(text: str, shape: re.Pattern[str]) -> str:
    """The place that was given out; `shape` is what all places look like. Raises Refused `parameter-invalid`."""

    def parse(raw: bytes) -> str:
        if not shape.fullmatch(place := raw.decode()):
            raise ValueError
        return place

    return continuations.read(text, parse)
