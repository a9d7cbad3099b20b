"""Counters of imports: rows of the group's partition, written in the transaction of the records they count.

Each process has rows of its own, so that nobody waits for anybody else's; a reader adds them up. A process keeps
what it last wrote and never reads: a row whose write ended in doubt is not written again, and counts as it stands.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from shared.core.ids import GroupId, ImportId
from shared.invitations.model.counters import Reading, added
from shared.invitations.rows.invitations import COUNTER
from shared.storage.records import from_text, new_row, to_text
from shared.storage.table import Operation, Table, put

_RANGE = "PartitionKey eq @group and RowKey ge @first and RowKey lt @last"


@dataclass(slots=True)
class _Row:
    """A row of this process, as it was last written."""

    key: str
    counts: dict[str, int] = field(default_factory=dict)
    version: str | None = None


class ImportCounters:
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
