"""Set going again what stands still: work that stopped between a write and an enqueue, or whose message is lost.

Each open chunk is looked at when its time has come. A chunk that is alive tells the sweeper a later time when
it sleeps, so what is found here is standing still; a command too many does no harm, as steps run twice safely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.commands import Command, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.domain.ids import ChunkId, GroupId
from shared.domain.invitations import Invitation, State
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.outbox import Outbox
from shared.ports.pulse import Pulse
from shared.ports.store import OpenChunk, Store


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, in chunks."""

    looked_at: int
    set_going: int
    closed: int


@dataclass(frozen=True, slots=True)
class Sweep:
    store: Store
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self) -> Swept:
        """Look at every chunk whose time has come. Safe to repeat."""
        now = self.clock.now()
        looked_at = set_going = closed = 0
        async for chunk in self.store.list_open(look_before=now):
            looked_at += 1
            rows = [r.value for r in await self.store.read_chunk(chunk.group, chunk.chunk)]
            # No rows: the request died before it wrote them, and its caller was never told 202.
            if all(row.is_final for row in rows):
                await self.store.close_chunk(chunk.group, chunk.chunk)
                closed += 1
                continue
            commands = what_waits(chunk.group, chunk.chunk, rows)
            for command in commands:
                await self.outbox.send(command)
            set_going += 1
            await self.store.open_chunk(OpenChunk(chunk.group, chunk.chunk, now + self.timing.stillness))
        return Swept(looked_at, set_going, closed)


@dataclass(frozen=True, slots=True)
class WholeSweeps:
    """When to look at everything that may stand still: seldom enough that an app at rest asks storage for little.

    The time is in storage, as the process of a timer may live for less than the time between two runs (Flex
    Consumption).
    """

    pulse: Pulse
    clock: Clock
    timing: Timing

    async def due(self) -> datetime | None:
        """The time for `note` where a whole sweep is due now, else None. Raises StorageBusy."""
        now, last = self.clock.now(), await self.pulse.read_whole_sweep()
        return now if last is None or now - last >= self.timing.whole_sweep else None

    async def note(self, begun: datetime) -> None:
        """The one that began then came to its end. Raises StorageBusy: then the next sweep is a whole one, too."""
        await self.pulse.note_whole_sweep(begun)


def what_waits(group: GroupId, chunk: ChunkId, rows: Sequence[Invitation]) -> list[Command]:
    """What the open invitations of a chunk wait for, one command a queue."""
    wanted: dict[type, Command] = {}
    for row in rows:
        if row.is_final:
            continue
        match row.state:
            case State.ACCEPTED | State.INVITING | State.PARKED if row.import_id is not None:
                wanted.setdefault(ImportChunk, ImportChunk(group, chunk))
            case State.ACCEPTED | State.INVITING | State.PARKED:
                wanted.setdefault(InviteChunk, InviteChunk(group, chunk))
            case State.INVITED | State.JOINING:
                wanted.setdefault(JoinChunk, JoinChunk(group, chunk))
            case _:
                wanted.setdefault(MailChunk, MailChunk(group, chunk))
    return list(wanted.values())
