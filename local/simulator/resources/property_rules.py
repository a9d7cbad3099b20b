"""Lengths and characters of the values that Graph takes for users and groups.

Sources: Microsoft Graph, "user resource type" and "group resource type" (lengths, the characters of mailNickname, the
two letters of usageLocation, the two group types); microsoft-graph-docs #6675 for the length of a description.
"""

import re
from typing import Any, Final

from ..errors import invalid_value
from ..tables import TABLES

LONGEST: Final[dict[str, dict[str, int]]] = TABLES["longest"]
_NICKNAME = re.compile(r"""[^@()\\\[\]";:<>, \x80-\U0010ffff]+""")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_GROUP_TYPES = {"Unified", "DynamicMembership"}


def check(kind: str, properties: dict[str, Any]) -> None:
    """Raises GraphError: 400 for the first property whose value is too long or not allowed."""
    resource = kind.capitalize()
    for name, longest in LONGEST[kind].items():
        if len(properties.get(name) or "") > longest:
            raise invalid_value(name, resource, "InvalidLength")
    for name, allowed in (("mailNickname", _NICKNAME), ("usageLocation", _COUNTRY)):
        value = properties.get(name)
        if value is not None and not allowed.fullmatch(value):
            raise invalid_value(name, resource)
    if not set(properties.get("groupTypes") or ()) <= _GROUP_TYPES:
        raise invalid_value("groupTypes", resource)
