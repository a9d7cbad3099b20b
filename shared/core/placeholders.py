"""Placeholders that a welcome message may hold: a name in braces, filled in for each guest. Nothing else in braces
means anything, and nothing is computed."""

import re
from collections.abc import Mapping

PLACEHOLDERS = ("guest", "app", "inviter")
"""The guest's name, what they are invited to, and who invites."""

_BRACES = re.compile(r"\{([^{}\s]{1,40})\}")


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that stand for nothing, in their order."""
    return [name for name in dict.fromkeys(_BRACES.findall(text)) if name not in PLACEHOLDERS]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with the values in place; a value's own braces stay as they are."""
    return _BRACES.sub(lambda found: values.get(found[1], found[0]), text)
