"""The key that guests' addresses are hashed with in logs: made once for an installation, and kept in its storage.

Whoever has it can find one person's lines, and cannot read an address out of them. Deleting the row makes a new key:
processes that start from then on write other hashes.
"""

import secrets
from typing import TYPE_CHECKING

from shared.adapters.tables.rows import SCHEMA
from shared.adapters.tables.store import TENANT
from shared.adapters.tables.table import Row, Table, insert
from shared.domain.errors import Conflict, StorageBusy

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_ROW = ("tenant", "log-key")
_BYTES = 32


class TableLogKey:
    def __init__(self, service: "TableServiceClient") -> None:
        self._table = Table(service, TENANT)

    async def __call__(self) -> bytes:
        """The key; made by the first that asks. Of two that make one at once, one wins and both get its key.

        Raises:
            StorageBusy: storage did not answer.
        """
        if (there := await self._table.get(*_ROW)) is None:
            made: Row = {
                "PartitionKey": _ROW[0],
                "RowKey": _ROW[1],
                "SchemaVersion": SCHEMA,
                "Key": secrets.token_hex(_BYTES),
            }
            try:
                await self._table.write([insert(made)])
                return bytes.fromhex(str(made["Key"]))
            except Conflict:
                there = await self._table.get(*_ROW)
        if there is None:
            raise StorageBusy("the key of the logs was deleted at this moment")
        return bytes.fromhex(str(there["Key"]))
