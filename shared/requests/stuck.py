"""Join requests that were approved and stand still: found, and sent again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from shared.core.stuck import StuckWork
from shared.messages.commands import FulfilRequest
from shared.messages.ports.outbox import Outbox
from shared.requests.ports import RequestStore


@dataclass(frozen=True, slots=True)
class FindStuckRequests:
    requests: RequestStore
    outbox: Outbox

    async def __call__(self, due_before: datetime, since: datetime) -> AsyncIterator[StuckWork]:
        """As `shared.core.stuck.FindStuck`."""
        async for group, request_id in self.requests.list_open(due_before=due_before):
            stored = await self.requests.read(group, request_id)
            if stored is None or not stored.value.is_unfulfilled or stored.value.updated_at >= since:
                continue
            request = stored.value
            await self.outbox.send(FulfilRequest(group, request_id))
            yield StuckWork(
                what="Join request",
                key=request_id,
                name=request.display_name or request.address.text,
                state=request.state.value,
                since=request.updated_at,
                group=group,
                address=request.address.wire,
            )
