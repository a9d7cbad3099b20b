"""Which addresses the directory refuses to invite, and with which words (graph contract "Invitations", "Refused
addresses")."""

import re
from typing import Final

from ...errors import bad_request
from ...settings import Invitations

# Documented as not allowed; `@` has its own place. The apostrophe is not in the list (UNVERIFIED, a switch).
_PROHIBITED: Final = frozenset('~!#$%^&*()=[]{}\\/|;:"<>?,` ')
_DOMAIN: Final = re.compile(r"(?:[^\s.@]+\.)+[^\s.@]{2,}")


def check(address: str, rules: Invitations) -> None:
    """Raises GraphError: 400 "The Primary SMTP Address is an invalid value"."""
    local, mark, domain = address.rpartition("@")
    prohibited = _PROHIBITED | ({"+"} if rules.refuse_plus else set()) | ({"'"} if rules.refuse_apostrophe else set())
    is_local = bool(mark and local) and "@" not in local and local[0] not in ".-" and local[-1] not in ".-"
    if not is_local or prohibited & set(local + domain) or _DOMAIN.fullmatch(domain) is None:
        raise bad_request("The Primary SMTP Address is an invalid value", "BadRequest")


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
