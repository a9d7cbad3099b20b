"""Last days of memberships: rows of the group's partition, so that an invitation that names one writes it in its own
transaction. A row is the guest's, not the invitation's: owners renew it."""

from collections.abc import Iterable, Sequence
from datetime import date

from shared.core.ids import GroupId
from shared.invitations.model.invitations import Invitation
from shared.invitations.rows.invitations import EXPIRY, digest
from shared.storage.records import new_row
from shared.storage.table import Operation, Row, Table, upsert

_RANGE = "PartitionKey eq @group and RowKey ge @first and RowKey lt @last"


class Expiries:
    def __init__(self, table: Table) -> None:
        self._table = table

    @staticmethod
    def of(invitations: Iterable[Invitation]) -> list[Operation]:
        """The part of a transaction that sets the last days which invitations name."""
        return [upsert(_row(i.id.group, i.address.key, i.expires)) for i in invitations if i.expires is not None]

    async def read(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        """One range of the partition: guests with a last day are read whole, whichever are asked for."""
        wanted = {digest(key): key for key in address_keys}
        if not wanted:
            return {}
        # Keys are digests: those of a page of guests lie anywhere, but within their own bounds.
        keys = {"group": group, "first": f"{EXPIRY}{min(wanted)}", "last": f"{EXPIRY}{max(wanted)}~"}
        found: dict[str, date] = {}
        async for row in self._table.query(_RANGE, keys):
            key = wanted.get(str(row["RowKey"]).removeprefix(EXPIRY))
            if key is not None:
                found[key] = date.fromisoformat(row["Expires"])
        return found

    async def write(self, group: GroupId, address_key: str, expires: date | None) -> None:
        if expires is None:
            await self._table.delete(group, f"{EXPIRY}{digest(address_key)}")
        else:
            await self._table.upsert(_row(group, address_key, expires))


def _row(group: GroupId, address_key: str, expires: date) -> Row:
    return new_row(group, f"{EXPIRY}{digest(address_key)}", Expires=expires.isoformat())
