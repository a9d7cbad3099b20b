"""Send the mail that a join request is due, once: prepared, its handle written down, then dispatched."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from shared.domain.answers import Busy, Declined, Unknown
from shared.domain.commands import MailRequest
from shared.domain.errors import Conflict, DirectoryBusy, Refused
from shared.domain.outcomes import Later, Outcome
from shared.domain.request_settings import RequestSettings
from shared.domain.requests import JoinRequest, RequestMail, RequestState, with_mail
from shared.domain.timing import Timing
from shared.domain.waits import busy_wait, replication_wait
from shared.ports.clock import Clock
from shared.ports.mailer import DispatchAnswer, Dispatched, Mail, Mailer, PrepareAnswer, Prepared, RequestText
from shared.ports.request_store import RequestStore
from shared.ports.rosters import Rosters
from shared.ports.store import Store, Versioned
from shared.steps.claims import within
from shared.steps.mail_chunk import LANE

_SOON = timedelta(seconds=1)
_LATE = Unknown("no answer within the lease")


@dataclass(frozen=True, slots=True)
class MailRequestStep:
    """`mailer` is None where no sender is set up any more: the mail is dropped, and can be asked for again."""

    mailer: Mailer | None
    text: RequestText
    requests: RequestStore
    rosters: Rosters
    store: Store
    clock: Clock
    timing: Timing
    settings: RequestSettings

    async def __call__(self, command: MailRequest) -> Outcome:
        """Take the mail as far as it goes now. Safe to repeat at any time."""
        now = self.clock.now()
        stored = await self.requests.read(command.group, command.request)
        if stored is None or stored.value.mail is None:
            return Outcome(note="no mail is due")
        if stored.value.claimed_until is not None and stored.value.claimed_until > now:
            return self._later(command, stored.value.claimed_until, "another delivery is at work")
        if self.mailer is None:
            await self._done(stored)
            return Outcome(note="no mail sender is set up")
        slot = command.slot or await self.store.reserve(LANE, self.mailer.pace, 1, now)
        if slot > now:
            return self._later(replace(command, slot=slot), slot, "the mail sender's pace")
        try:
            return await self._send(self.mailer, replace(command, slot=None), stored, now)
        except DirectoryBusy as e:
            wait = busy_wait(command.attempt, e.retry_after, self.clock.jitter())
            return self._later(replace(command, slot=None), max(now + wait, now + self.timing.work_lease), str(e))
        except Conflict:
            return self._later(replace(command, slot=None), now + _SOON, "another delivery wrote first")

    async def _send(
        self, mailer: Mailer, command: MailRequest, stored: Versioned[JoinRequest], now: datetime
    ) -> Outcome:
        again = stored.value.mail_since is not None
        claim = now + self.timing.work_lease
        since = stored.value.mail_since or now
        # The intent, before anything that cannot be undone.
        stored = await self._write(stored, mail_since=since, claimed_until=claim)
        mail = await self._mail(stored.value)
        if mail is None:
            await self._done(stored)
            return Outcome(then=self._next(command, stored.value))
        if stored.value.mail_handle is None:
            late: list[PrepareAnswer] = [_LATE]
            [prepared] = await within(claim, self.clock, mailer.prepare([mail], again=again), late)
            if not isinstance(prepared, Prepared):
                return await self._failed(command, stored, prepared)
            stored = await self._write(stored, mail_handle=prepared.handle)
        unsent: list[DispatchAnswer] = [_LATE]
        dispatched = mailer.dispatch([(stored.value.mail_handle or "", mail)], again=again)
        [sent] = await within(claim, self.clock, dispatched, unsent)
        if not isinstance(sent, Dispatched):
            return await self._failed(command, stored, sent)
        await self._done(stored)
        return Outcome(then=self._next(command, stored.value))

    @staticmethod
    def _next(command: MailRequest, request: JoinRequest) -> tuple[MailRequest, ...]:
        """The mail to the next of those who decide."""
        is_due = request.mail is RequestMail.WAITING and len(request.to_tell) > 1
        return (MailRequest(command.group, command.request),) if is_due else ()

    async def _failed(
        self, command: MailRequest, stored: Versioned[JoinRequest], answer: PrepareAnswer | DispatchAnswer
    ) -> Outcome:
        now = self.clock.now()
        overdue = now > (stored.value.mail_since or now) + self.timing.join_window
        if isinstance(answer, Declined) or overdue:
            # Nobody can be told but the logs; asking again makes a new mail.
            await self._done(stored)
            return Outcome(note="the mail was refused")
        await self._write(stored, claimed_until=None)
        if isinstance(answer, Busy):
            wait = busy_wait(command.attempt, answer.retry_after, self.clock.jitter())
            return self._later(command, now + wait, "the mail service is busy")
        what = answer.what if isinstance(answer, Unknown) else "the mail service"
        return self._later(command, now + replication_wait(command.attempt), what)

    async def _done(self, stored: Versioned[JoinRequest]) -> None:
        left = stored.value.to_tell[1:] if stored.value.mail is RequestMail.WAITING else ()
        ended = replace(stored.value, mail=None, mail_handle=None, mail_since=None, claimed_until=None, to_tell=left)
        if left and ended.state is RequestState.PENDING:
            ended = with_mail(ended, RequestMail.WAITING, self.clock.now())
        request = (await self.requests.save(Versioned(ended, stored.version))).value
        if request.mail is not None:
            return
        if not request.is_open:
            await self.requests.close(request.group, request.id)
        else:
            # Soon, and not when it expires: somebody may be deciding at this moment, and the sweeper tells.
            await self.requests.open(request.group, request.id, self.clock.now() + self.timing.stillness)

    async def _write(self, stored: Versioned[JoinRequest], **changes: object) -> Versioned[JoinRequest]:
        changed = replace(stored.value, **changes)  # type: ignore[arg-type]
        return await self.requests.save(Versioned(changed, stored.version))

    async def _mail(self, request: JoinRequest) -> Mail | None:
        """None where there is nobody to write to."""
        key, to, name, app = request.mail_key, request.address.wire, request.display_name, request.app_name
        language = request.language or "en"
        if request.mail is RequestMail.WAITING:
            address = await self._address(request)
            if address is None:
                return None
            link = f"{self.settings.public_url}/portal/groups/{request.group}/requests"
            return self.text.waiting(key=key, to=address, to_name=None, app=app, link=link, language="en")
        if request.mail is RequestMail.DECLINED:
            return self.text.declined(key=key, to=to, to_name=name, app=app, note=request.note, language=language)
        page = f"{self.settings.public_url}/request/{request.group}/{request.id}?code={quote(request.code)}"
        hours = round(self.settings.proof_kept.total_seconds() / 3600)
        return self.text.proof(key=key, to=to, to_name=name, app=app, link=page, hours=hours, language=language)

    async def _address(self, request: JoinRequest) -> str | None:
        """Of whom is to be told next. Nobody, once the request is decided or where the directory refuses to say."""
        if request.state is not RequestState.PENDING or not request.to_tell:
            return None
        try:
            return await self.rosters.mail_address(request.to_tell[0])
        except Refused:
            return None

    def _later(self, command: MailRequest, when: datetime, why: str) -> Outcome:
        return Outcome(later=Later(replace(command, attempt=command.attempt + 1), when, why))
