"""Whether storage answers, and whether timer and queues bring work forward."""

from datetime import datetime
from typing import Protocol

from shared.diagnostics.model import Chain


class Heartbeats(Protocol):
    """Methods raise StorageBusy where storage does not answer, and another GuestlistError where it refuses the
    identity."""

    async def read(self) -> Chain:
        """Read what the last sweep and the last round trip left, and look at one queue. Changes nothing."""

    async def note_sweep(self, at: datetime) -> None:
        """Write down that the timer came."""

    async def read_whole_sweep(self) -> datetime | None:
        """When the last whole sweep began that came to its end; None where there was none."""

    async def note_whole_sweep(self, begun: datetime) -> None:
        """Write down that one came to its end."""

    async def note_setup_worker(self, at: datetime, holds: frozenset[str]) -> None:
        """Write down that setup's own worker came, and which permissions its identity holds."""

    async def note_return(self, sent_at: datetime, arrived_at: datetime) -> None:
        """Write down that a message of the sweeper came back through its queue; an older one than the last that did
        changes nothing."""
