"""Set going again what stands still, and delete what was kept of people long enough."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict
from shared.messages.commands import SearchPersonalData
from shared.messages.ports.outbox import Outbox
from shared.people.model import SubjectRequestState

if TYPE_CHECKING:
    from shared.people.exports import BlobExports
    from shared.people.rows.cases import TableSubjectRequests


@dataclass(frozen=True, slots=True)
class SweepPeople:
    cases: "TableSubjectRequests"
    exports: "BlobExports"
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self) -> int:
        """Gives how many messages were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for stored in self.cases.list_due(now):
            with suppress(Conflict):  # Who wrote it meanwhile has it looked at again.
                if stored.value.state is SubjectRequestState.RUNNING:
                    await self.cases.save(stored, now + self.timing.stall_timeout)
                    await self.outbox.send(SearchPersonalData(stored.value.id))
                    sent += 1
                else:
                    await self.exports.delete(stored.value.id)
                    await self.cases.save(
                        replace(stored, value=replace(stored.value, state=SubjectRequestState.GONE)), None
                    )
        return sent
