"""Which addresses the directory refuses to invite, and with which words (graph contract "Invitations", "Refused
addresses")."""

import re
from typing import Final

from ...errors import GraphError, bad_request
from ...settings import Invitations

# Documented as not allowed; `@` has its own place. The apostrophe is not in the list (UNVERIFIED, a switch).
_PROHIBITED: Final = frozenset('~!#$%^&*()=[]{}\\/|;:"<>?,` ')
_DOMAIN: Final = re.compile(r"(?:[^\s.@]+\.)+[^\s.@]{2,}")


def check(address: str, rules: Invitations) -> None:
    """Raises GraphError: 400 "The Primary SMTP Address is an invalid value"."""
    local, mark, domain = address.rpartition("@")
    prohibited = _PROHIBITED | ({"+"} if rules.refuse_plus else set())
    prohibited = prohibited | ({"'"} if rules.refuse_apostrophe else set())
    if (
        not mark
        or not local
        or "@" in local
        or any(character in prohibited for character in local + domain)
        or local[0] in ".-"
        or local[-1] in ".-"
        or _DOMAIN.fullmatch(domain) is None
    ):
        raise _invalid()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _invalid() -> GraphError:
    return bad_request("The Primary SMTP Address is an invalid value", "BadRequest")
