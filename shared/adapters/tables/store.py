"""The store on Azure Table Storage. Keys are made so that each question is a point read or one range of one
partition, and a chunk's rows are written in one transaction."""

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from azure.data.tables.aio import TableServiceClient

from shared.adapters.tables.idempotency import IdempotencyKeys
from shared.adapters.tables.open_chunks import OpenChunks
from shared.adapters.tables.rows import INVITATION, SCHEMA, from_row, guard_key, row_key, to_row
from shared.adapters.tables.table import Operation, Row, Table, insert, replace, version_of
from shared.adapters.tables.tenant import TenantState
from shared.domain.breaker import Breaker
from shared.domain.errors import Conflict
from shared.domain.ids import ChunkId, GroupId, InvitationId
from shared.domain.invitations import Invitation, State
from shared.domain.pacing import Pace
from shared.ports.store import KeyAnswer, KeyClaim, OpenChunk, Page, Versioned

INVITATIONS, OPEN_CHUNKS, TENANT = "Invitations", "OpenChunks", "Tenant"
TABLES = (INVITATIONS, OPEN_CHUNKS, TENANT)

_ROW_KEY = re.compile(rf"{INVITATION}[0-9a-f]{{22}}-[0-9]{{2}}")
_RANGE = "PartitionKey eq @group and RowKey ge @first and RowKey lt @last"


class TableStore:
    """The port's `Store`. Its clients belong to the event loop it is first used in.

    Beyond the port, all methods raise `StorageRefused` where a repeat would not help, and `UnreadableRow`
    where a newer version of this code wrote the row.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._invitations = Table(service, INVITATIONS)
        self._open = OpenChunks(Table(service, OPEN_CHUNKS))
        self._tenant = TenantState(Table(service, TENANT))
        self._keys = IdempotencyKeys(self._invitations)

    async def claim_key(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyAnswer:
        return await self._keys.claim(group, digest, body_digest, now=now, lease=lease, kept=kept)

    async def release_key(self, claim: KeyClaim) -> None:
        await self._keys.release(claim)

    async def find_under_way(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, InvitationId]:
        async def one(key: str) -> InvitationId | None:
            guard = await self._invitations.get(group, guard_key(key))
            return await self._still_open(guard) if guard is not None else None

        found = await asyncio.gather(*(one(key) for key in address_keys))
        return {key: i for key, i in zip(address_keys, found, strict=True) if i is not None}

    async def _still_open(self, guard: Row) -> InvitationId | None:
        invitation = InvitationId.parse(guard["InvitationId"])
        row = await self.read(invitation)
        return invitation if row is not None and not row.is_final else None

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        if len({i.address.key for i in invitations}) < len(invitations):
            raise Conflict("an address is twice in the chunk")
        rows: list[Operation] = [insert(to_row(invitation)) for invitation in invitations]
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
        if await self._still_open(there):
            raise Conflict("the address has another invitation under way")
        return replace(row, version_of(there))

    async def read_chunk(self, group: GroupId, chunk: ChunkId) -> list[Versioned[Invitation]]:
        # '.' is the character after '-'.
        keys = {"group": group, "first": f"{INVITATION}{chunk}-", "last": f"{INVITATION}{chunk}."}
        return [Versioned(from_row(row), version_of(row)) async for row in self._invitations.query(_RANGE, keys)]

    async def save(self, invitations: Sequence[Versioned[Invitation]]) -> list[Versioned[Invitation]]:
        if not invitations:
            return []
        versions = await self._invitations.write(
            [replace(to_row(i.value), i.version) if i.version else insert(to_row(i.value)) for i in invitations]
        )
        return [Versioned(i.value, version) for i, version in zip(invitations, versions, strict=True)]

    async def read(self, invitation: InvitationId) -> Invitation | None:
        row = await self._invitations.get(invitation.group, row_key(invitation))
        return from_row(row) if row is not None else None

    async def list_group(self, group: GroupId, *, state: State | None, continuation: str | None, limit: int) -> Page:
        keys = {"group": group, "first": INVITATION, "last": INVITATION[:-1] + "."}
        condition = _RANGE
        if continuation is not None:
            keys["first"] = _read_continuation(continuation)
            condition = condition.replace("RowKey ge", "RowKey gt")
        if state is not None:
            keys["state"] = state.value
            condition += " and State eq @state"
        found: list[Invitation] = []
        async for row in self._invitations.query(condition, keys, page_size=min(limit + 1, 1000)):
            if len(found) == limit:
                return Page(found, _continuation(found[-1]))
            found.append(from_row(row))
        return Page(found, None)

    async def open_chunk(self, chunk: OpenChunk) -> None:
        await self._open.open(chunk)

    async def close_chunk(self, group: GroupId, chunk: ChunkId) -> None:
        await self._open.close(group, chunk)

    def list_open(self, *, look_before: datetime) -> AsyncIterator[OpenChunk]:
        return self._open.list(look_before=look_before)

    async def read_breaker(self) -> Versioned[Breaker]:
        return await self._tenant.read_breaker()

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        await self._tenant.write_breaker(breaker)

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        return await self._tenant.reserve(lane, pace, units, now)

    async def close(self) -> None:
        await self._service.close()


def _guard(invitation: Invitation) -> Row:
    return {
        "PartitionKey": invitation.id.group,
        "RowKey": guard_key(invitation.address.key),
        "SchemaVersion": SCHEMA,
        "InvitationId": str(invitation.id),
    }


def _continuation(last: Invitation) -> str:
    return base64.urlsafe_b64encode(row_key(last.id).encode()).decode().rstrip("=")


def _read_continuation(text: str) -> str:
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as e:
        raise ValueError("the continuation was never given out") from e
    if not _ROW_KEY.fullmatch(found):
        raise ValueError("the continuation was never given out")
    return found
