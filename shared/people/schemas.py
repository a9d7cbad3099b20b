"""Exports and erasures of a person's data."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import field

from shared.core.ids import UserId
from shared.http.schemas import Answer, Body, Guid, given, schema_rule
from shared.people.model import SubjectRequest, SubjectRequestState
from shared.people.ports import PersonalData

type _Address = Annotated[str, msgspec.Meta(min_length=3, max_length=320)]


_SOMEBODY = {"anyOf": [given("address"), given("userId")]}


@schema_rule(_SOMEBODY)
class PersonBody(Body):
    """Whose data: by mail address, by object id of the account, or by both."""

    address: _Address | None = None
    user_id: Guid | None = None

    def __post_init__(self) -> None:
        if self.address is None and self.user_id is None:
            raise ValueError("An address or the object id of an account is needed")

    @property
    def user(self) -> UserId | None:
        return UserId(self.user_id.lower()) if self.user_id else None


@schema_rule(_SOMEBODY)
class ErasureBody(PersonBody):
    """The same; without `confirm` nothing is erased, and the answer tells what would be."""

    confirm: bool = False


class Taken(Answer):
    """An export or an erasure that has begun: look at it under its address."""

    id: str
    state: SubjectRequestState


class SubjectSelector(Answer):
    """Who it was found to be about: check that it is one person."""

    addresses: list[str]
    user_ids: list[str]


class Count(Answer):
    """How much was found: where, what, and the person's role in it."""

    where: str
    what: str
    role: str
    count: int


class Kept(Answer):
    """What is left of something after an erasure, without the person, and why."""

    what: str
    kept: str


class Record(Answer):
    """One thing that is kept: what it is, the person's role in it, and what it holds. `labels` are
    the fields' names in plain words."""

    what: str
    role: str
    fields: dict[str, Any]
    labels: dict[str, str]


class Place(Answer):
    """All that is kept in one table, or in the files of imports."""

    where: str
    records: list[Record]


class _Case(Answer):
    id: str
    state: SubjectRequestState
    asked_at: datetime
    by: str = field(name="askedBy")
    ended_at: datetime | None
    kept_until: datetime | None
    why: str | None = field(name="waitsFor")
    person: SubjectSelector | None
    found: list[Count]
    mentions: list[str] = field(name="mentionedAt")


class Export(_Case):
    """An export. `data` is there when it is done, until `keptUntil`; `mentionedAt` are places where other people's
    words name the person: whether these are the person's data is for a person to judge."""

    data: list[Place] | None


class Erasure(_Case):
    """An erasure, or with `isDryRun` what one would do. `underWay` is work that was going on: where the state is
    `refused` nothing was changed for it. `kept` says what is left without the person, `elsewhere` what Guestlist
    does not have."""

    is_dry_run: bool
    under_way: list[str]
    kept: list[Kept]
    elsewhere: list[str]


ELSEWHERE = [
    "The account in the directory and its memberships: delete the guest in Microsoft Entra. While the account is "
    "there, the next audit reads its name and address again.",
    "Mails that were sent, and the sender's own copies of them.",
    "Microsoft's sign-in and audit logs, and Guestlist's own logs and traces, which have no addresses and are "
    "deleted when their retention ends.",
    "Backups that were made of the tables: after a restore, erase again.",
]


def export(case: SubjectRequest, person: list[Any], parts: list[Any]) -> Export:
    places: dict[str, list[Record]] = {}
    for each in (each for part in parts for each in part):
        labels = {name: _words(name) for name in _names(each["fields"])}
        record = Record(each["what"], each["role"], each["fields"], labels)
        places.setdefault(each["where"], []).append(record)
    is_there = case.state is SubjectRequestState.DONE
    data = [Place(where, records) for where, records in places.items()] if is_there else None
    return Export.of(case, person=_person(person), found=_counts(case), data=data)


def erasure(case: SubjectRequest, person: list[Any], personal_data: Iterable[PersonalData]) -> Erasure:
    counts = _counts(case)
    kept = {k: text for each in personal_data for k, text in each.kept.items()}
    said = {c.what: kept[c.where, c.what] for c in counts if (c.where, c.what) in kept}
    return Erasure.of(
        case,
        person=_person(person),
        found=counts,
        is_dry_run=not case.confirmed,
        kept=[Kept(what, text) for what, text in said.items()],
        elsewhere=ELSEWHERE,
    )


def _person(person: list[Any]) -> SubjectSelector | None:
    return SubjectSelector(person[0]["addresses"], person[0]["userIds"]) if person else None


def _counts(case: SubjectRequest) -> list[Count]:
    found = ((key.split("|"), n) for key, n in case.found.items())
    return [Count(where, what, role, n) for (where, what, role), n in found]


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


def _words(name: str) -> str:
    """`AddressText` and `display_name` as people write them; the keys of rows by what they are."""
    known = {"PartitionKey": "where the row stands", "RowKey": "the row's name"}
    return known.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
