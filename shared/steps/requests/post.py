"""One mail about join requests: prepared, its handle written down, then dispatched. A crash at any line sends nothing
twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.domain.answers import Busy, Declined, Unknown
from shared.domain.errors import Conflict, DirectoryBusy
from shared.domain.timing import Timing
from shared.domain.waits import busy_wait, replication_wait
from shared.ports.clock import Clock
from shared.ports.mailer import DispatchAnswer, Dispatched, Mail, Mailer, PrepareAnswer, Prepared
from shared.ports.store import Versioned
from shared.steps.claims import within

_SOON = timedelta(seconds=1)
_LATE = Unknown("no answer within the lease")


class Carrier(Protocol):
    """A record that says how far its mail is."""

    @property
    def mail_handle(self) -> str | None: ...
    @property
    def mail_since(self) -> datetime | None: ...
    @property
    def claimed_until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Posted[T]:
    """The mail is gone, or never goes, as `note` says. The record still carries it."""

    carrier: Versioned[T]
    note: str = "done"


@dataclass(frozen=True, slots=True)
class Waits:
    """Not yet: `retry_at` says when, `why` for whoever reads the logs. The mail lane is to be asked again."""

    retry_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Post:
    mailer: Mailer
    clock: Clock
    timing: Timing

    async def send[T: Carrier](
        self,
        stored: Versioned[T],
        attempt: int,
        save: Callable[[Versioned[T]], Awaitable[Versioned[T]]],
        write: Callable[[T], Awaitable[Mail | None]],
    ) -> Posted[T] | Waits:
        """Take the mail that `write` gives as far as it goes now; it gives None where there is nobody to write to.
        Safe to repeat at any time."""
        now = self.clock.now()
        if stored.value.claimed_until is not None and stored.value.claimed_until > now:
            return Waits(stored.value.claimed_until, "another delivery is at work")
        try:
            return await self._send(stored, attempt, save, write, now)
        except DirectoryBusy as e:
            wait = busy_wait(attempt, e.retry_after, self.clock.jitter())
            return Waits(max(now + wait, now + self.timing.work_lease), str(e))
        except Conflict:
            return Waits(now + _SOON, "another delivery wrote first")

    async def _send[T: Carrier](
        self,
        stored: Versioned[T],
        attempt: int,
        save: Callable[[Versioned[T]], Awaitable[Versioned[T]]],
        write: Callable[[T], Awaitable[Mail | None]],
        now: datetime,
    ) -> Posted[T] | Waits:
        again = stored.value.mail_since is not None
        claim = now + self.timing.work_lease
        # The intent, before anything that cannot be undone.
        stored = await save(_with(stored, mail_since=stored.value.mail_since or now, claimed_until=claim))
        mail = await write(stored.value)
        if mail is None:
            return Posted(stored, "there is nobody to write to")
        if stored.value.mail_handle is None:
            late: list[PrepareAnswer] = [_LATE]
            [prepared] = await within(claim, self.clock, self.mailer.prepare([mail], again=again), late)
            if not isinstance(prepared, Prepared):
                return await self._failed(stored, attempt, save, prepared)
            stored = await save(_with(stored, mail_handle=prepared.handle))
        unsent: list[DispatchAnswer] = [_LATE]
        dispatched = self.mailer.dispatch([(stored.value.mail_handle or "", mail)], again=again)
        [sent] = await within(claim, self.clock, dispatched, unsent)
        return Posted(stored) if isinstance(sent, Dispatched) else await self._failed(stored, attempt, save, sent)

    async def _failed[T: Carrier](
        self,
        stored: Versioned[T],
        attempt: int,
        save: Callable[[Versioned[T]], Awaitable[Versioned[T]]],
        answer: PrepareAnswer | DispatchAnswer,
    ) -> Posted[T] | Waits:
        now = self.clock.now()
        overdue = now > (stored.value.mail_since or now) + self.timing.join_window
        if isinstance(answer, Declined) or overdue:
            # Nobody can be told but the logs; asking again makes a new mail.
            return Posted(stored, "the mail was refused")
        await save(_with(stored, claimed_until=None))
        if isinstance(answer, Busy):
            return Waits(
                now + busy_wait(attempt, answer.retry_after, self.clock.jitter()), "the mail service is busy"
            )
        what = answer.what if isinstance(answer, Unknown) else "the mail service"
        return Waits(now + replication_wait(attempt), what)


def _with[T](stored: Versioned[T], **changes: Any) -> Versioned[T]:
    return Versioned(replace(stored.value, **changes), stored.version)  # type: ignore[type-var]
