"""A message ended on a poison queue: try some more, then say so on the invitations it was to bring forward.

The host counts deliveries, not errors: one whose process was killed (a new version, a scale-in) counts like one
that failed. So a message is set going again a few times, later each time, before its guests are given up.
"""

from dataclasses import dataclass, replace

from shared.domain.commands import ChunkWork, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.domain.invitations import State, failed
from shared.domain.reasons import Reason
from shared.domain.waits import busy_wait
from shared.ports.clock import Clock
from shared.ports.conflicts import retry_on_conflict
from shared.ports.outbox import Outbox
from shared.ports.store import Store
from shared.steps.chunk_rows import ChunkRows

STATES_OF: dict[type, tuple[State, ...]] = {
    InviteChunk: (State.ACCEPTED, State.INVITING, State.PARKED),
    ImportChunk: (State.ACCEPTED, State.INVITING, State.PARKED),
    JoinChunk: (State.INVITED, State.JOINING),
    MailChunk: (State.MEMBER, State.MAILING),
}
"""The states that each command works on."""
REVIVALS = 4
"""How often a message is set going again. With five deliveries each time, 25 fail before anybody is given up."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    store: Store
    outbox: Outbox
    clock: Clock

    @retry_on_conflict("the chunk")
    async def __call__(self, command: ChunkWork, what_happened: str) -> int | None:
        """Set the command going again (None), or mark what it left undone as failed; gives how many invitations that
        were.

        Guests who are members stay members, without the mail. Safe to repeat.
        """
        if command.revived < REVIVALS:
            again = replace(command, revived=command.revived + 1, slot=None)
            wait = busy_wait(command.revived, None, self.clock.jitter())
            await self.outbox.send(again, not_before=self.clock.now() + wait)
            return None
        now = self.clock.now()
        chunk = await ChunkRows.read(self.store, command)
        undone = [i for i in chunk.in_state(*STATES_OF[type(command)]) if not i.is_final]
        await chunk.write([failed(i, Reason.GAVE_UP, what_happened, now) for i in undone])
        if chunk.rows and chunk.all_final:
            await self.store.open_chunks.close((command.group, command.chunk))
        return len(undone)
