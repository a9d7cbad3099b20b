"""A message ended on a poison queue: say so on the invitations it was to bring forward."""

from dataclasses import dataclass

from shared.domain.commands import ChunkWork, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.domain.errors import Conflict, StorageBusy
from shared.domain.invitations import State, failed
from shared.domain.reasons import Reason
from shared.ports.clock import Clock
from shared.ports.store import Store
from shared.steps.chunk_rows import ChunkRows

STATES_OF: dict[type, tuple[State, ...]] = {
    InviteChunk: (State.ACCEPTED, State.INVITING, State.PARKED),
    ImportChunk: (State.ACCEPTED, State.INVITING, State.PARKED),
    JoinChunk: (State.INVITED, State.JOINING),
    MailChunk: (State.MEMBER, State.MAILING),
}
"""The states that each command works on."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    store: Store
    clock: Clock

    async def __call__(self, command: ChunkWork, what_happened: str) -> int:
        """Mark what the command left undone as failed; gives how many invitations that were.

        Guests who are members stay members, without the mail. Safe to repeat.
        """
        for _ in range(5):
            now = self.clock.now()
            chunk = await ChunkRows.read(self.store, command)
            undone = [i for i in chunk.in_state(*STATES_OF[type(command)]) if not i.is_final]
            try:
                await chunk.write([failed(i, Reason.GAVE_UP, what_happened, now) for i in undone])
            except Conflict:
                continue
            if chunk.rows and chunk.all_final:
                await self.store.close_chunk(command.group, command.chunk)
            return len(undone)
        raise StorageBusy("other deliveries kept changing the chunk")
