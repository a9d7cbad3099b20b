"""Chunks of invitations that stand still."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.clock import Timing
from shared.core.ids import ChunkId, GroupId
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Store
from shared.messages.commands import Command, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.messages.sweep import ENDED, NextCheck


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
