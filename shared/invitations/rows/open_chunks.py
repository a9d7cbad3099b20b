"""Chunks that have not ended, for the sweeper."""

from typing import TYPE_CHECKING

from shared.core.ids import ChunkId, GroupId
from shared.storage.open_work import TableOpenWork

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

OPEN_CHUNKS = "OpenChunks"


def open_chunks(service: "TableServiceClient") -> TableOpenWork[tuple[GroupId, ChunkId]]:
    """A chunk is named by its group and its id."""
    return TableOpenWork(
        service, "chunk", old=OPEN_CHUNKS, read_old=lambda row: (GroupId(row["Group"]), ChunkId(row["Chunk"]))
    )
