"""Invitations as table rows. Only this module knows the columns; ``docs/tables.md`` shows examples."""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from shared.core.addresses import Address
from shared.core.ids import ChunkId, GroupId, InvitationId
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Page
from shared.storage.records import Columns, new_row, to_text
from shared.storage.table import Row, Table

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

INVITATIONS = "Invitations"
INVITATION, GUARD, KEY, MARK, COUNTER, EXPIRY = "i-", "a-", "k-", "o-", "c-", "x-"
"""How row keys begin: invitations, guards of addresses, idempotency keys, chunks of imports that have not ended,
counters of imports, expiries of memberships."""


def row_key(invitation: InvitationId) -> str:
    return f"{INVITATION}{invitation.chunk}-{invitation.position:02d}"


def guard_key(address_key: str) -> str:
    return f"{GUARD}{digest(address_key)}"


def digest(address_key: str) -> str:
    """An address may hold characters that a key may not."""
    return sha256(address_key.encode()).hexdigest()[:40]


INVITATION_COLUMNS = Columns(Invitation, beside=("id", "address"))


def to_row(invitation: Invitation) -> Row:
    """All columns; what is None has none. Times are text, which keeps their microseconds."""
    address = invitation.address
    columns = {"AddressText": address.text, "AddressWire": address.wire, "AddressKey": address.key}
    columns |= INVITATION_COLUMNS.to_columns(invitation)
    return new_row(invitation.id.group, row_key(invitation.id), **columns)


def from_row(row: Mapping[str, Any]) -> Invitation:
    """Columns that this code does not know are passed over. Raises UnreadableRow where its schema is newer."""
    chunk, position = row["RowKey"].removeprefix(INVITATION).rsplit("-", 1)
    invitation = InvitationId(GroupId(row["PartitionKey"]), ChunkId(chunk), int(position))
    address = Address(row["AddressText"], row["AddressWire"], row["AddressKey"])
    return INVITATION_COLUMNS.from_columns(row, id=invitation, address=address)


_ENDED = (State.MEMBER, State.MAILED, State.FAILED, State.UNDONE)
_RANGE = "PartitionKey eq @group and RowKey gt @first and RowKey lt @last"


class TableInvitationHistory:
    """What Guestlist did, as audits read it. All methods raise StorageBusy."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, INVITATIONS)

    async def changed(self, group: GroupId, since: datetime | None, continuation: str | None, limit: int) -> Page:
        """Invitations to a group that changed since a moment, or all of them; those under way are always among
        them."""
        condition = _RANGE
        keys: dict[str, Any] = {"group": group, "first": continuation or INVITATION, "last": f"{INVITATION}~"}
        if since is not None:
            keys |= {"since": to_text(since), **{f"s{n}": state.value for n, state in enumerate(_ENDED)}}
            under_way = " and ".join(f"State ne @s{n} " for n in range(len(_ENDED)))
            condition += f" and ( UpdatedAt ge @since or ( {under_way} ) )"
        rows, more = await self._table.first(condition, keys, limit)
        return Page([from_row(row) for row in rows], str(rows[-1]["RowKey"]) if more else None)

    async def last_days_before(self, group: GroupId, day: date) -> dict[str, date]:
        """Last days of memberships that lie before a day, by the digest of the guest's address."""
        keys = {"group": group, "first": EXPIRY, "last": f"{EXPIRY}~", "day": day.isoformat()}
        rows = self._table.query(f"{_RANGE} and Expires lt @day", keys)
        return {str(r["RowKey"]).removeprefix(EXPIRY): date.fromisoformat(r["Expires"]) async for r in rows}
