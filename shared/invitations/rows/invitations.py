"""Invitations as table rows. Only this module knows the columns; ``docs/tables.md`` shows examples."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from shared.core.addresses import Address
from shared.core.ids import ChunkId, GroupId, InvitationId
from shared.invitations.model.invitations import Invitation
from shared.storage.records import Columns, new_row
from shared.storage.table import Row

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
    """Read a row; columns that this code does not know are passed over.

    Raises:
        UnreadableRow: its schema is newer.
    """
    chunk, position = row["RowKey"].removeprefix(INVITATION).rsplit("-", 1)
    invitation = InvitationId(GroupId(row["PartitionKey"]), ChunkId(chunk), int(position))
    address = Address(row["AddressText"], row["AddressWire"], row["AddressKey"])
    return INVITATION_COLUMNS.from_columns(row, id=invitation, address=address)
