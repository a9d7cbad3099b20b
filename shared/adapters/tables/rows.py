"""Invitations as table rows. Only this module knows the columns; ``docs/tables.md`` shows examples."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from shared.domain.addresses import Address
from shared.domain.errors import GuestlistError
from shared.domain.ids import ChunkId, GroupId, InvitationId, UserId
from shared.domain.invitations import Invitation, State
from shared.domain.reasons import Reason

SCHEMA = 1
"""Of the rows written here. It grows only where an older version of this code must not read a row; a column
more is no new schema."""
INVITATION, GUARD, KEY, MARK, COUNTER, EXPIRY = "i-", "a-", "k-", "o-", "c-", "x-"
"""How row keys begin: invitations, guards of addresses, idempotency keys, chunks of imports that have not ended,
counters of imports, expiries of memberships."""

_TEXTS = {
    "DisplayName": "display_name",
    "Message": "message",
    "Language": "language",
    "Detail": "detail",
    "UserId": "user_id",
    "RedeemUrl": "redeem_url",
    "MailHandle": "mail_handle",
}
_LATER = {"ImportId": "import_id", "Line": "line"}
_TIMES = {"ClaimedUntil": "claimed_until", "EffectSince": "effect_since"}


class UnreadableRow(GuestlistError):
    """A row written by a newer version of this code, that this one would misread."""


def row_key(invitation: InvitationId) -> str:
    return f"{INVITATION}{invitation.chunk}-{invitation.position:02d}"


def guard_key(address_key: str) -> str:
    return f"{GUARD}{digest(address_key)}"


def digest(address_key: str) -> str:
    """An address may hold characters that a key may not."""
    return sha256(address_key.encode()).hexdigest()[:40]


def to_row(invitation: Invitation) -> dict[str, Any]:
    """All columns; what is None has none. Times are text, which keeps their microseconds."""
    optional = {c: getattr(invitation, f) for c, f in _TEXTS.items()}
    optional |= {c: to_text(t) if (t := getattr(invitation, f)) else None for c, f in _TIMES.items()}
    optional |= {c: getattr(invitation, f) for c, f in _LATER.items()}
    optional["Expires"] = invitation.expires.isoformat() if invitation.expires else None
    optional["Reason"] = invitation.reason.value if invitation.reason else None
    return {
        "PartitionKey": invitation.id.group,
        "RowKey": row_key(invitation.id),
        "SchemaVersion": SCHEMA,
        "State": invitation.state.value,
        "AddressText": invitation.address.text,
        "AddressWire": invitation.address.wire,
        "AddressKey": invitation.address.key,
        "InviterId": invitation.inviter_id,
        "InviterName": invitation.inviter_name,
        "AppName": invitation.app_name,
        "DirectLink": invitation.direct_link,
        "CreatedAt": to_text(invitation.created_at),
        "UpdatedAt": to_text(invitation.updated_at),
        "AlreadyInDirectory": invitation.already_in_directory,
        "AlreadyMember": invitation.already_member,
        "SendAgain": invitation.send_again,
        **{column: value for column, value in optional.items() if value is not None},
    }


def from_row(row: Mapping[str, Any]) -> Invitation:
    """Read a row; columns that this code does not know are passed over.

    Raises:
        UnreadableRow: its schema is newer.
    """
    if row["SchemaVersion"] > SCHEMA:
        raise UnreadableRow(f"row {row['RowKey']} has schema {row['SchemaVersion']}; this code reads up to {SCHEMA}")
    chunk, position = row["RowKey"].removeprefix(INVITATION).rsplit("-", 1)
    optional: dict[str, Any] = {f: row.get(c) for c, f in _TEXTS.items()}
    optional |= {f: from_text(t) if (t := row.get(c)) else None for c, f in _TIMES.items()}
    optional |= {f: row.get(c) for c, f in _LATER.items()}
    return Invitation(
        id=InvitationId(GroupId(row["PartitionKey"]), ChunkId(chunk), int(position)),
        address=Address(row["AddressText"], row["AddressWire"], row["AddressKey"]),
        inviter_id=UserId(row["InviterId"]),
        inviter_name=row["InviterName"],
        app_name=row["AppName"],
        direct_link=row["DirectLink"],
        created_at=from_text(row["CreatedAt"]),
        updated_at=from_text(row["UpdatedAt"]),
        state=State(row["State"]),
        reason=Reason(row["Reason"]) if row.get("Reason") else None,
        expires=date.fromisoformat(row["Expires"]) if row.get("Expires") else None,
        already_in_directory=row["AlreadyInDirectory"],
        already_member=row["AlreadyMember"],
        send_again=bool(row.get("SendAgain")),
        **optional,
    )


def to_text(time: datetime) -> str:
    """Sorts as time does, and comes back a plain datetime: the SDK reads the service's dates as a type of its own."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)
