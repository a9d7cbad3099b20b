"""Send the mail that a join request is due, once. Mails to strangers have a lane of their own before that of all
mail: however many ask, a welcome message does not wait for them.

Those who decide are told that requests wait: the first at once, then one mail in a while for all groups. How many ask
says nothing of how many mails somebody gets who decides, nor does the number of their groups.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from shared.core.errors import Conflict, DirectoryBusy, Refused, StorageBusy
from shared.core.ids import GroupId, UserId
from shared.core.versions import Versioned, retry_on_conflict
from shared.mail.deliver import LANE, Post
from shared.mail.ports import Mail, Mailer
from shared.messages.commands import MailDigest, MailRequest
from shared.messages.outcomes import Outcome, later, later_when_free
from shared.requests.model import Digest, JoinRequest, RequestMail, RequestState, begun, ended, noted
from shared.requests.ports import RequestDependencies, Waiting

MAX_NOTIFIED = 5
"""Of those who decide, so many get a mail that a request waits: all of them see it in the list."""
_MAX_COUNTED = 100


@dataclass(frozen=True, slots=True)
class NotifyDeciders:
    """Where no sender is set up any more, nobody is told, and all see it in the list."""

    tools: RequestDependencies

    async def note(self, request: JoinRequest) -> None:
        """Remember for everybody who decides that a request waits. Safe to repeat. Raises DirectoryBusy where it is
        not known now who owns the group."""
        if request.state is not RequestState.PENDING:
            return
        for decider in await self._deciders(request.group):
            await self._note(decider, request.group)

    async def __call__(self, command: MailDigest) -> Outcome:
        """Send the mail where it is due. Safe to repeat at any time."""
        now = self.tools.clock.now()
        stored = await self.tools.requests.read_digest(command.decider)
        if stored is None or stored.value.due_at is None:
            return Outcome(note="nothing is to be told")
        if stored.value.due_at > now:
            return later(command, stored.value.due_at, "the last mail was a moment ago")
        if self.tools.mailer is None:
            await self.tools.requests.forget_digest(stored)
            return Outcome(note="no mail sender is set up")
        if command.slot is None:
            slot = await self.tools.store.reserve(LANE, self.tools.mailer.pace, 1, now)
            if slot > now:
                return later(replace(command, slot=slot), slot, "the mail sender's pace")
        begin = replace(stored, value=begun(stored.value, now))
        post = Post(self.tools.mailer, self.tools.clock, self.tools.timing)
        waits = await post(begin, command.attempt, save=self._save, write=self._mail, done=self._done)
        return later(replace(command, slot=None), *waits) if waits else Outcome()

    async def sweep(self, now: datetime) -> int:
        """Send what has stalled, and forget what was told long ago; gives how many messages were sent."""
        sent = 0
        async for decider in self.tools.requests.list_digests(due_before=now):
            stored = await self.tools.requests.read_digest(decider)
            if stored is not None and stored.value.due_at is not None:
                await self.tools.outbox.send(MailDigest(decider))
                sent += 1
            elif stored is not None:
                await self.tools.requests.forget_digest(stored)
        return sent

    @retry_on_conflict("what somebody is to be told", attempts=10)
    async def _note(self, decider: UserId, group: GroupId) -> None:
        now = self.tools.clock.now()
        there = await self.tools.requests.read_digest(decider) or Versioned(Digest(decider), None)
        changed = noted(there.value, group, self.tools.settings.digest_every, now)
        if changed is there.value:
            return
        await self._save(Versioned(changed, there.version))
        if there.value.due_at is None:
            await self._enqueue(changed)

    async def _done(self, stored: Versioned[Digest]) -> None:
        """A group that was noted meanwhile is a Conflict: the mail is found as sent, and this is done again."""
        after = ended(stored.value, self.tools.settings.digest_every)
        await self._save(Versioned(after, stored.version))
        await self._enqueue(after)

    async def _save(self, digest: Versioned[Digest]) -> Versioned[Digest]:
        # What is due has stalled some time later; the rest is forgotten when nothing can come too soon after it.
        due, now = digest.value.due_at, self.tools.clock.now()
        look_at = (digest.value.told_at or now) + self.tools.settings.digest_every
        if due is not None:
            look_at = max(due, now) + self.tools.timing.stall_timeout
        return await self.tools.requests.save_digest(digest, look_at)

    async def _enqueue(self, digest: Digest) -> None:
        if digest.due_at is not None:
            with suppress(StorageBusy):  # The sweeper sends it.
                await self.tools.outbox.send(MailDigest(digest.decider), not_before=digest.due_at)

    async def _mail(self, digest: Digest) -> Mail | None:
        """None where nothing waits any more, the person decides no longer, or has no mailbox."""
        waiting = [found for group in digest.telling if (found := await self._waiting(digest.decider, group))]
        if not waiting:
            return None
        to = None
        with suppress(Refused):
            to = await self.tools.guest_reader.mail_address(digest.decider)
        if to is None:
            return None
        portal = f"{self.tools.settings.public_url}/portal"
        link = f"{portal}/groups/{waiting[0].group}/requests" if len(waiting) == 1 else portal
        return self.tools.text.waiting(key=digest.mail_key, to=to, waiting=waiting, link=link, language="en")

    async def _waiting(self, decider: UserId, group: GroupId) -> Waiting | None:
        page = await self.tools.requests.list_group(
            group, state=RequestState.PENDING, continuation=None, limit=_MAX_COUNTED
        )
        if not page.requests or decider not in await self._deciders(group):
            return None
        return Waiting(group, page.requests[0].app_name, len(page.requests), page.continuation is not None)

    async def _deciders(self, group: GroupId) -> tuple[UserId, ...]:
        """Those that the policy names, else the owners as the directory has them now; none where it does not say."""
        apps = await self.tools.setups.list_apps(group)
        if apps and apps[0].named_approvers:
            return tuple(person.id for person in apps[0].named_approvers)[:MAX_NOTIFIED]
        try:
            return tuple(sorted((await self.tools.directory.read_group(group)).owners))[:MAX_NOTIFIED]
        except Refused:
            return ()


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
        return later(replace(command, slot=None, turn=False), *waits) if waits else Outcome()

    async def _lane(self, mailer: Mailer, command: MailRequest, mail: RequestMail) -> Outcome | None:
        """What to do where it is not yet the mail's turn."""
        now = self.tools.clock.now()
        if mail is RequestMail.PROOF and not command.turn and command.slot is None:
            slot = await self.tools.store.reserve(STRANGERS, mailer.pace.part(_PART), 1, now)
            if slot > now:
                # The sweeper must not take a long wait for a message that was lost: another would reserve again.
                look_at = slot + self.tools.timing.stall_timeout
                await self.tools.requests.open((command.group, command.request), look_at)
                return later(replace(command, slot=slot), slot, "the pace of mails to strangers")
        # Of the lane of all mail only when its turn has come: what is reserved there keeps other mails waiting.
        if not command.turn:
            slot = await self.tools.store.reserve(LANE, mailer.pace, 1, now)
            if slot > now:
                return later(replace(command, slot=slot, turn=True), slot, "the mail sender's pace")
        return None

    async def _tell(self, command: MailRequest, stored: Versioned[JoinRequest]) -> Outcome:
        """Those who decide get a mail for all that waits, not one for each request."""
        try:
            await self.tell.note(stored.value)
        except DirectoryBusy as e:
            return later_when_free(replace(command, slot=None, turn=False), e, self.tools.clock)
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
