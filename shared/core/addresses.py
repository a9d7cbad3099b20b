"""Guests' mail addresses: what a well-kept validator takes and Entra ID is known to take too."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from shared.core.errors import Refused
from shared.core.personal import ERASED
from shared.core.reasons import Reason

PROHIBITED = frozenset('~!#$%^&*()+=[]{}\\/|;:"<>?,')
"""Characters that Graph refuses before the @; plus addressing with them.

Source: Microsoft Graph, resource type invitation, ``invitedUserEmailAddress``. The apostrophe is not in the
published list: what Graph does with it is UNVERIFIED, so it is let through and the directory decides.
"""


@dataclass(frozen=True, slots=True)
class Address:
    """A guest's address, checked.

    `text` is for people (a domain in its own script), `wire` is for the directory and for mail (the
    domain in its ASCII form), `key` is for comparing: stored addresses keep their case, comparisons ignore it.
    """

    text: str
    wire: str
    key: str

    @property
    def domain(self) -> str:
        """The domain in ASCII and lower case."""
        return self.key.rpartition("@")[2]


ERASED_ADDRESS = Address(ERASED, ERASED, ERASED)
"""Of an import's row that was usable, and holds its place."""


def parse_address(raw: str) -> Address:
    """Check one address. Raises Refused `address-invalid` where it is no address at all, `address-unsupported` where
    it is one that Entra ID does not take for a guest; `field` is ``address``."""
    text = raw.strip()
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as e:
        # The validator takes no special-use domain (.test, .local): no mail can arrive there.
        raise Refused(Reason.ADDRESS_INVALID, f"'{_short(text)}': {e}", field="address") from e
    local = found.local_part
    prohibited = sorted(set(local) & PROHIBITED)
    if prohibited:
        what = "plus addressing" if prohibited == ["+"] else f"the character {' '.join(prohibited)}"
        raise _unsupported(text, f"{what} is not supported before the @")
    if local[0] in ".-" or local[-1] in ".-":
        raise _unsupported(text, "'.' and '-' may not be first or last before the @")
    wire = f"{local}@{found.ascii_domain}"
    return Address(text=found.normalized, wire=wire, key=wire.lower())


def _unsupported(text: str, what: str) -> Refused:
    return Refused(Reason.ADDRESS_UNSUPPORTED, f"'{_short(text)}': {what}", field="address")


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"
