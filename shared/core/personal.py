"""What a record tells of people, declared on its fields: exports and erasures follow from it."""

from dataclasses import dataclass
from enum import StrEnum


class Redaction(StrEnum):
    """What takes the place of a field when the person is erased: nothing, the word "erased", an id that is nobody's,
    the same in "Name (id)", or the same words without the person's."""

    GONE = "gone"
    ERASED = "erased"
    PSEUDONYM = "pseudonym"
    SIGNED = "signed"
    WORDS = "words"


class Says(StrEnum):
    """What a field says of who the person is: an address, the id of the account or a name by which they are told
    elsewhere; `who` is enough to know them by, and nothing more is learnt from it."""

    ADDRESS = "address"
    USER = "user"
    NAME = "name"
    WHO = "who"


@dataclass(frozen=True, slots=True)
class Personal:
    """The field tells of one person, as one in a role: all fields with the same role tell of the same one. A role
    of which no field has a redaction is what the row is there for: it is deleted with the person."""

    role: str
    redaction: Redaction | None = None
    says: Says | None = None


@dataclass(frozen=True, slots=True)
class People:
    """The field is a list of people: names, addresses or ids, or records whose `id` they are (with `named`, whose
    `name` is theirs as well). Whoever is erased is taken out of it."""

    role: str
    by_id: bool = False
    named: bool = False


OWNERS = "an owner"
DECIDERS = "somebody who decides"
GUEST = "the guest"
SUBJECT = "whom it is about"
IN_WORDS = Personal("somebody named in words", Redaction.WORDS)


ERASED = "erased"
"""What stands where a name or an address was."""
