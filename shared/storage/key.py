"""The key of an installation: made once, and kept in its storage.

Guests' addresses are hashed with it in logs: whoever has it can find one person's lines, and cannot read an address
out of them. Other purposes have keys of their own, derived from it. Deleting the row makes a new key: logs of
processes that start from then on have other hashes, and what was sealed before is not known any more.
"""

import hashlib
import hmac
import secrets

from azure.data.tables.aio import TableServiceClient

from shared.core.errors import Conflict, StorageBusy
from shared.storage.records import new_row
from shared.storage.table import Table, insert

TENANT = "Tenant"
"""The table of what there is once for the tenant."""
_ROW = ("tenant", "log-key")
_BYTES = 32


class TableKey:
    """All methods raise StorageBusy where storage did not answer."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = Table(service, TENANT)

    async def of_logs(self) -> bytes:
        """The key itself; made by the first that asks. Of two that make one at once, one wins and both get its
        key."""
        if (there := await self._table.get(*_ROW)) is None:
            made = new_row(*_ROW, Key=secrets.token_hex(_BYTES))
            try:
                await self._table.write([insert(made)])
                return bytes.fromhex(str(made["Key"]))
            except Conflict:
                there = await self._table.get(*_ROW)
        if there is None:
            raise StorageBusy("the installation's key was deleted at this moment")
        return bytes.fromhex(str(there["Key"]))

    async def of_continuations(self) -> bytes:
        """For sealing what callers carry from one page to the next."""
        # No address: in logs nothing else is hashed with the key.
        return hmac.new(await self.of_logs(), b"continuations", hashlib.sha256).digest()
