"""The snapshot as table rows: one for each account, in the order of their ids.

Accounts, members of groups and Guestlist's own actions come from different tasks at the same time.
Each writes columns of its own and merges them into the row, so that none has to read what the others wrote.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec

from shared.audits.model.records import Audit
from shared.core.directory import MemberChange, UserChange, UserFacts
from shared.core.ids import AuditId, GroupId, InvitationId, UserId
from shared.invitations.rows.invitations import digest
from shared.membership.model.accounts import ExpectedMembership, Subject
from shared.membership.ports import Counts, OwnAction
from shared.storage.records import SCHEMA, from_text, to_text
from shared.storage.table import Row, Table, merge

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

SNAPSHOT = "Mirror"

_ACCOUNTS, _ADDRESSES, _DUE = "accounts", "addresses", "due"
_MEMBER, _DID, _MOTION, _LATE, _HAS = "Member", "Did", "Motion", "Late", "Has"
"""How columns begin: a group's id follows, or (`_HAS`) an account's."""
_OF_TRANSACTION = 100
_LEFT = "-"


class _Counted(msgspec.Struct):
    """What an audit counted of an account, and what the one before had counted: a task that is done again must find
    the same difference."""

    audit: AuditId
    now: Counts
    before: Counts


class TableSnapshot:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, SNAPSHOT)

    async def note_users(self, audit: AuditId, changes: Sequence[UserChange]) -> None:
        """Take over what the directory says of accounts; guests' addresses become findable. Safe to repeat."""
        await self._merge_accounts((c.id, _columns(audit, c)) for c in changes)
        # An address once known stays findable: who asks looks at the account, too.
        guests = [c for c in changes if c.facts.get("is_guest") is not False]
        await self._merge_addresses((address, c.id) for c in guests for address in _addresses(c.facts))

    async def note_members(self, audit: AuditId, changes: Sequence[MemberChange]) -> None:
        """Safe to repeat."""
        rows: dict[UserId, Row] = defaultdict(dict)
        for change in changes:
            rows[change.member][_MEMBER + _short(change.group)] = _LEFT if change.left else audit
            if change.is_group:
                rows[change.member]["IsGroup"] = True
        await self._merge_accounts(rows.items())

    async def mark_inactive(self, audit: AuditId, last_sign_ins: Mapping[UserId, datetime]) -> None:
        """Who has not signed in for long. A mark says nothing to the next audit. Safe to repeat."""
        await self._merge_accounts((u, {"Inactive": f"{audit} {to_text(at)}"}) for u, at in last_sign_ins.items())

    async def mark_last_days(self, audit: AuditId, group: GroupId, days: Mapping[UserId, date]) -> None:
        """Whose last day in a group is over. Safe to repeat."""
        column = _LATE + _short(group)
        await self._merge_accounts((user, {column: f"{audit} {day.isoformat()}"}) for user, day in days.items())

    async def mark_twins(self, audit: AuditId, twins: Mapping[UserId, Collection[UserId]]) -> None:
        """Which accounts share an address. Safe to repeat."""
        await self._merge_accounts((u, {"Twins": f"{audit} {','.join(sorted(who))}"}) for u, who in twins.items())

    async def record_actions(self, audit: AuditId, own_actions: Sequence[OwnAction]) -> None:
        rows: dict[UserId, Row] = defaultdict(dict)
        for own_action in own_actions:
            if own_action.expected is None:
                rows[own_action.user][_MOTION + _short(own_action.group)] = audit
            else:
                # A column for each invitation: pages are read in any order, and the newest word is found by its time.
                invitation = own_action.expected.invitation
                by = InvitationId.parse(invitation).chunk if invitation else "by_hand"
                column = f"{_DID}{_short(own_action.group)}_{by}"
                rows[own_action.user][column] = msgspec.json.encode(own_action.expected).decode()
        await self._merge_accounts(rows.items())
        await self._merge_addresses((a.address_key, a.user) for a in own_actions if a.address_key)

    async def note_counted(self, audit: AuditId, counted: Mapping[UserId, tuple[Counts, Counts]]) -> None:
        """Remember what this audit counts of accounts, and what the one before did. Safe to repeat."""
        await self._merge_accounts(
            (user, {"Counted": msgspec.json.encode(_Counted(audit, now, before)).decode()})
            for user, (now, before) in counted.items()
        )

    async def look_up(self, audit: Audit, users: Collection[UserId]) -> dict[UserId, Subject]:
        """Accounts as they are now: what was not seen since it was last read whole is gone. One request a dozen."""
        groups = audit.groups_since
        found = [_subject(row, audit, groups) async for row in self._table.rows_of(_ACCOUNTS, sorted(set(users)))]
        return {subject.id: subject for subject in found}

    async def scan(self, audit: Audit, first: str, last: str, limit: int) -> tuple[list[Subject], str | None]:
        """Accounts from an id on (it included) up to another (not included), in their order, and where to go on."""
        condition = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        keys = {"partition": _ACCOUNTS, "first": first, "last": last}
        found, groups = list[Subject](), audit.groups_since
        async for row in self._table.query(condition, keys, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return found, str(row["RowKey"])
            found.append(_subject(row, audit, groups))
        return found, None

    async def who_has(self, digests: Collection[str]) -> dict[str, set[UserId]]:
        """Guest accounts that have or had an address, by its digest. One request a dozen."""
        return {row["RowKey"]: _who(row) async for row in self._table.rows_of(_ADDRESSES, sorted(set(digests)))}

    async def who_shares(self, addresses: Mapping[UserId, Collection[str]]) -> dict[UserId, frozenset[UserId]]:
        """Of each account that shares an address: the other guest accounts that have or had it. One request a
        dozen addresses."""
        digests = {user: {digest(a.lower()) for a in own} for user, own in addresses.items()}
        who = await self.who_has({d for own in digests.values() for d in own})
        shared = {user: {u for d in own for u in who.get(d, ())} - {user} for user, own in digests.items()}
        return {user: frozenset(others) for user, others in shared.items() if others}

    async def shared_addresses(self, after: str | None, limit: int) -> tuple[list[set[UserId]], str | None]:
        """Accounts that have or had an address in common; looks at `limit` addresses at a time."""
        condition, keys = "PartitionKey eq @partition and RowKey gt @after", {"partition": _ADDRESSES}
        found: list[set[UserId]] = []
        seen, last = 0, ""
        async for row in self._table.query(condition, keys | {"after": after or ""}, page_size=min(limit + 1, 1000)):
            if seen == limit:
                return found, last
            seen, last = seen + 1, str(row["RowKey"])
            if len(who := _who(row)) > 1:
                found.append(who)
        return found, None

    async def touch(self, audit: AuditId, users: Collection[UserId]) -> None:
        """This audit looks at them. Safe to repeat."""
        await self._merge({"PartitionKey": f"touched-{audit}", "RowKey": user} for user in sorted(set(users)))

    async def touched(self, audit: AuditId, after: str | None, limit: int) -> tuple[list[UserId], str | None]:
        keys = {"partition": f"touched-{audit}", "after": after or ""}
        rows, more = await self._table.first("PartitionKey eq @partition and RowKey gt @after", keys, limit)
        found = [UserId(row["RowKey"]) for row in rows]
        return found, found[-1] if more else None

    async def forget_touched(self, audit: AuditId, limit: int) -> bool:
        """Delete what an audit looked at, up to so many; true where nothing is left. Safe to repeat."""
        return await self._table.forget(f"touched-{audit}", "", "~", limit)

    async def write_due(self, due: Mapping[UserId, datetime]) -> None:
        """Look at them when that day has come. Safe to repeat."""
        await self._merge({"PartitionKey": _DUE, "RowKey": f"{_day(at)}-{user}"} for user, at in due.items())

    async def read_due(self, before: datetime) -> list[UserId]:
        keys = {"due": _DUE, "before": f"{_day(before)}-~"}
        rows = self._table.query("PartitionKey eq @due and RowKey lt @before", keys)
        return [UserId(str(row["RowKey"]).partition("-")[2]) async for row in rows]

    async def forget_due(self, before: datetime) -> None:
        """Safe to repeat."""
        while not await self._table.forget(_DUE, "", f"{_day(before)}-~", 1000):
            pass  # There are more.

    async def _merge_accounts(self, accounts: Iterable[tuple[UserId, Row]]) -> None:
        await self._merge({"PartitionKey": _ACCOUNTS, "RowKey": user, **row} for user, row in accounts)

    async def _merge_addresses(self, owners: Iterable[tuple[str, UserId]]) -> None:
        rows: dict[str, Row] = defaultdict(dict)
        for address, user in owners:
            rows[digest(address)][_HAS + _short(user)] = True
        await self._merge({"PartitionKey": _ADDRESSES, "RowKey": key, **row} for key, row in rows.items())

    async def _merge(self, rows: Iterable[Row]) -> None:
        """A transaction for each hundred rows of one partition; columns that a row does not name stay."""
        for few in batched(rows, _OF_TRANSACTION, strict=False):
            await self._table.write([merge({"SchemaVersion": SCHEMA, **row}) for row in few])


def _columns(audit: AuditId, change: UserChange) -> Row:
    row: Row = {"Seen": audit, "Gone": change.gone}
    for name, value in change.facts.items():
        match value:
            case datetime():
                text: object = to_text(value)
            case tuple():
                text = msgspec.json.encode(value).decode()
            case _:
                # A merge cannot take a column away: an empty text says that there is nothing.
                text = "" if value is None else value
        row[name.title().replace("_", "")] = text
    if "accepted" in change.facts:
        row["Accepted"] = {True: "yes", False: "no", None: ""}[change.facts["accepted"]]
    return row


def _subject(row: Mapping[str, Any], audit: Audit, groups_since: Mapping[GroupId, AuditId]) -> Subject:
    # Ids of audits begin with inverted time: what was seen by an audit or a later one has no greater id.
    seen = str(row.get("Seen") or "")
    is_known = bool(seen) and seen <= (audit.users_since or audit.id)
    members = {_group(c, _MEMBER): str(v) for c, v in row.items() if c.startswith(_MEMBER) and v != _LEFT}
    late = {_group(c, _LATE): _marked(v, audit.id) for c, v in row.items() if c.startswith(_LATE)}
    twins, inactive = _marked(row.get("Twins"), audit.id), _marked(row.get("Inactive"), audit.id)
    return Subject(
        id=UserId(str(row["RowKey"])),
        known=is_known,
        is_guest=bool(row.get("IsGuest")),
        name=row.get("Name") or "",
        address=row.get("Address") or None,
        other_addresses=tuple(msgspec.json.decode(row["OtherAddresses"])) if row.get("OtherAddresses") else (),
        accepted={"yes": True, "no": False}.get(row.get("Accepted") or ""),
        accepted_at=_time(row.get("AcceptedAt")),
        created_at=_time(row.get("CreatedAt")),
        enabled=row.get("Enabled") is not False,
        gone=bool(row.get("Gone")) or (bool(seen) and not is_known),
        is_group=bool(row.get("IsGroup")),
        groups=frozenset(g for g, v in members.items() if g in groups_since and v <= groups_since[g]),
        in_motion=frozenset(_group(c, _MOTION) for c, v in row.items() if c.startswith(_MOTION) and v == audit.id),
        expectations=_expectations(row),
        inactive=_time(inactive),
        last_days={group: date.fromisoformat(day) for group, day in late.items() if day},
        twins=frozenset(UserId(u) for u in twins.split(",")) if twins else frozenset(),
        counted=_counted(row.get("Counted"), audit.id),
    )


def _expectations(row: Mapping[str, Any]) -> dict[GroupId, ExpectedMembership]:
    """The newest for each group."""
    found: dict[GroupId, ExpectedMembership] = {}
    for column, value in row.items():
        if column.startswith(_DID):
            group = _group(column.partition("_")[0], _DID)
            expected = msgspec.json.decode(value, type=ExpectedMembership)
            if group not in found or found[group].at < expected.at:
                found[group] = expected
    return found


def _marked(text: Any, audit: AuditId) -> str:
    """What this audit has marked; empty for an older mark."""
    by, _, value = str(text or "").partition(" ")
    return value if by == audit else ""


def _counted(text: Any, audit: AuditId) -> Counts:
    if not text:
        return {}
    found = msgspec.json.decode(text, type=_Counted)
    return found.before if found.audit == audit else found.now


def _who(row: Mapping[str, Any]) -> set[UserId]:
    return {_long(column.removeprefix(_HAS)) for column in row if column.startswith(_HAS)}


def _addresses(facts: UserFacts) -> set[str]:
    own = facts.get("address")
    return {a.lower() for a in (*([own] if own else ()), *facts.get("other_addresses", ()))}


def _time(text: Any) -> datetime | None:
    return from_text(text) if text else None


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d")


def _short(id_: str) -> str:
    """Names of columns take no dashes."""
    return id_.replace("-", "")


def _long(text: str) -> UserId:
    return UserId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def _group(column: str, prefix: str) -> GroupId:
    return GroupId(_long(column.removeprefix(prefix)))
