"""The store on Azure Table Storage. Keys are made so that each question is a point read or one range of one
partition, and a chunk's rows are written in one transaction."""

import asyncio
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import batched

import msgspec
from azure.data.tables import TableEntity
from azure.data.tables.aio import TableServiceClient

from shared.core import continuations
from shared.core.errors import Conflict, Refused
from shared.core.ids import ChunkId, GroupId, ImportId, InvitationId, chunks_of
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation, Reading, State, added, count, difference
from shared.invitations.ports import Guard, KeyClaim, Page
from shared.invitations.rows.invitations import (
    COUNTER,
    EXPIRY,
    INVITATION,
    INVITATIONS,
    KEY,
    MARK,
    digest,
    from_row,
    guard_key,
    row_key,
    to_row,
)
from shared.pace.rows import TenantState
from shared.storage.key import TENANT
from shared.storage.records import from_text, new_row, to_text
from shared.storage.reminders import TableOpenWork
from shared.storage.table import Operation, Row, Table, insert, put, remove, replace, upsert, version_of

OPEN_CHUNKS = "OpenChunks"
TABLES = (INVITATIONS, OPEN_CHUNKS, TENANT)

_ROW_KEY = re.compile(rf"{INVITATION}[0-9a-f]{{22}}-[0-9]{{2}}")
_MAX_COMPARED = 14
"""Row keys in one filter: the service takes at most fifteen comparisons. Source: Querying tables and entities."""
_RANGE = "PartitionKey eq @group and RowKey ge @first and RowKey lt @last"


@dataclass(slots=True)
class _Row:
    """A row of this process, as it was last written."""

    key: str
    counts: dict[str, int] = field(default_factory=dict)
    version: str | None = None


class ImportCounters:
    """Counters of imports: rows of the group's partition, written in the transaction of the records they count.

    Each process has rows of its own, so that nobody waits for anybody else's; a reader adds them up. A process keeps
    what it last wrote and never reads: a row whose write ended in doubt is not written again, and counts as it is.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._idle: defaultdict[tuple[ImportId, GroupId], list[_Row]] = defaultdict(list)

    async def write(
        self, import_id: ImportId, group: GroupId, change: Mapping[str, int], operations: Sequence[Operation]
    ) -> list[str]:
        """Do the operations and count the change, all or nothing; gives the operations' new versions."""
        idle = self._idle[import_id, group]
        mine = idle.pop() if idle else _Row(f"{COUNTER}{import_id}-{secrets.token_hex(5)}")
        counts = added(mine.counts, change)
        written = {"Counts": msgspec.json.encode(counts).decode(), "UpdatedAt": to_text(datetime.now(UTC))}
        row = new_row(group, mine.key, **written)
        # After an error nobody knows what the row holds: it is left to itself, and the next write begins another.
        versions = await self._table.write([*operations, put(row, mine.version)])
        mine.counts, mine.version = counts, versions[-1]
        idle.append(mine)
        return versions[:-1]

    async def read(self, import_id: ImportId, group: GroupId) -> Reading:
        keys = {"group": group, "first": f"{COUNTER}{import_id}-", "last": f"{COUNTER}{import_id}."}
        total: Counter[str] = Counter()
        latest: datetime | None = None
        async for row in self._table.query(_RANGE, keys):
            total.update(msgspec.json.decode(row["Counts"], type=dict[str, int]))
            updated = from_text(row["UpdatedAt"])
            latest = max(latest, updated) if latest else updated
        return Reading({key: n for key, n in total.items() if n}, latest)


class TableStore(TenantState):
    """The port's `Store`. Its clients belong to the event loop it is first used in.

    Beyond the port, all methods raise `StorageRefused` where a repeat would not help, and `UnreadableRow`
    where a newer version of this code wrote the row.
    """

    def __init__(self, service: TableServiceClient) -> None:
        super().__init__(service)
        self._invitations = Table(service, INVITATIONS)
        self._counters = ImportCounters(self._invitations)
        self.read_counters = self._counters.read
        self.open_chunks = TableOpenWork[tuple[GroupId, ChunkId]](
            service, "chunk", old=OPEN_CHUNKS, read_old=lambda row: (GroupId(row["Group"]), ChunkId(row["Chunk"]))
        )

    async def claim_key(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyClaim | InvitationId:
        claim = {"ClaimId": secrets.token_hex(8), "BodyDigest": body_digest}
        times = {"LeaseUntil": to_text(now + lease), "CreatedAt": to_text(now)}
        row = new_row(group, f"{KEY}{digest}", **claim, **times)
        # Claim first and read only where that fails: a new key costs one operation.
        version, there = await self._take(insert(row), row)
        if version is None and there is not None:
            if (invitation := _completed_with(there, body_digest, now, kept)) is not None:
                return invitation
            version, _ = await self._take(replace(row, version_of(there)), row)
        if version is None:
            raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
        return KeyClaim(group, digest, body_digest, version)

    async def _take(self, operation: Operation, row: Row) -> tuple[str | None, TableEntity | None]:
        """The version in which the row was written, or what is there instead."""
        try:
            [version] = await self._invitations.write([operation])
        except Conflict:
            there = await self._invitations.get(row["PartitionKey"], row["RowKey"])
            if there is not None and there.get("ClaimId") == row["ClaimId"]:
                # It went through, and a repeat of it met itself.
                return version_of(there), None
            return None, there
        return version, None

    async def release_key(self, claim: KeyClaim) -> None:
        # Guarded by the version: a key that was completed or taken over meanwhile is not ours to give back.
        await self._invitations.delete(claim.group, f"{KEY}{claim.digest}", claim.version)

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        if len({i.address.key for i in invitations}) < len(invitations):
            raise Conflict("an address is twice in the chunk")
        rows: list[Operation] = [insert(to_row(invitation)) for invitation in invitations]
        rows += _expiries(invitations)
        if claim is not None:
            first = invitations[0]
            rows.append(_completed(claim, first.id, first.created_at))
        try:
            # Most guests are new to the group: their guards are read only where they turn out to be there.
            await self._invitations.write([*rows, *(insert(_guard(i)) for i in invitations)])
        except Conflict:
            # A guard that appears or changes from here on has another version than the one read now, and the
            # second write is a Conflict.
            guards = await asyncio.gather(*(self._guard_again(i) for i in invitations))
            await self._invitations.write([*rows, *guards])

    async def _guard_again(self, invitation: Invitation) -> Operation:
        """The guard of an address that may have had an invitation before."""
        row = _guard(invitation)
        there = await self._invitations.get(row["PartitionKey"], row["RowKey"])
        if there is None:
            return insert(row)
        latest = await self.read(InvitationId.parse(there["InvitationId"]))
        if latest is not None and not latest.is_final:
            raise Conflict("the address has another invitation under way")
        if latest is not None and latest.import_id is not None and latest.line is not None:
            row |= {"ImportId": latest.import_id, "Line": latest.line}
        elif "ImportId" in there:
            row |= {"ImportId": there["ImportId"], "Line": there["Line"]}
        return replace(row, version_of(there))

    async def read_chunk(self, group: GroupId, chunk: ChunkId) -> list[Versioned[Invitation]]:
        # '.' is the character after '-'.
        keys = {"group": group, "first": f"{INVITATION}{chunk}-", "last": f"{INVITATION}{chunk}."}
        return [Versioned(from_row(row), version_of(row)) async for row in self._invitations.query(_RANGE, keys)]

    async def save(
        self, invitations: Sequence[Versioned[Invitation]], *, before: Sequence[Invitation] = (), ends: bool = False
    ) -> list[Versioned[Invitation]]:
        if not invitations:
            return []
        rows = [replace(to_row(i.value), i.version) if i.version else insert(to_row(i.value)) for i in invitations]
        first = invitations[0].value
        if first.import_id is None:
            versions = await self._invitations.write(rows)
        else:
            change = difference(before, (i.value for i in invitations))
            more = [remove(first.id.group, f"{MARK}{first.id.chunk}")] if ends else []
            versions = await self._counters.write(first.import_id, first.id.group, change, [*rows, *more])
        return [Versioned(i.value, version) for i, version in zip(invitations, versions, strict=False)]

    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        first = invitations[0]
        assert first.import_id is not None  # noqa: S101 - for the type checker
        under_way = [i for i in invitations if not i.is_final]
        rows: list[Operation] = [*(insert(to_row(i)) for i in invitations), *_expiries(under_way)]
        for invitation in under_way:
            there = guards.get(invitation.address.key)
            guard = _guard(invitation)
            rows.append(replace(guard, there.version) if there else insert(guard))
        chunks = dict.fromkeys(i.id.chunk for i in under_way)
        rows += [insert(_mark(first.id.group, chunk, look_at)) for chunk in chunks]
        await self._counters.write(first.import_id, first.id.group, count(invitations), rows)

    async def find_guards(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, Guard]:
        keys = {guard_key(key): key for key in address_keys}
        found: dict[str, Guard] = {}
        chunks: dict[ChunkId, list[tuple[str, TableEntity, InvitationId]]] = {}
        for few in batched(keys, _MAX_COMPARED, strict=False):
            condition = " or ".join(f"RowKey eq @k{n}" for n in range(len(few)))
            names = {"group": group, **{f"k{n}": key for n, key in enumerate(few)}}
            async for row in self._invitations.query(f"PartitionKey eq @group and ( {condition} )", names):
                invitation = InvitationId.parse(row["InvitationId"])
                chunks.setdefault(invitation.chunk, []).append((keys[row["RowKey"]], row, invitation))
        for chunk, entries in chunks.items():
            there = {r.value.id: r.value for r in await self.read_chunk(group, chunk)}
            for key, guard, invitation in entries:
                if invitation in there:
                    before = (guard.get("ImportId"), guard.get("Line"))
                    found[key] = Guard(there[invitation], version_of(guard), *before)
        return found

    async def list_open_of_import(
        self, import_id: ImportId, group: GroupId, *, due_before: datetime | None
    ) -> list[ChunkId]:
        prefix = f"{MARK}{chunks_of(import_id)}"
        condition, keys = _RANGE, {"group": group, "first": prefix, "last": f"{prefix}g"}
        if due_before is not None:
            condition += " and LookAt lt @before"
            keys["before"] = to_text(due_before)
        return [ChunkId(row["RowKey"].removeprefix(MARK)) async for row in self._invitations.query(condition, keys)]

    async def reschedule(self, group: GroupId, chunk: ChunkId, look_at: datetime) -> None:
        # Only where it is still there: a chunk that has ended meanwhile must not be remembered for ever.
        await self._invitations.update(_mark(group, chunk, look_at))

    async def read_import_rows(
        self, import_id: ImportId, group: GroupId, *, after: ChunkId | None, limit: int
    ) -> list[Versioned[Invitation]]:
        prefix = f"{INVITATION}{chunks_of(import_id)}"
        first = f"{INVITATION}{after}." if after is not None else prefix
        keys = {"group": group, "first": first, "last": f"{prefix}g"}
        found: list[Versioned[Invitation]] = []
        async for row in self._invitations.query(_RANGE, keys, page_size=min(limit, 1000)):
            found.append(Versioned(from_row(row), version_of(row)))
            if len(found) == limit:
                break
        return found

    async def read(self, invitation: InvitationId) -> Invitation | None:
        row = await self._invitations.get(invitation.group, row_key(invitation))
        return from_row(row) if row is not None else None

    async def list_group(self, group: GroupId, *, state: State | None, continuation: str | None, limit: int) -> Page:
        keys = {"group": group, "first": INVITATION, "last": INVITATION[:-1] + "."}
        condition = _RANGE
        if continuation is not None:
            keys["first"] = continuations.take(continuation, _ROW_KEY)
            condition = condition.replace("RowKey ge", "RowKey gt")
        if state is not None:
            keys["state"] = state.value
            condition += " and State eq @state"
        rows, more = await self._invitations.first(condition, keys, limit)
        return Page([from_row(row) for row in rows], continuations.give(rows[-1]["RowKey"]) if more else None)

    async def read_expiries(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        wanted = {digest(key): key for key in address_keys}
        if not wanted:
            return {}
        # Keys are digests: those of a page of guests lie anywhere, but within their own bounds.
        keys = {"group": group, "first": f"{EXPIRY}{min(wanted)}", "last": f"{EXPIRY}{max(wanted)}~"}
        rows = {str(r["RowKey"]).removeprefix(EXPIRY): r async for r in self._invitations.query(_RANGE, keys)}
        return {wanted[k]: date.fromisoformat(row["Expires"]) for k, row in rows.items() if k in wanted}

    async def write_expiry(self, group: GroupId, address_key: str, expires: date | None) -> None:
        if expires is None:
            await self._invitations.delete(group, f"{EXPIRY}{digest(address_key)}")
        else:
            await self._invitations.upsert(_expiry(group, address_key, expires))


def _expiries(invitations: Iterable[Invitation]) -> list[Operation]:
    """The last days that invitations name, in their own transaction. A row is the guest's, not the invitation's:
    owners renew it."""
    return [upsert(_expiry(i.id.group, i.address.key, i.expires)) for i in invitations if i.expires is not None]


def _expiry(group: GroupId, address_key: str, expires: date) -> Row:
    return new_row(group, f"{EXPIRY}{digest(address_key)}", Expires=expires.isoformat())


def _guard(invitation: Invitation) -> Row:
    return new_row(invitation.id.group, guard_key(invitation.address.key), InvitationId=str(invitation.id))


def _mark(group: GroupId, chunk: ChunkId, look_at: datetime) -> Row:
    """A chunk of an import that has not ended. It stands in the group's own partition: it comes and goes in the
    transactions that the chunk's records are written in, and costs none of its own."""
    return new_row(group, f"{MARK}{chunk}", LookAt=to_text(look_at))


def _completed(claim: KeyClaim, invitation: InvitationId, now: datetime) -> Operation:
    """The part of a transaction that ends a claim with what came of it."""
    done = {"BodyDigest": claim.body_digest, "InvitationId": str(invitation)}
    times = {"LeaseUntil": to_text(now), "CreatedAt": to_text(now)}
    return replace(new_row(claim.group, f"{KEY}{claim.digest}", **done, **times), claim.version)


def _completed_with(there: TableEntity, body_digest: str, now: datetime, kept: timedelta) -> InvitationId | None:
    """What came of a key that is there; None where it may be claimed again. Raises Refused."""
    invitation: str | None = there.get("InvitationId")
    is_given_up = invitation is None and from_text(there["LeaseUntil"]) <= now
    if is_given_up or from_text(there["CreatedAt"]) + kept <= now:
        return None
    if there["BodyDigest"] != body_digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    if invitation is None:
        raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
    return InvitationId.parse(invitation)
