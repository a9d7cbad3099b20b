"""A message ended on a poison queue: try some more, then say so on the invitations it was to bring forward.

The host counts deliveries, not errors: one whose process was killed (a new version, a scale-in) counts like one
that failed. So a message is sent again a few times, later each time, before its guests are given up.
"""

import logging
from dataclasses import dataclass, replace

from shared.core.clock import Clock
from shared.core.reasons import Reason
from shared.core.versions import retry_on_conflict
from shared.core.waits import busy_wait
from shared.invitations.chunk_rows import ChunkRows
from shared.invitations.model.invitations import State, failed
from shared.invitations.ports import Store
from shared.messages.commands import ChunkCommand, ImportChunk, InviteChunk, JoinChunk, MailChunk
from shared.messages.ports.outbox import Outbox

log = logging.getLogger("guestlist")

_PARTS = {
    "inviting": (State.ACCEPTED, State.INVITING, State.PARKED),
    "adding to the group": (State.INVITED, State.JOINING),
    "sending the mail": (State.MEMBER, State.MAILING),
}
"""What is done with the guests of a chunk, in this order, and the states that it works on."""
_BEGINS_WITH: dict[type[ChunkCommand], str] = {
    InviteChunk: "inviting",
    ImportChunk: "inviting",
    JoinChunk: "adding to the group",
    MailChunk: "sending the mail",
}
"""The part that each command begins with. Those that follow it are done in the same delivery."""
REDRIVES = 4
"""How often a message is sent again. With five deliveries each time, 25 fail before anybody is given up."""


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
        begins_with = _BEGINS_WITH[type(command)]
        if command.redrives < REDRIVES:
            again = replace(command, redrives=command.redrives + 1, slot=None)
            wait = busy_wait(command.redrives, None, self.clock.jitter())
            await self.outbox.send(again, not_before=self.clock.now() + wait)
            log.warning("%s for chunk %s stopped in every delivery; it is tried again", begins_with, command.chunk)
            return None
        now = self.clock.now()
        chunk = await ChunkRows.read(self.store, command)
        parts = list(_PARTS)
        undone = []
        for doing in parts[parts.index(begins_with) :]:
            said = f"The step '{doing}' stopped with an error in every delivery"
            what = f"{said}; the logs name it by chunk {command.chunk}"
            left = [i for i in chunk.in_state(*_PARTS[doing]) if not i.is_final]
            undone += [failed(i, Reason.GAVE_UP, what, now) for i in left]
        await chunk.write(undone)
        if chunk.rows and chunk.all_final:
            await self.store.open_chunks.close((command.group, command.chunk))
        log.error("gave up %s %d guests of chunk %s", begins_with, len(undone), command.chunk)
        return len(undone)
