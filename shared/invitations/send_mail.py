"""Send Guestlist's own mail, with the welcome message, to the members of a chunk who are due one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.clock import Clock, Timing
from shared.core.errors import Conflict
from shared.core.reasons import Reason
from shared.core.results import Busy
from shared.invitations.chunk_rows import CLAIMED, ChunkRows
from shared.invitations.model.invitations import Invitation, State, advance, failed
from shared.invitations.ports import MailText, Store
from shared.mail.deliver import LANE, SOON, WROTE_FIRST, DeliverMail, Outgoing
from shared.mail.ports import Dispatched, Mailer
from shared.messages.commands import MailChunk
from shared.messages.outcomes import Later


@dataclass(frozen=True, slots=True)
class MailGuests:
    """`mailer` is None where no sender is set up (any more): the guests stay members, without the mail."""

    mailer: Mailer | None
    text: MailText
    store: Store
    clock: Clock
    timing: Timing

    async def __call__(self, command: MailChunk, chunk: ChunkRows) -> Later | None:
        """Mail those of the chunk who are due a mail, as many as go now; gives when to come back for the rest."""
        now = self.clock.now()
        due = [i for i in chunk.in_state(State.MEMBER, State.MAILING) if not i.is_final]
        free = [i for i in due if not i.is_claimed(now)]
        waits = [(i.claimed_until or now, CLAIMED) for i in due if i.is_claimed(now)]
        slot = None
        if free and self.mailer is None:
            await chunk.write([failed(i, Reason.MAIL_NOT_SENT, "No mail sender is set up", now) for i in free])
        elif free and self.mailer is not None:
            free = free[: self.mailer.pace.burst]
            slot = command.slot or await self.store.reserve(LANE, self.mailer.pace, len(free), now)
            if slot > now:
                waits.append((slot, "the mail sender's pace"))
            else:
                waits += await self._send(self.mailer, command, chunk, free)
        if not waits and any(not i.is_final for i in chunk.in_state(State.MEMBER, State.MAILING)):
            waits.append((now + SOON, "more mails than go at once"))
        if not waits:
            return None
        kept = slot if slot is not None and slot > now else None
        return Later(replace(command, slot=kept).again(), *max(waits))

    async def _send(
        self, mailer: Mailer, command: MailChunk, chunk: ChunkRows, free: list[Invitation]
    ) -> list[tuple[datetime, str]]:
        now = self.clock.now()
        until = now + self.timing.work_lease
        again = {i.id.position for i in free if i.state is State.MAILING}
        try:
            await chunk.write(
                [
                    advance(i, State.MAILING, now, claimed_until=until, effect_since=i.effect_since or now)
                    for i in free
                ]
            )
        except Conflict:
            return [(now + SOON, WROTE_FIRST)]

        async def keep(handles: Mapping[int, str]) -> dict[int, str]:
            def kept(i: Invitation) -> Invitation:
                return advance(i, State.MAILING, now, claimed_until=until, mail_handle=handles[i.id.position])

            await chunk.settle(handles, State.MAILING, kept)
            mine = [i for i in chunk.in_state(State.MAILING) if i.id.position in mails and i.is_claimed(now)]
            return {i.id.position: i.mail_handle for i in mine if i.mail_handle}

        mails = {p: Outgoing(self.text.welcome(i), i.mail_handle, p in again) for i in free for p in (i.id.position,)}
        deliver = DeliverMail(mailer, self.clock, self.timing)
        answers = await deliver(mails, until, keep)

        def settled(i: Invitation) -> Invitation:
            now, answer = self.clock.now(), answers[i.id.position]
            if isinstance(answer, Dispatched):
                return advance(i, State.MAILED, now, effect_since=None)
            why = deliver.gives_up(answer, i.effect_since or now)
            not_before = answer.until(now) if isinstance(answer, Busy) else None
            if why is None:
                return advance(i, State.MAILING, now, claimed_until=not_before)
            return failed(i, Reason.MAIL_NOT_SENT, why, now)

        await chunk.settle(answers, State.MAILING, settled)
        left = {i.id.position for i in chunk.in_state(State.MAILING)} & mails.keys()
        return [deliver.wait(answers.get(p), command.attempt) for p in left]
