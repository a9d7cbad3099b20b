"""The store on Azure Table Storage. Keys are made so that each question is a point read or one range of one
partition, and a chunk's rows are written in one transaction."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from azure.data.tables import TableEntity
from azure.data.tables.aio import TableServiceClient

from shared.core.errors import Conflict
from shared.core.ids import ChunkId, GroupId, ImportId, InvitationId, chunks_of
from shared.core.stop import Stop
from shared.core.versions import Versioned
from shared.invitations.model.counters import Reading, count, difference
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Guard, KeyAnswer, KeyClaim, Page
from shared.invitations.rows.counters import ImportCounters
from shared.invitations.rows.expiries import Expiries
from shared.invitations.rows.idempotency import IdempotencyKeys
from shared.invitations.rows.invitations import (
    INVITATION,
    MARK,
    SCHEMA,
    from_row,
    guard_key,
    row_key,
    to_row,
    to_text,
)
from shared.invitations.rows.open_chunks import OPEN_CHUNKS, open_chunks
from shared.pace.breaker import Breaker
from shared.pace.import_pace import ImportPace, Limits, Refusal
from shared.pace.pacing import DayLimit, Pace
from shared.pace.rows import TenantState
from shared.storage import continuations
from shared.storage.key import TENANT
from shared.storage.table import Operation, Row, Table, insert, remove, replace, version_of

INVITATIONS = "Invitations"
TABLES = (INVITATIONS, OPEN_CHUNKS, TENANT)

_ROW_KEY = re.compile(rf"{INVITATION}[0-9a-f]{{22}}-[0-9]{{2}}")
_MAX_COMPARED = 14
"""Row keys in one filter: the service takes at most fifteen comparisons. Source: Querying tables and entities."""
_RANGE = "PartitionKey eq @group and RowKey ge @first and RowKey lt @last"


class TableStore:
    """The port's `Store`. Its clients belong to the event loop it is first used in.

    Beyond the port, all methods raise `StorageRefused` where a repeat would not help, and `UnreadableRow`
    where a newer version of this code wrote the row.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._invitations = Table(service, INVITATIONS)
        self.open_chunks = open_chunks(service)
        self._tenant = TenantState(Table(service, TENANT))
        self._keys = IdempotencyKeys(self._invitations)
        self._counters = ImportCounters(self._invitations)
        self._expiries = Expiries(self._invitations)

    async def claim_key(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyAnswer:
        return await self._keys.claim(group, digest, body_digest, now=now, lease=lease, kept=kept)

    async def release_key(self, claim: KeyClaim) -> None:
        await self._keys.release(claim)

    async def find_under_way(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, InvitationId]:
        async def one(key: str) -> InvitationId | None:
            guard = await self._invitations.get(group, guard_key(key))
            there = await self._latest(guard) if guard is not None else None
            return there.id if there is not None and not there.is_final else None

        found = await asyncio.gather(*(one(key) for key in address_keys))
        return {key: i for key, i in zip(address_keys, found, strict=True) if i is not None}

    async def _latest(self, guard: Row) -> Invitation | None:
        return await self.read(InvitationId.parse(guard["InvitationId"]))

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        if len({i.address.key for i in invitations}) < len(invitations):
            raise Conflict("an address is twice in the chunk")
        rows: list[Operation] = [insert(to_row(invitation)) for invitation in invitations]
        rows += self._expiries.of(invitations)
        if claim is not None:
            first = invitations[0]
            rows.append(self._keys.completed(claim, first.id, first.created_at))
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
        latest = await self._latest(there)
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
        self,
        invitations: Sequence[Versioned[Invitation]],
        *,
        before: Sequence[Invitation] = (),
        ends: bool = False,
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
        rows: list[Operation] = [*(insert(to_row(i)) for i in invitations), *self._expiries.of(under_way)]
        for invitation in under_way:
            there = guards.get(invitation.address.key)
            guard = _guard(invitation)
            rows.append(replace(guard, there.version) if there else insert(guard))
        chunks = dict.fromkeys(i.id.chunk for i in under_way)
        rows += [insert(_mark(first.id.group, chunk, look_at)) for chunk in chunks]
        await self._counters.write(first.import_id, first.id.group, count(invitations), rows)

    async def find_guards(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, Guard]:
        keys = {guard_key(key): key for key in address_keys}
        wanted = list(keys)
        found: dict[str, Guard] = {}
        chunks: dict[ChunkId, list[tuple[str, TableEntity, InvitationId]]] = {}
        for start in range(0, len(wanted), _MAX_COMPARED):
            few = wanted[start : start + _MAX_COMPARED]
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
        condition, keys = _RANGE, _marks(import_id, group)
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

    async def read_counters(self, import_id: ImportId, group: GroupId) -> Reading:
        return await self._counters.read(import_id, group)

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
        found: list[Invitation] = []
        async for row in self._invitations.query(condition, keys, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return Page(found, continuations.give(row_key(found[-1].id)))
            found.append(from_row(row))
        return Page(found, None)

    async def read_expiries(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        return await self._expiries.read(group, address_keys)

    async def write_expiry(self, group: GroupId, address_key: str, expires: date | None) -> None:
        await self._expiries.write(group, address_key, expires)

    async def read_breaker(self) -> Versioned[Breaker]:
        return await self._tenant.read_breaker()

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        await self._tenant.write_breaker(breaker)

    async def read_stop(self) -> Versioned[Stop]:
        return await self._tenant.read_stop()

    async def write_stop(self, stop: Versioned[Stop]) -> None:
        await self._tenant.write_stop(stop)

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        return await self._tenant.reserve(lane, pace, units, now)

    async def read_import_pace(self, limits: Limits, now: datetime) -> ImportPace:
        return await self._tenant.read_import_pace(limits, now)

    async def take_positions(
        self, limits: Limits, units: Sequence[int], who: str, now: datetime
    ) -> tuple[list[float], ImportPace]:
        return await self._tenant.take_positions(limits, units, who, now)

    async def note_refusal(self, limits: Limits, refusal: Refusal, now: datetime) -> tuple[float, ImportPace]:
        return await self._tenant.note_refusal(limits, refusal, now)

    async def steady_imports(self, limits: Limits, now: datetime) -> None:
        await self._tenant.steady_imports(limits, now)

    async def take_of_day(self, limits: Mapping[str, DayLimit], units: int, now: datetime) -> int:
        return await self._tenant.take_of_day(limits, units, now)

    async def read_day(self, limits: Mapping[str, DayLimit], now: datetime) -> int:
        return await self._tenant.read_day(limits, now)

    async def close(self) -> None:
        await self._service.close()


def _guard(invitation: Invitation) -> Row:
    return {
        "PartitionKey": invitation.id.group,
        "RowKey": guard_key(invitation.address.key),
        "SchemaVersion": SCHEMA,
        "InvitationId": str(invitation.id),
    }


def _mark(group: GroupId, chunk: ChunkId, look_at: datetime) -> Row:
    """A chunk of an import that has not ended. It stands in the group's own partition: it comes and goes in the
    transactions that the chunk's records are written in, and costs none of its own."""
    return {
        "PartitionKey": group,
        "RowKey": f"{MARK}{chunk}",
        "SchemaVersion": SCHEMA,
        "LookAt": to_text(look_at),
    }


def _marks(import_id: ImportId, group: GroupId) -> dict[str, str]:
    prefix = f"{MARK}{chunks_of(import_id)}"
    return {"group": group, "first": prefix, "last": f"{prefix}g"}
