"""Chunks that have not ended, for the sweeper: a table of its own, small enough to be read whole."""

from collections.abc import AsyncIterator
from datetime import datetime

from shared.adapters.tables.records import SCHEMA, from_text, to_text
from shared.adapters.tables.table import Table
from shared.domain.ids import ChunkId, GroupId
from shared.ports.store import OpenChunk


class OpenChunks:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def open(self, chunk: OpenChunk) -> None:
        await self._table.upsert(
            {
                "PartitionKey": _shard(chunk.chunk),
                "RowKey": _row_key(chunk.group, chunk.chunk),
                "SchemaVersion": SCHEMA,
                "Group": chunk.group,
                "Chunk": chunk.chunk,
                "LookAt": to_text(chunk.look_at),
            }
        )

    async def close(self, group: GroupId, chunk: ChunkId) -> None:
        await self._table.delete(_shard(chunk), _row_key(group, chunk))

    async def list(self, *, look_before: datetime) -> AsyncIterator[OpenChunk]:
        async for row in self._table.query("LookAt lt @before", {"before": to_text(look_before)}):
            yield OpenChunk(GroupId(row["Group"]), ChunkId(row["Chunk"]), from_text(row["LookAt"]))


def _row_key(group: GroupId, chunk: ChunkId) -> str:
    return f"{group}-{chunk}"


def _shard(chunk: ChunkId) -> str:
    """One of sixteen partitions, by a random digit: opening chunks is no hot spot."""
    return f"open-{chunk[-1]}"
