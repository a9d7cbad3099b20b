"""A person in the tables: every row is looked through, a page at a time, and what `personal_data` says of it is done.

There is no index of people, and none is wanted: whoever is asked for is looked for once in years.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from shared.core.errors import Conflict
from shared.core.ids import InvitationId, UserId
from shared.core.personal import ERASED, Redaction
from shared.core.versions import retry_on_conflict
from shared.invitations.rows.invitations import from_row, row_key
from shared.invitations.rows.store import INVITATIONS
from shared.people.model import Found, Page, Person, SubjectRequestState
from shared.people.rows.cases import PEOPLE
from shared.people.rows.paths import DROP, rewritten, steps_of, values
from shared.people.rows.tables import JSON, KINDS, TABLES, Kind, Role, kind_of
from shared.storage.table import Operation, Row, Table, remove, replace, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

_OF_TRANSACTION = 20
"""Rows written at once: twenty with the longest messages are within the 4 MiB that a transaction may have."""
_KEYS = ("PartitionKey", "RowKey", "SchemaVersion")


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
            return None  # It forgets whom it is about by itself.
        roles = [role for role in kind.roles if self._is(role, fields)]
        after: Row | None = fields
        for role in roles:
            after = None if role.delete_row or after is None else self._without(role, after)
        if roles and after is not None and not set(after) - set(_KEYS):
            after = None  # Nobody is left in it.
        return _Seen(
            row=row,
            kind=kind,
            found=[Found(table, kind.what, role.who, _shown(kind, role, fields)) for role in roles],
            learned=[found for role in roles if (found := _learned(role, fields, self._person)) is not None],
            fields=after,
            mentions=after is not None and bool(self._address.search(_text(after))),
        )

    def _is(self, role: Role, fields: Row) -> bool:
        if role.element is not None:
            return any(self._is_element(role, each) for each in values(fields, steps_of(role.element)))
        if not role.by:
            return any(self._words.search(t) for path in role.redaction for t in values(fields, steps_of(path)) if t)
        if role.by[0].endswith("…"):
            return any(self._is_column(role, column) for column in fields)
        named = [v for path in role.by for v in values(fields, steps_of(path)) if isinstance(v, str)]
        return any(self._person.is_named(v) for v in named) or (
            "RowKey" in role.by and str(fields["RowKey"])[-40:] in self._person.digests
        )

    def _is_column(self, role: Role, column: str) -> bool:
        return column.removeprefix(role.by[0].removesuffix("…")) in self._short

    def _is_element(self, role: Role, element: Any) -> bool:
        if isinstance(element, str):
            return self._person.is_named(element)
        return isinstance(element, dict) and any(self._person.is_named(str(element.get(name))) for name in role.by)

    def _without(self, role: Role, fields: Row) -> Row:
        if role.element is not None:
            found: Row = rewritten(
                fields, steps_of(role.element), lambda each: DROP if self._is_element(role, each) else each
            )
            return found
        if role.by and role.by[0].endswith("…"):
            return {column: v for column, v in fields.items() if not self._is_column(role, column)}
        for path, redaction in role.redaction.items():
            fields = rewritten(fields, steps_of(path), partial(self._instead, redaction))
        return fields

    def _instead(self, redaction: Redaction, value: Any) -> Any:
        match redaction:
            case Redaction.GONE:
                return DROP
            case Redaction.ERASED:
                return ERASED
            case Redaction.PSEUDONYM:
                return self._stand_in
            case Redaction.SIGNED:
                for user in self._person.users:
                    value = re.sub(rf"^.*\({user}\)", f"{ERASED} ({self._stand_in})", value)
                return value
            case Redaction.WORDS:
                return self._words.sub(ERASED, value) if isinstance(value, str) else value


def decoded(row: "TableEntity | Row") -> Row:
    """The columns, records as what they hold."""
    return {c: msgspec.json.decode(v) if c in JSON and isinstance(v, str) else v for c, v in row.items()}


def _text(row: "TableEntity | Row") -> str:
    return "\n".join(f"{c}\n{v if isinstance(v, str) else msgspec.json.encode(v).decode()}" for c, v in row.items())


def _operation(seen: _Seen) -> Operation:
    row, version = seen.row, version_of(seen.row)
    if seen.fields is None:
        return remove(row["PartitionKey"], row["RowKey"], version)
    before = decoded(row)
    # What did not change stays as it was written.
    return replace(
        {
            column: row[column] if before[column] == value else _encoded(column, value)
            for column, value in seen.fields.items()
        },
        version,
    )


def _encoded(column: str, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if column in JSON else value


def _shown(kind: Kind, role: Role, fields: Row) -> Row:
    """What a row tells of one of those that it tells of: nothing of the others."""
    found = dict(fields)
    found.pop("SchemaVersion", None)
    for other in kind.roles:
        if other is role:
            continue
        theirs = (other.element,) if other.element else (*other.by, *other.redaction, *other.fields)
        for path in theirs:
            if path != "RowKey":
                found = rewritten(found, steps_of(path), lambda value: DROP)
    for path in kind.secret:
        found = rewritten(found, steps_of(path), lambda value: DROP)
    return found


def _learned(role: Role, fields: Row, person: Person) -> Person | None:
    """Of whom the row tells: address, account and name that belong together."""
    scopes = [fields]
    if role.element is not None:
        scopes = [e for e in values(fields, steps_of(role.element)) if isinstance(e, dict)]
        scopes = [e for e in scopes if any(person.is_named(str(e.get(name))) for name in role.by)]
    for scope in scopes:
        address, user, name = (
            next((v for v in values(scope, steps_of(path)) if v), None) if path else None
            for path in (role.address, role.user, role.name)
        )
        if address or user:
            return Person(
                frozenset({str(address).lower()}) if address else frozenset(),
                frozenset({UserId(str(user))}) if user else frozenset(),
                frozenset({str(name)}) if name else frozenset(),
            )
    return None
