"""Idempotency keys: rows of the group's partition, so that a key is completed in the chunk's own transaction."""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, InvitationId
from shared.core.reasons import Reason
from shared.invitations.ports import KeyClaim
from shared.invitations.rows.invitations import KEY
from shared.storage.records import from_text, new_row, to_text
from shared.storage.table import Operation, Row, Table, insert, replace, version_of

if TYPE_CHECKING:
    from azure.data.tables import TableEntity


class IdempotencyKeys:
    """The part of the store that keeps them."""

    _invitations: Table

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

    async def _take(self, operation: Operation, row: Row) -> "tuple[str | None, TableEntity | None]":
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


def completed(claim: KeyClaim, invitation: InvitationId, now: datetime) -> Operation:
    """The part of a transaction that ends a claim with what came of it."""
    done = {"BodyDigest": claim.body_digest, "InvitationId": str(invitation)}
    times = {"LeaseUntil": to_text(now), "CreatedAt": to_text(now)}
    return replace(new_row(claim.group, f"{KEY}{claim.digest}", **done, **times), claim.version)


def _completed_with(there: "TableEntity", body_digest: str, now: datetime, kept: timedelta) -> InvitationId | None:
    """What came of a key that is there; None where it may be claimed anew. Raises Refused."""
    invitation: str | None = there.get("InvitationId")
    is_given_up = invitation is None and from_text(there["LeaseUntil"]) <= now
    if is_given_up or from_text(there["CreatedAt"]) + kept <= now:
        return None
    if there["BodyDigest"] != body_digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    if invitation is None:
        raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
    return InvitationId.parse(invitation)
