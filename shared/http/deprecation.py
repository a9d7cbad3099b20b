"""Names of the version before: taken for one version more, and answered with the header `Deprecation` (RFC 9745)."""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

HEADERS = {"Deprecation": f"@{datetime(2026, 11, 30, tzinfo=UTC).timestamp():.0f}"}
"""Since when the old names are to be given up."""

_used: ContextVar[list[str] | None] = ContextVar("names of the version before", default=None)


def begin() -> list[str]:
    """The old names that the request at hand uses: filled while it is read."""
    found: list[str] = []
    _used.set(found)
    return found


def note(old: str) -> None:
    """The request at hand uses this one."""
    found = _used.get()
    if found is not None:
        found.append(old)


def renamed(body: bytes, old_names: Mapping[str, str]) -> bytes:
    """A body with the fields' present names. Where it has both, the present one counts. Raises msgspec.DecodeError:
    it is no JSON object; RecursionError: it is nested too deep."""
    given = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    old = old_names.keys() & given.keys()
    for name in old:
        note(name)
        given.setdefault(old_names[name], given.pop(name))
    return msgspec.json.encode(given) if old else body
