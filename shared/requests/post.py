"""One mail about join requests, whose record says how far it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from shared.core.clock import Clock
from shared.core.errors import Conflict, DirectoryBusy
from shared.core.results import Busy
from shared.core.timing import Timing
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.mail.deliver import SOON, WROTE_FIRST, DeliverMail, Outgoing
from shared.mail.ports import Dispatched, Mail, Mailer


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
            return Waits(now + SOON, WROTE_FIRST)

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
        kept = stored

        async def keep(handles: Mapping[None, str]) -> dict[None, str]:
            nonlocal kept
            if handles:
                kept = await save(_with(kept, mail_handle=handles[None]))
            return {None: kept.value.mail_handle} if kept.value.mail_handle else {}

        deliver = DeliverMail(self.mailer, self.clock, self.timing)
        answers = await deliver({None: Outgoing(mail, stored.value.mail_handle, again)}, claim, keep)
        answer = answers[None]
        if isinstance(answer, Dispatched):
            return Posted(kept)
        if deliver.gives_up(answer, kept.value.mail_since or now) is not None:
            # Nobody can be told but the logs; asking again makes a new mail.
            return Posted(kept, "the mail was refused")
        await save(_with(kept, claimed_until=answer.until(self.clock.now()) if isinstance(answer, Busy) else None))
        return Waits(*deliver.wait(answer, attempt))


def _with[T](stored: Versioned[T], **changes: Any) -> Versioned[T]:
    return Versioned(replace(stored.value, **changes), stored.version)  # type: ignore[type-var]
