"""When everything is looked at that may stand still."""

from dataclasses import dataclass
from datetime import datetime

from shared.core.clock import Clock
from shared.core.timing import Timing
from shared.diagnostics.ports import Heartbeats


@dataclass(frozen=True, slots=True)
class WholeSweeps:
    """When to look at everything that may stand still: seldom enough that an app at rest asks storage for little.

    The time is in storage, as the process of a timer may live for less than the time between two runs (Flex
    Consumption).
    """

    heartbeats: Heartbeats
    clock: Clock
    timing: Timing

    async def due(self) -> datetime | None:
        """The time for `note` where a whole sweep is due now, else None. Raises StorageBusy."""
        now, last = self.clock.now(), await self.heartbeats.read_whole_sweep()
        return now if last is None or now - last >= self.timing.whole_sweep else None

    async def note(self, begun: datetime) -> None:
        """The one that began then came to its end. Raises StorageBusy: then the next sweep is a whole one, too."""
        await self.heartbeats.note_whole_sweep(begun)
