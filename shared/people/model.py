"""A person whose data is exported or erased, and the case of doing so: what was asked, how far it is, what came of
it.

Who the person is stands in the case only while it is worked on: what is left of it is a receipt without a name.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from shared.core.addresses import parse_address
from shared.core.errors import Refused
from shared.core.ids import SubjectRequestId, UserId
from shared.core.personal import Personal, Redaction, Says

KEPT = timedelta(hours=24)
"""How long an export that nobody fetches is kept: until whoever asked for it has slept over it."""
RETENTION_ONCE_FETCHED = timedelta(hours=1)
"""How long one is kept that was fetched: an answer that was lost on its way can be asked for again."""
MAX_MENTIONS = 100


class SubjectRequestKind(StrEnum):
    EXPORT = "export"
    ERASURE = "erasure"


class Phase(StrEnum):
    """Everything is looked at before anything is changed, and looked at again after."""

    LOOK = "look"
    ERASE = "erase"
    CHECK = "check"


class SubjectRequestState(StrEnum):
    """`refused`: work for the person is under way, and nothing was changed. `gone`: what was found was deleted
    again, as it was kept long enough."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: addresses in lower case (with an international domain in both its forms) and object ids of
    accounts. `names` are what rows call somebody whose id they name; nobody is looked for by a name alone, but where
    a setup tells in words what it did."""

    addresses: frozenset[str] = frozenset()
    users: frozenset[UserId] = frozenset()
    names: frozenset[str] = frozenset()

    @property
    def digests(self) -> frozenset[str]:
        """Of the addresses, as they stand in keys."""
        return frozenset(sha256(address.encode()).hexdigest()[:40] for address in self.addresses)

    def mentions(self) -> re.Pattern[str]:
        """What finds the addresses in a text."""
        addresses = [rf"(?<![\w.+-]){re.escape(a)}(?![\w-]|\.\w)" for a in sorted(self.addresses)]
        return re.compile("|".join(addresses) or "(?!)", re.IGNORECASE)

    def is_named(self, text: str) -> bool:
        """Whether a text is one of the addresses, or has one of the ids."""
        return text.lower() in self.addresses or any(user in text.lower() for user in self.users)


@dataclass(frozen=True, slots=True)
class Found:
    """Something kept that tells of the person, as one in a `role`. `fields` are what it tells."""

    where: str
    what: str
    role: str
    fields: Mapping[str, Any]

    @property
    def key(self) -> str:
        return f"{self.where}|{self.what}|{self.role}"


@dataclass(slots=True)
class Page:
    """Part of what is kept, looked through. `under_way` is work that must end before anything of it is erased;
    `mentions` are places in which somebody else's words name the person. `changed` counts what was erased. `after`
    is where to go on, None at the end."""

    found: list[Found] = field(default_factory=list)
    learned: list[Person] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    changed: int = 0
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """One export or erasure.

    `given` is who was asked for and `known` who that is found to be; both are empty once the case has ended.
    `stand_in` is the id that takes the place of theirs, random and of this case alone. Without `confirmed` an erasure
    only says what it would do. `round` counts how often all was gone through, and `grew` says that more was learnt of
    the person in this one; `pieces` counts pages. `place` is where to go on, not before `not_before`. `found` counts
    by `Found.key`.
    """

    id: SubjectRequestId
    kind: SubjectRequestKind
    by: Annotated[str, Personal("who asked for it", Redaction.SIGNED, Says.WHO)]
    asked_at: datetime
    confirmed: bool
    stand_in: str
    given: Person = Person()
    known: Person = Person()
    state: SubjectRequestState = SubjectRequestState.RUNNING
    phase: Phase = Phase.LOOK
    round: int = 0
    grew: bool = False
    pieces: int = 0
    place: str | None = None
    not_before: datetime | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()
    under_way: tuple[str, ...] = ()
    changed: int = 0
    why: str | None = None
    ended_at: datetime | None = None
    kept_until: datetime | None = None

    @property
    def keeps_what_it_found(self) -> bool:
        """An export, and the rehearsal of an erasure: whoever confirms must see who it is about."""
        return self.kind is SubjectRequestKind.EXPORT or not self.confirmed


def address_forms(raw: str) -> frozenset[str]:
    """Both forms of an address, in lower case. What is no address for Entra ID may be one that was kept before.
    Raises Refused: it is none at all."""
    try:
        address = parse_address(raw)
    except Refused:
        if "@" not in raw.strip()[1:-1]:
            raise
        return frozenset({raw.strip().lower()})
    return frozenset({address.key, address.text.lower()})


def identify(given: Person, known: Person, learned: Iterable[Person]) -> Person:
    """The person, with what rows tell of the same one: accounts of the address that was given, and addresses of the
    accounts. Not of any further address: many people read one mailbox."""
    addresses, users, names = set(known.addresses), set(known.users), set(known.names)
    rows = list(learned)
    for row in rows:
        if row.addresses & given.addresses:
            users |= row.users
    for row in rows:
        if row.users & users:
            for address in row.addresses:
                with suppress(Refused):  # Directories hold what is no address at all.
                    addresses |= address_forms(address)
            names |= row.names
    return Person(frozenset(addresses), frozenset(users), frozenset(names))


def absorb(case: SubjectRequest, page: Page) -> SubjectRequest:
    """The case with what a page brought."""
    found = dict(case.found)
    for each in page.found:
        found[each.key] = found.get(each.key, 0) + 1
    known = identify(case.given, case.known, page.learned)
    return replace(
        case,
        known=known,
        grew=case.grew or known != case.known,
        found=found,
        mentions=(*case.mentions, *page.mentions)[:MAX_MENTIONS],
        under_way=tuple(dict.fromkeys((*case.under_way, *page.under_way)))[:MAX_MENTIONS],
        changed=case.changed + page.changed,
        pieces=case.pieces + 1,
    )


def ended(case: SubjectRequest, state: SubjectRequestState, now: datetime) -> SubjectRequest:
    """The receipt: who it was about is forgotten."""
    kept = now + KEPT if state is SubjectRequestState.DONE and case.keeps_what_it_found else None
    over = replace(case, state=state, ended_at=now, kept_until=kept, place=None, why=None, not_before=None)
    return replace(over, given=Person(), known=Person(), stand_in="")
