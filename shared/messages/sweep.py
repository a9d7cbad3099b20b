"""Send again what has stalled: work that stopped between a write and an enqueue, or whose message is lost.

Each thing that has not ended is looked at when its time has come. What is alive tells the sweeper a later time when
it sleeps, so what is found here is standing still; a command too many does no harm, as steps run twice safely.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.clock import Clock
from shared.messages.commands import Command
from shared.messages.ports import Outbox
from shared.storage.ports import OpenWork


@dataclass(frozen=True, slots=True)
class NextCheck:
    """What comes of looking at something whose time has come: commands that restart it, and when to look again; at
    None it is forgotten."""

    at: datetime | None
    commands: Sequence[Command] = ()


ENDED = NextCheck(None)


@dataclass(frozen=True, slots=True)
class Sweep[Id]:
    """Of one kind of work."""

    work: OpenWork[Id]
    look_at: Callable[[Id, datetime], Awaitable[NextCheck]]
    outbox: Outbox
    clock: Clock

    async def __call__(self) -> int:
        """Look at all whose time has come; gives how many commands were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for id_ in self.work.list_open(due_before=now):
            found = await self.look_at(id_, now)
            for command in found.commands:
                await self.outbox.send(command)
            sent += len(found.commands)
            if found.at is None:
                await self.work.close(id_)
            else:
                await self.work.open(id_, found.at)
        return sent
