"""Send the mail that a join request is due, once. Mails to strangers have a lane of their own before that of all
mail: however many ask, a welcome message does not wait for them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from shared.core.clock import Clock
from shared.core.errors import Conflict, DirectoryBusy
from shared.core.timing import Timing
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.invitations.ports import Store
from shared.mail.deliver import LANE
from shared.mail.ports import Mail, Mailer
from shared.messages.commands import MailRequest
from shared.messages.outcomes import Later, Outcome
from shared.requests.model.requests import JoinRequest, RequestMail
from shared.requests.model.settings import RequestSettings
from shared.requests.notify_deciders import NotifyDeciders
from shared.requests.ports import RequestStore, RequestText
from shared.requests.post import Post, Waits

STRANGERS = "mails-to-strangers"
"""The lane of mails that anybody can cause."""
_PART = 3
"""They get one part of so many of the mail service's pace."""


@dataclass(frozen=True, slots=True)
class MailRequestStep:
    """`mailer` is None where no sender is set up any more: the mail is dropped, and can be asked for again."""

    mailer: Mailer | None
    text: RequestText
    requests: RequestStore
    tell: NotifyDeciders
    store: Store
    clock: Clock
    timing: Timing
    settings: RequestSettings

    async def __call__(self, command: MailRequest) -> Outcome:
        """Take the mail as far as it goes now. Safe to repeat at any time."""
        stored = await self.requests.read(command.group, command.request)
        if stored is None or stored.value.mail is None:
            return Outcome(note="no mail is due")
        if stored.value.mail is RequestMail.WAITING:
            return await self._tell(command, stored)
        if self.mailer is None:
            await self._done(stored)
            return Outcome(note="no mail sender is set up")
        waits = await self._lane(self.mailer, command, stored.value.mail)
        if waits is not None:
            return waits
        post = Post(self.mailer, self.clock, self.timing)
        try:
            posted = await post.send(stored, command.attempt, self.requests.save, self._mail)
            if isinstance(posted, Waits):
                return self._later(command, posted.retry_at, posted.why)
            await self._done(posted.carrier)
        except Conflict:
            return self._later(command, self.clock.now(), "another delivery wrote first")
        return Outcome(note=posted.note)

    async def _lane(self, mailer: Mailer, command: MailRequest, mail: RequestMail) -> Outcome | None:
        """What to do where it is not yet the mail's turn."""
        now = self.clock.now()
        if mail is RequestMail.PROOF and not command.turn and command.slot is None:
            slot = await self.store.reserve(STRANGERS, mailer.pace.part(_PART), 1, now)
            if slot > now:
                # The sweeper must not take a long wait for a message that was lost: another would reserve again.
                await self.requests.open((command.group, command.request), slot + self.timing.stall_timeout)
                later = replace(command, slot=slot)
                return Outcome(later=Later(_next(later), slot, "the pace of mails to strangers"))
        # Of the lane of all mail only when its turn has come: what is reserved there keeps other mails waiting.
        if not command.turn:
            slot = await self.store.reserve(LANE, mailer.pace, 1, now)
            if slot > now:
                later = replace(command, slot=slot, turn=True)
                return Outcome(later=Later(_next(later), slot, "the mail sender's pace"))
        return None

    async def _tell(self, command: MailRequest, stored: Versioned[JoinRequest]) -> Outcome:
        """Those who decide get a mail for all that waits, not one for each request."""
        try:
            await self.tell.note(stored.value)
        except DirectoryBusy as e:
            wait = busy_wait(command.attempt, e.retry_after, self.clock.jitter())
            return self._later(command, self.clock.now() + wait, str(e))
        with suppress(Conflict):  # Whoever wrote it has it looked at again.
            await self._done(stored)
        return Outcome()

    async def _done(self, stored: Versioned[JoinRequest]) -> None:
        ended = replace(stored.value, mail=None, mail_handle=None, mail_since=None, claimed_until=None, to_tell=())
        request = (await self.requests.save(Versioned(ended, stored.version))).value
        if not request.is_open:
            await self.requests.close((request.group, request.id))
        else:
            # Soon, and not when it expires: somebody may be deciding at this moment, and the sweeper tells.
            await self.requests.open((request.group, request.id), self.clock.now() + self.timing.stall_timeout)

    async def _mail(self, request: JoinRequest) -> Mail | None:
        """None where there is nothing to write any more. Nothing in it is a stranger's text, nor is the name beside
        the address: whoever asked may be another than the one who reads it."""
        key, to, language = request.mail_key, request.address.wire, request.language or "en"
        if request.mail is RequestMail.DECLINED:
            return self.text.declined(key=key, to=to, app=request.app_name, note=request.note, language=language)
        asked = request.unproven
        if asked is None:
            return None
        page = f"{self.settings.public_url}/request/{request.group}/{request.id}?code={quote(asked.code)}"
        hours = round(self.settings.proof_retention.total_seconds() / 3600)
        language = asked.language or "en"
        return self.text.proof(key=key, to=to, app=asked.app_name, link=page, hours=hours, language=language)

    def _later(self, command: MailRequest, when: datetime, why: str) -> Outcome:
        return Outcome(later=Later(_next(replace(command, slot=None, turn=False)), when, why))


def _next(command: MailRequest) -> MailRequest:
    return replace(command, attempt=command.attempt + 1)
