"""The one way in which mail is delivered: whoever sends writes the intent down, each mail is prepared, its handle is
written down, then it is dispatched. A crash at any line sends nothing twice."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.core.clock import Clock, Timing, within
from shared.core.errors import Conflict, DirectoryBusy
from shared.core.results import Busy, Declined, Unknown
from shared.core.versions import Versioned
from shared.core.waits import busy_wait, replication_wait
from shared.mail.ports import Dispatched, Mail, Mailer, Prepared

LANE = "mails"
SOON = timedelta(seconds=1)
WROTE_FIRST = "another delivery wrote first"
_LATE = Unknown("no answer within the lease")

type NotSent = Busy | Unknown | Declined


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail whose intent is stored. `again` says that an earlier delivery may have prepared or sent it; `handle` is
    what that one wrote down."""

    mail: Mail
    handle: str | None
    again: bool


@dataclass(frozen=True, slots=True)
class DeliverMail:
    mailer: Mailer
    clock: Clock
    timing: Timing

    async def __call__[K](
        self,
        mails: Mapping[K, Outgoing],
        until: datetime,
        keep: Callable[[Mapping[K, str]], Awaitable[Mapping[K, str]]],
    ) -> dict[K, Dispatched | NotSent]:
        """Deliver mails under a claim that ends at `until`; gives what came of those that are not another delivery's
        by then. `keep` writes the handles of prepared mails down, and gives the handles of all that are to be sent.
        Safe to repeat, with `again`."""
        fresh = {key: mail for key, mail in mails.items() if mail.handle is None}
        answers = await self._ask(
            fresh, until, lambda keys, again: self.mailer.prepare([mails[k].mail for k in keys], again=again)
        )
        handles = await keep({key: a.handle for key, a in answers.items() if isinstance(a, Prepared)})
        sent = await self._ask(
            {key: mails[key] for key in handles},
            until,
            lambda keys, again: self.mailer.dispatch([(handles[k], mails[k].mail) for k in keys], again=again),
        )
        return {key: a for key, a in answers.items() if not isinstance(a, Prepared)} | sent

    async def _ask[K, A](
        self, mails: Mapping[K, Outgoing], until: datetime, ask: Callable[[list[K], bool], Awaitable[list[A]]]
    ) -> dict[K, A | Unknown]:
        async def all_of_them() -> dict[K, A | Unknown]:
            found: dict[K, A | Unknown] = {}
            for again in (False, True):
                if keys := [key for key, mail in mails.items() if mail.again is again]:
                    found |= zip(keys, await ask(keys, again), strict=True)
            return found

        late: dict[K, A | Unknown] = dict.fromkeys(mails, _LATE)
        return await within(until, self.clock, all_of_them(), late) if mails else {}

    def gives_up(self, answer: NotSent, since: datetime) -> str | None:
        """Why a mail is not tried again: it was refused, or has been in doubt for too long."""
        if isinstance(answer, Declined):
            return answer.detail
        overdue = self.clock.now() > since + self.timing.join_window
        return answer.what if isinstance(answer, Unknown) and overdue else None

    def wait(self, answer: NotSent | Dispatched | None, attempt: int) -> tuple[datetime, str]:
        """When to try again, and why; None for a mail that another delivery took over."""
        now = self.clock.now()
        match answer:
            case Busy(retry_after=after):
                return now + busy_wait(attempt, after, self.clock.jitter()), "the mail service is busy"
            case Unknown(what=what):
                return now + replication_wait(attempt), what
            case _:
                return now + SOON, WROTE_FIRST


class Carrier(Protocol):
    """A record that says how far its mail is."""

    @property
    def mail_handle(self) -> str | None: ...
    @property
    def mail_since(self) -> datetime | None: ...
    @property
    def claimed_until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Post:
    """One mail, whose record says how far it is."""

    mailer: Mailer
    clock: Clock
    timing: Timing

    async def __call__[T: Carrier](
        self,
        stored: Versioned[T],
        attempt: int,
        *,
        save: Callable[[Versioned[T]], Awaitable[Versioned[T]]],
        write: Callable[[T], Awaitable[Mail | None]],
        done: Callable[[Versioned[T]], Awaitable[None]],
    ) -> tuple[datetime, str] | None:
        """Take the mail that `write` gives as far as it goes now: to `done`, or until when to wait and for what; the
        mail lane is to be asked again then. `write` gives None where there is nobody to write to. Safe to repeat at
        any time."""
        now = self.clock.now()
        if stored.value.claimed_until is not None and stored.value.claimed_until > now:
            return stored.value.claimed_until, "another delivery is at work"
        kept, again = stored, stored.value.mail_since is not None
        claim = now + self.timing.work_lease

        async def keep(handles: Mapping[None, str]) -> dict[None, str]:
            nonlocal kept
            if handles:
                kept = await save(_with(kept, mail_handle=handles[None]))
            return {None: kept.value.mail_handle} if kept.value.mail_handle else {}

        try:
            # The intent, before anything that cannot be undone.
            kept = await save(_with(stored, mail_since=stored.value.mail_since or now, claimed_until=claim))
            if (mail := await write(kept.value)) is None:
                await done(kept)
                return None
            deliver = DeliverMail(self.mailer, self.clock, self.timing)
            answers = await deliver({None: Outgoing(mail, kept.value.mail_handle, again)}, claim, keep)
            answer = answers[None]
            # Where the mail is refused, nobody can be told but the logs; asking again makes a new one.
            if isinstance(answer, Dispatched) or deliver.gives_up(answer, kept.value.mail_since or now) is not None:
                await done(kept)
                return None
            held_until = answer.until(self.clock.now()) if isinstance(answer, Busy) else None
            await save(_with(kept, claimed_until=held_until))
            return deliver.wait(answer, attempt)
        except DirectoryBusy as e:
            wait = busy_wait(attempt, e.retry_after, self.clock.jitter())
            return max(now + wait, now + self.timing.work_lease), str(e)
        except Conflict:
            return now + SOON, WROTE_FIRST


def _with[T](stored: Versioned[T], **changes: Any) -> Versioned[T]:
    return Versioned(replace(stored.value, **changes), stored.version)  # type: ignore[type-var]
