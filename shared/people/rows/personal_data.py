"""A person in the tables: every row is looked through, a page at a time, and what `personal_data` says of it is done.

There is no index of people, and none is wanted: whoever is asked for is looked for once in years.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from shared.core.errors import Conflict
from shared.core.ids import InvitationId, UserId
from shared.core.personal import ERASED, People, Personal, Redaction, Says
from shared.core.versions import retry_on_conflict
from shared.invitations.rows.invitations import INVITATIONS, from_row, row_key
from shared.people.model import Found, Page, Person, SubjectRequestState
from shared.people.rows.cases import PEOPLE
from shared.people.rows.tables import KINDS, TABLES, Kind, Mark, kind_of
from shared.storage.table import Operation, Row, Table, remove, replace, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

_OF_TRANSACTION = 20
"""Rows written at once: twenty with the longest messages are within the 4 MiB that a transaction may have."""
_KEYS = ("PartitionKey", "RowKey", "SchemaVersion")
_JSON = ("Record", "Targets")
"""Columns that hold a record."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of a row: what to write (None: delete it), and what it told."""

    row: "TableEntity"
    kind: Kind
    found: list[Found]
    learned: list[Person]
    fields: Row | None
    mentions: bool
    under_way: str | None = None

    @property
    def is_changed(self) -> bool:
        return bool(self.found) and self.under_way is None


class TablePersonalData:
    """The port's `PersonalData`, of all tables."""

    kept: Mapping[tuple[str, str], str] = MappingProxyType({(k.table, k.what): k.kept for k in KINDS if k.kept})

    def __init__(self, service: "TableServiceClient") -> None:
        self._tables = {name: Table(service, name) for name in TABLES}

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        name, place = msgspec.json.decode(after) if after else (TABLES[0], None)
        table, look = self._tables[name], _Look(person, stand_in or "")
        rows, place = await table.page(place)
        seen = [found for row in rows if (found := await self._see(look, name, row)) is not None]
        page = Page()
        for each in seen:
            page.found += each.found
            page.learned += each.learned
            if each.mentions:
                page.mentions.append(f"{name} {each.row['PartitionKey']} {each.row['RowKey']}")
            if each.under_way is not None:
                page.under_way.append(each.under_way)
        if stand_in is not None:
            page.changed = await self._write(look, name, [s for s in seen if s.is_changed])
        if place is None:
            name = next(iter(TABLES[TABLES.index(name) + 1 :]), None)
        page.after = msgspec.json.encode((name, place)).decode() if name is not None else None
        return page

    async def _see(self, look: "_Look", table: str, row: "TableEntity") -> _Seen | None:
        seen = look.at(table, row)
        if seen is None or not seen.found:
            return seen
        under_way = seen.kind.under_way(decoded(row))
        if seen.kind.table == INVITATIONS and row["RowKey"].startswith("a-"):
            under_way = await self._guarded(row)
        return changed(seen, under_way=under_way)

    async def _guarded(self, guard: "TableEntity") -> str | None:
        """The invitation of a guard, where it is under way: without the guard there could be a second one."""
        invitation = InvitationId.parse(guard["InvitationId"])
        row = await self._tables[INVITATIONS].get(invitation.group, row_key(invitation))
        return f"invitation {invitation}" if row is not None and not from_row(row).is_final else None

    async def _write(self, look: "_Look", name: str, seen: list[_Seen]) -> int:
        partitions: dict[str, list[_Seen]] = defaultdict(list)
        for each in seen:
            partitions[each.row["PartitionKey"]].append(each)
        for rows in partitions.values():
            for start in range(0, len(rows), _OF_TRANSACTION):
                few = rows[start : start + _OF_TRANSACTION]
                try:
                    await self._tables[name].write([_operation(each) for each in few])
                except Conflict:
                    for each in few:
                        await self._again(look, name, each)
        return len(seen)

    @retry_on_conflict("a row")
    async def _again(self, look: "_Look", name: str, seen: _Seen) -> None:
        """One row, as it is now: somebody else wrote it since it was read."""
        row = await self._tables[name].get(seen.row["PartitionKey"], seen.row["RowKey"])
        fresh = await self._see(look, name, row) if row is not None else None
        # Where it is gone, or at work again, the look afterwards finds it.
        if fresh is not None and fresh.is_changed:
            await self._tables[name].write([_operation(fresh)])


class _Look:
    """One person, as rows are compared with them."""

    def __init__(self, person: Person, stand_in: str) -> None:
        self._person, self._stand_in = person, stand_in
        self._short = frozenset(user.replace("-", "") for user in person.users)
        self._address = person.mentions()
        names = [name for name in sorted(person.names) if len(name) > 2]
        words = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names]
        self._words = re.compile("|".join([*words, self._address.pattern, *sorted(person.users)]), re.IGNORECASE)
        ids = (*person.addresses, *person.users, *self._short, *person.digests)
        self._needles = (*ids, *(name.lower() for name in names))

    def at(self, table: str, row: "TableEntity") -> _Seen | None:
        """None for a row that has nothing of the person."""
        text = _text(row).lower()
        if not any(needle in text for needle in self._needles):
            return None  # As nearly all have: that is decided without looking closer.
        kind = kind_of(table, row["PartitionKey"], row["RowKey"])
        if kind is None:
            return None
        fields = decoded(row)
        if table == PEOPLE and fields["Record"]["state"] == SubjectRequestState.RUNNING.value:
            return None  # It forgets who it is about by itself.
        mine = {role: marks for role, marks in _roles(kind, fields).items() if self._is(marks)}
        found = [Found(table, kind.what, m[0].note.role, _shown(kind, role, row)) for role, m in mine.items()]
        learned = [each for marks in mine.values() if (each := self._learned(marks)) is not None]
        stay = [self._erase(marks) for marks in mine.values()]
        # Where nothing but the keys is left, nobody is left in it.
        after = fields if all(stay) and (not stay or set(fields) - set(_KEYS)) else None
        mentions = after is not None and bool(self._address.search(_text(after)))
        return _Seen(row, kind, found, learned, after, mentions)

    def _is(self, marks: list[Mark]) -> bool:
        """Whether the marks of one role tell of the person."""
        note = marks[0].note
        if isinstance(note, People):
            return any(self._is_listed(note, each) for mark in marks for each in mark.value or ())
        if note.redaction is Redaction.WORDS:
            return any(self._words.search(mark.value) for mark in marks if mark.value)
        return any(self._names(mark) for mark in marks if _says(mark, Says.ADDRESS, Says.USER, Says.WHO))

    def _names(self, mark: Mark) -> bool:
        """Whether a field, or the name of a column or of the row, is of the person."""
        if mark.is_named:
            return mark.key[-32:] in self._short
        value = mark.value
        is_digest = mark.key == "RowKey" and value[-40:] in self._person.digests
        return is_digest or (isinstance(value, str) and self._person.is_named(value))

    def _is_listed(self, note: People, element: Any) -> bool:
        """Whether an element of a list of people is the person."""
        if isinstance(element, str):
            return self._person.is_named(element)
        return note.by_id and isinstance(element, dict) and self._person.is_named(str(element.get("id")))

    def _erase(self, marks: list[Mark]) -> bool:
        """Take the person out, as their fields declare; False where the whole row is to go."""
        if all(isinstance(m.note, Personal) and m.note.redaction is None for m in marks):
            return False
        for mark in reversed(marks):  # From the end: a list keeps the places before it.
            note = mark.note
            if isinstance(note, People):
                mark.put([each for each in mark.value or () if not self._is_listed(note, each)])
            elif not mark.is_named or self._names(mark):
                self._redact(mark, note.redaction)
        return True

    def _redact(self, mark: Mark, redaction: Redaction | None) -> None:
        value = mark.value
        match redaction:
            case Redaction.GONE:
                mark.drop()
            case Redaction.ERASED:
                mark.put(ERASED)
            case Redaction.PSEUDONYM:
                mark.put(self._stand_in)
            case Redaction.SIGNED:
                for user in self._person.users:
                    value = re.sub(rf"^.*\({user}\)", f"{ERASED} ({self._stand_in})", value)
                mark.put(value)
            case Redaction.WORDS if isinstance(value, str):
                mark.put(self._words.sub(ERASED, value))

    def _learned(self, marks: list[Mark]) -> Person | None:
        """Whose data the row holds: address, account and name that belong together."""
        address, user, name = (
            {str(mark.value) for mark in marks if _says(mark, says) and mark.value}
            for says in (Says.ADDRESS, Says.USER, Says.NAME)
        )
        for mark in marks:
            if isinstance(note := mark.note, People) and note.named:
                mine = [e for e in mark.value or () if isinstance(e, dict) and self._is_listed(note, e)]
                user |= {each["id"] for each in mine}
                name |= {each["name"] for each in mine if each.get("name")}
        if not address and not user:
            return None
        return Person(frozenset(a.lower() for a in address), frozenset(map(UserId, user)), frozenset(name))


def decoded(row: "TableEntity | Row") -> Row:
    """The columns, records as what they hold: values of its own, which may be changed."""
    return {c: msgspec.json.decode(v) if c in _JSON and isinstance(v, str) else v for c, v in row.items()}


def _roles(kind: Kind, row: Row) -> dict[object, list[Mark]]:
    found: dict[object, list[Mark]] = defaultdict(list)
    for mark in kind.marks(row):
        found[mark.role].append(mark)
    return found


def _says(mark: Mark, *says: Says) -> bool:
    return isinstance(mark.note, Personal) and mark.note.says in says


def _shown(kind: Kind, role: object, row: "TableEntity") -> Row:
    """What a row tells of one of those that it tells of: nothing of the others."""
    shown = decoded(row)
    for other, marks in _roles(kind, shown).items():
        for mark in reversed(marks if other != role else []):
            if isinstance(mark.note, People):
                mark.put([])
            elif mark.key != "RowKey":
                mark.drop()
    for path in kind.secret:
        *way, last = path.split(".")
        there: Any = shown
        for name in way:
            there = (there or {}).get(name)
        if there is not None:
            there.pop(last, None)
    shown.pop("SchemaVersion", None)
    return shown


def _text(row: "TableEntity | Row") -> str:
    return "\n".join(f"{c}\n{v if isinstance(v, str) else msgspec.json.encode(v).decode()}" for c, v in row.items())


def _operation(seen: _Seen) -> Operation:
    row, version = seen.row, version_of(seen.row)
    if seen.fields is None:
        return remove(row["PartitionKey"], row["RowKey"], version)
    written, before = dict(seen.fields), decoded(row)
    for column in written.keys() & set(_JSON):
        # What did not change stays as it was written.
        is_same = written[column] == before[column]
        written[column] = row[column] if is_same else msgspec.json.encode(written[column]).decode()
    return replace(written, version)
