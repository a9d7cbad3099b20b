"""What Guestlist did, as audits read it: one range of a group's partition, which the service filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from shared.core.ids import GroupId
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.rows.invitations import EXPIRY, INVITATION, from_row
from shared.invitations.rows.store import INVITATIONS
from shared.storage.records import to_text
from shared.storage.table import Table

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_ENDED = (State.MEMBER, State.MAILED, State.FAILED, State.UNDONE)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some invitations, the newest first, and where to go on (opaque; None at the end)."""

    invitations: Sequence[Invitation]
    continuation: str | None


class TableInvitationHistory:
    """All methods raise StorageBusy where storage does not take the operation."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, INVITATIONS)

    async def changed(
        self, group: GroupId, since: datetime | None, continuation: str | None, limit: int
    ) -> HistoryPage:
        """Invitations to a group that changed since a moment, or all of them; those under way are always among
        them."""
        condition = "PartitionKey eq @group and RowKey gt @first and RowKey lt @last"
        keys: dict[str, Any] = {"group": group, "first": continuation or INVITATION, "last": f"{INVITATION}~"}
        if since is not None:
            keys |= {"since": to_text(since), **{f"s{n}": state.value for n, state in enumerate(_ENDED)}}
            under_way = " and ".join(f"State ne @s{n} " for n in range(len(_ENDED)))
            condition += f" and ( UpdatedAt ge @since or ( {under_way} ) )"
        rows, more = await self._table.first(condition, keys, limit)
        return HistoryPage([from_row(row) for row in rows], str(rows[-1]["RowKey"]) if more else None)

    async def last_days_before(self, group: GroupId, day: date) -> dict[str, date]:
        """Last days of memberships that lie before a day, by the digest of the guest's address."""
        keys = {"group": group, "first": EXPIRY, "last": f"{EXPIRY}~", "day": day.isoformat()}
        rows = self._table.query(
            "PartitionKey eq @group and RowKey gt @first and RowKey lt @last and Expires lt @day", keys
        )
        return {str(r["RowKey"]).removeprefix(EXPIRY): date.fromisoformat(r["Expires"]) async for r in rows}
