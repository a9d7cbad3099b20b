"""What timer, queues and setup's own worker leave in storage, so that it shows whether they bring work forward."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.clock import Clock, Timing
from shared.diagnostics.ports import Heartbeats
from shared.messages.commands import RoundTrip
from shared.messages.outcomes import Outcome
from shared.messages.ports.outbox import Outbox

if TYPE_CHECKING:
    from shared.graph.app_directory import GraphAppDirectory


@dataclass(frozen=True, slots=True)
class WatchChain:
    """All methods raise StorageBusy, and are safe to repeat."""

    heartbeats: Heartbeats
    outbox: Outbox
    directory: "GraphAppDirectory"
    clock: Clock
    timing: Timing

    async def start_round_trip(self) -> None:
        """The sweeper's part: the timer came, and a message is on its way through a queue."""
        now = self.clock.now()
        await self.heartbeats.note_sweep(now)
        await self.outbox.send(RoundTrip(now))

    async def end_round_trip(self, command: RoundTrip) -> Outcome:
        """The queue's part: the message came back."""
        await self.heartbeats.note_return(command.sent_at, self.clock.now())
        return Outcome()

    async def report_setup_worker(self) -> None:
        """Setup's own worker writes down what its identity holds: no other process sees that identity's token. Raises
        DirectoryBusy as well, where there is no token."""
        await self.heartbeats.note_setup_worker(self.clock.now(), await self.directory.permissions())

    async def due(self) -> datetime | None:
        """The time for `note` where a whole sweep is due now, else None: seldom enough that an app at rest asks
        storage for little. The last time is in storage, as the process of a timer may live for less than the time
        between two runs (Flex Consumption)."""
        now, last = self.clock.now(), await self.heartbeats.read_whole_sweep()
        return now if last is None or now - last >= self.timing.whole_sweep else None

    async def note(self, begun: datetime) -> None:
        """The whole sweep that began then came to its end. Where this fails, the next sweep is a whole one, too."""
        await self.heartbeats.note_whole_sweep(begun)
