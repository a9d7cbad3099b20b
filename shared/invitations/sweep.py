"""Chunks of invitations that have stalled are sent again; whose message ended on a poison queue, is tried some
more, and then the invitations say so.

The host counts deliveries, not errors: one whose process was killed (a new version, a scale-in) counts like one
that failed. So a message is sent again a few times, later each time, before its guests are given up.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from shared.core.clock import Clock, Timing
from shared.core.ids import ChunkId, GroupId
from shared.core.reasons import Reason
from shared.core.versions import retry_on_conflict
from shared.core.waits import busy_wait
from shared.invitations.chunk_rows import ChunkRows
from shared.invitations.model.invitations import Invitation, State, failed
from shared.invitations.ports import Store
from shared.messages.commands import ChunkCommand, Command, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.messages.ports import Outbox
from shared.messages.sweep import ENDED, NextCheck

log = logging.getLogger("guestlist")

REDRIVES = 4
"""How often a message is sent again. With five deliveries each time, 25 fail before anybody is given up."""


class _Part(NamedTuple):
    """What is done with the guests of a chunk: the states that it works on, and the command that begins with it, of
    an import's chunk the last one."""

    doing: str
    states: tuple[State, ...]
    commands: tuple[type[ChunkCommand], ...]


_PARTS = (
    _Part("inviting", (State.ACCEPTED, State.INVITING, State.PARKED), (InviteChunk, ImportChunk)),
    _Part("adding to the group", (State.INVITED, State.JOINING), (JoinChunk,)),
    _Part("sending the mail", (State.MEMBER, State.MAILING), (MailChunk,)),
)
"""In this order. Those that follow the one that a command begins with are done in the same delivery."""


@dataclass(frozen=True, slots=True)
class CheckChunk:
    store: Store
    timing: Timing

    async def __call__(self, id_: tuple[GroupId, ChunkId], now: datetime) -> NextCheck:
        """A chunk of invitations that are no import's."""
        rows = [r.value for r in await self.store.read_chunk(*id_)]
        # No rows: the request died before it wrote them, and its caller was never told 202.
        if all(row.is_final for row in rows):
            return ENDED
        return NextCheck(now + self.timing.stall_timeout, what_waits(*id_, rows))


def what_waits(group: GroupId, chunk: ChunkId, rows: Sequence[Invitation]) -> list[Command]:
    """What the open invitations of a chunk wait for, one command a queue."""
    wanted = dict.fromkeys(_waits_for(row) for row in rows if not row.is_final)
    return [command(group, chunk) for command in wanted]


def _waits_for(invitation: Invitation) -> type[ChunkCommand]:
    commands = next(part.commands for part in _PARTS if invitation.state in part.states)
    return commands[0] if invitation.import_id is None else commands[-1]


@dataclass(frozen=True, slots=True)
class GiveUp:
    store: Store
    outbox: Outbox
    clock: Clock

    @retry_on_conflict("the chunk")
    async def __call__(self, command: ChunkCommand) -> int | None:
        """Send the command again (None), or mark what it left undone as failed; gives how many invitations that were.

        Guests who are members stay members, without the mail. Safe to repeat.
        """
        first = next(n for n, part in enumerate(_PARTS) if type(command) in part.commands)
        if command.redrives < REDRIVES:
            again = replace(command, redrives=command.redrives + 1, slot=None)
            wait = busy_wait(command.redrives, None, self.clock.jitter())
            await self.outbox.send(again, not_before=self.clock.now() + wait)
            what = "%s for chunk %s stopped in every delivery; it is tried again"
            log.warning(what, _PARTS[first].doing, command.chunk)
            return None
        now = self.clock.now()
        chunk = await ChunkRows.read(self.store, command)
        undone = []
        for part in _PARTS[first:]:
            said = f"The step '{part.doing}' stopped with an error in every delivery"
            what = f"{said}; the logs name it by chunk {command.chunk}"
            left = [i for i in chunk.in_state(*part.states) if not i.is_final]
            undone += [failed(i, Reason.GAVE_UP, what, now) for i in left]
        await chunk.write(undone)
        if chunk.rows and chunk.all_final:
            await self.store.open_chunks.close((command.group, command.chunk))
        log.error("gave up %s %d guests of chunk %s", _PARTS[first].doing, len(undone), command.chunk)
        return len(undone)
