"""Send the mail that a join request is due, once. Mails to strangers have a lane of their own before that of all
mail: however many ask, a welcome message does not wait for them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from shared.core.errors import Conflict, DirectoryBusy
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.mail.deliver import LANE, Post
from shared.mail.ports import Mail, Mailer
from shared.messages.commands import MailRequest
from shared.messages.outcomes import Later, Outcome
from shared.requests.dependencies import RequestDependencies
from shared.requests.model.requests import JoinRequest, RequestMail
from shared.requests.notify_deciders import NotifyDeciders

STRANGERS = "mails-to-strangers"
"""The lane of mails that anybody can cause."""
_PART = 3
"""They get one part of so many of the mail service's pace."""


@dataclass(frozen=True, slots=True)
class MailRequestStep:
    """Where no sender is set up any more, the mail is dropped, and can be asked for again."""

    tools: RequestDependencies
    tell: NotifyDeciders

    async def __call__(self, command: MailRequest) -> Outcome:
        """Take the mail as far as it goes now. Safe to repeat at any time."""
        stored = await self.tools.requests.read(command.group, command.request)
        if stored is None or stored.value.mail is None:
            return Outcome(note="no mail is due")
        if stored.value.mail is RequestMail.WAITING:
            return await self._tell(command, stored)
        if self.tools.mailer is None:
            await self._done(stored)
            return Outcome(note="no mail sender is set up")
        if (too_early := await self._lane(self.tools.mailer, command, stored.value.mail)) is not None:
            return too_early
        post = Post(self.tools.mailer, self.tools.clock, self.tools.timing)
        waits = await post(stored, command.attempt, save=self.tools.requests.save, write=self._mail, done=self._done)
        return self._later(command, *waits) if waits else Outcome()

    async def _lane(self, mailer: Mailer, command: MailRequest, mail: RequestMail) -> Outcome | None:
        """What to do where it is not yet the mail's turn."""
        now = self.tools.clock.now()
        if mail is RequestMail.PROOF and not command.turn and command.slot is None:
            slot = await self.tools.store.reserve(STRANGERS, mailer.pace.part(_PART), 1, now)
            if slot > now:
                # The sweeper must not take a long wait for a message that was lost: another would reserve again.
                look_at, later = slot + self.tools.timing.stall_timeout, replace(command, slot=slot)
                await self.tools.requests.open((command.group, command.request), look_at)
                return Outcome(later=Later(_next(later), slot, "the pace of mails to strangers"))
        # Of the lane of all mail only when its turn has come: what is reserved there keeps other mails waiting.
        if not command.turn:
            slot = await self.tools.store.reserve(LANE, mailer.pace, 1, now)
            if slot > now:
                later = replace(command, slot=slot, turn=True)
                return Outcome(later=Later(_next(later), slot, "the mail sender's pace"))
        return None

    async def _tell(self, command: MailRequest, stored: Versioned[JoinRequest]) -> Outcome:
        """Those who decide get a mail for all that waits, not one for each request."""
        try:
            await self.tell.note(stored.value)
        except DirectoryBusy as e:
            wait = busy_wait(command.attempt, e.retry_after, self.tools.clock.jitter())
            return self._later(command, self.tools.clock.now() + wait, str(e))
        with suppress(Conflict):  # Whoever wrote it has it looked at again.
            await self._done(stored)
        return Outcome()

    async def _done(self, stored: Versioned[JoinRequest]) -> None:
        ended = replace(stored.value, mail=None, mail_handle=None, mail_since=None, claimed_until=None, to_tell=())
        request = (await self.tools.requests.save(Versioned(ended, stored.version))).value
        if not request.is_open:
            await self.tools.requests.close((request.group, request.id))
        else:
            # Soon, and not when it expires: somebody may be deciding at this moment, and the sweeper tells.
            look_at = self.tools.clock.now() + self.tools.timing.stall_timeout
            await self.tools.requests.open((request.group, request.id), look_at)

    async def _mail(self, request: JoinRequest) -> Mail | None:
        """None where there is nothing to write any more. Nothing in it is a stranger's text, nor is the name beside
        the address: whoever asked may be another than the one who reads it."""
        key, to, language, text = request.mail_key, request.address.wire, request.language or "en", self.tools.text
        if request.mail is RequestMail.DECLINED:
            return text.declined(key=key, to=to, app=request.app_name, note=request.note, language=language)
        asked = request.unproven
        if asked is None:
            return None
        page = f"{self.tools.settings.public_url}/request/{request.group}/{request.id}?code={quote(asked.code)}"
        hours = round(self.tools.settings.proof_retention.total_seconds() / 3600)
        language = asked.language or "en"
        return text.proof(key=key, to=to, app=asked.app_name, link=page, hours=hours, language=language)

    def _later(self, command: MailRequest, when: datetime, why: str) -> Outcome:
        return Outcome(later=Later(_next(replace(command, slot=None, turn=False)), when, why))


def _next(command: MailRequest) -> MailRequest:
    return replace(command, attempt=command.attempt + 1)
