"""Idempotency keys: rows of the group's partition, so that a key is completed in the chunk's own transaction."""

from datetime import datetime, timedelta

from shared.adapters.tables.rows import KEY, SCHEMA, from_text, to_text
from shared.adapters.tables.table import Operation, Row, Table, insert, replace, version_of
from shared.domain.errors import Conflict
from shared.domain.ids import GroupId, InvitationId
from shared.ports.store import KeyAnswer, KeyClaim, KeyInFlight, KeyReplay, KeyReused


class IdempotencyKeys:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def claim(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyAnswer:
        row: Row = {
            "PartitionKey": group,
            "RowKey": f"{KEY}{digest}",
            "SchemaVersion": SCHEMA,
            "BodyDigest": body_digest,
            "LeaseUntil": to_text(now + lease),
            "CreatedAt": to_text(now),
        }
        try:
            # Claim first and read only where that fails: a new key costs one operation.
            [version] = await self._table.write([insert(row)])
        except Conflict:
            pass
        else:
            return KeyClaim(group, digest, body_digest, version)
        found = await self._table.get(group, row["RowKey"])
        if found is None:
            return KeyInFlight()
        if from_text(found["CreatedAt"]) + kept > now:
            same = found["BodyDigest"] == body_digest
            if invitation := found.get("InvitationId"):
                return KeyReplay(InvitationId.parse(invitation)) if same else KeyReused()
            if from_text(found["LeaseUntil"]) > now:
                return KeyInFlight() if same else KeyReused()
        try:
            [version] = await self._table.write([replace(row, version_of(found))])
        except Conflict:
            return KeyInFlight()
        return KeyClaim(group, digest, body_digest, version)

    async def release(self, claim: KeyClaim) -> None:
        # Guarded by the version: a key that was completed or taken over meanwhile is not ours to give back.
        await self._table.delete(claim.group, f"{KEY}{claim.digest}", claim.version)

    @staticmethod
    def completed(claim: KeyClaim, invitation: InvitationId, now: datetime) -> Operation:
        """The part of a transaction that ends a claim with what came of it."""
        row: Row = {
            "PartitionKey": claim.group,
            "RowKey": f"{KEY}{claim.digest}",
            "SchemaVersion": SCHEMA,
            "BodyDigest": claim.body_digest,
            "LeaseUntil": to_text(now),
            "CreatedAt": to_text(now),
            "InvitationId": str(invitation),
        }
        return replace(row, claim.version)
