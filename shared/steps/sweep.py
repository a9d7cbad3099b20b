"""Set going again what stands still: work that stopped between a write and an enqueue, or whose message is lost.

Each thing that has not ended is looked at when its time has come. What is alive tells the sweeper a later time when
it sleeps, so what is found here is standing still; a command too many does no harm, as steps run twice safely.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.commands import Command, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.domain.ids import ChunkId, GroupId
from shared.domain.invitations import Invitation, State
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.open_work import OpenWork
from shared.ports.outbox import Outbox
from shared.ports.pulse import Pulse
from shared.ports.store import Store


@dataclass(frozen=True, slots=True)
class LookAgain:
    """What comes of looking at something whose time has come: commands that set it going, and when to look again; at
    None it is forgotten."""

    at: datetime | None
    commands: Sequence[Command] = ()


ENDED = LookAgain(None)


@dataclass(frozen=True, slots=True)
class Sweep[Id]:
    """Of one kind of work."""

    work: OpenWork[Id]
    look_at: Callable[[Id, datetime], Awaitable[LookAgain]]
    outbox: Outbox
    clock: Clock

    async def __call__(self) -> int:
        """Look at all whose time has come; gives how many commands were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for id_ in self.work.list_open(look_before=now):
            found = await self.look_at(id_, now)
            for command in found.commands:
                await self.outbox.send(command)
            sent += len(found.commands)
            if found.at is None:
                await self.work.close(id_)
            else:
                await self.work.open(id_, found.at)
        return sent


@dataclass(frozen=True, slots=True)
class LookAtChunk:
    store: Store
    timing: Timing

    async def __call__(self, id_: tuple[GroupId, ChunkId], now: datetime) -> LookAgain:
        """A chunk of invitations that are no import's."""
        rows = [r.value for r in await self.store.read_chunk(*id_)]
        # No rows: the request died before it wrote them, and its caller was never told 202.
        if all(row.is_final for row in rows):
            return ENDED
        return LookAgain(now + self.timing.stillness, what_waits(*id_, rows))


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
