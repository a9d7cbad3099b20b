"""Look after join requests whose time has come: let them expire, set going what stands still, and forget what
ended long ago."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.clock import Clock
from shared.core.errors import Conflict
from shared.core.ids import GroupId, RequestId
from shared.core.timing import Timing
from shared.core.versions import Versioned
from shared.messages.commands import Command, FulfilRequest, MailRequest
from shared.messages.sweep import ENDED, NextCheck
from shared.requests.model.requests import JoinRequest, RequestMail, RequestState, transition
from shared.requests.model.settings import Limit, RequestSettings
from shared.requests.notify_deciders import NotifyDeciders
from shared.requests.ports import RequestStore

_SELDOM = 4
"""Of `stall_timeout`: how often a request that waits for a person is looked at."""
_DAILY = Limit(1, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class SweepRequests:
    requests: RequestStore
    tell: NotifyDeciders
    clock: Clock
    timing: Timing
    settings: RequestSettings

    async def look_at(self, id_: tuple[GroupId, RequestId], now: datetime) -> NextCheck:
        """A join request whose time has come. Safe to repeat."""
        stored = await self.requests.read(*id_)
        if stored is None or not stored.value.is_open:
            return ENDED
        request = stored.value
        if (ended := _expired(request, now)) is not request:
            try:
                if ended is None:
                    await self.requests.forget(stored)
                else:
                    await self.requests.save(Versioned(ended, stored.version))
            except Conflict:
                return NextCheck(now)  # Whoever changed it meanwhile has it looked at again.
            return NextCheck(now) if ended is not None and ended.is_open else ENDED
        commands: list[Command] = []
        if request.mail is not None:
            commands.append(MailRequest(*id_))
        if request.is_unfulfilled:
            commands.append(FulfilRequest(*id_))
        if commands:
            return NextCheck(now + self.timing.stall_timeout, commands)
        # Not later: what is decided while this is written must not wait until the request expires.
        waits = request.unproven or request
        return NextCheck(min(waits.expires_at, now + _SELDOM * self.timing.stall_timeout))

    async def __call__(self) -> int:
        """Tell those who decide, and forget what ended; gives how many messages were sent. Safe to repeat."""
        now = self.clock.now()
        sent = await self.tell.sweep(now)
        await self.requests.forget_counts(now)
        if await self.requests.count_up("forgetting", _DAILY, now):
            await self._forget(now - self.settings.ended_retention)
        return sent

    async def _forget(self, before: datetime) -> None:
        """Delete what ended long ago, and what older versions kept though nobody had proven it."""
        async for stored in self.requests.list_all():
            request = stored.value
            if not request.is_open and (request.proven_at is None or request.updated_at < before):
                await self.requests.forget(stored)


def _expired(request: JoinRequest, now: datetime) -> JoinRequest | None:
    """What is left of a request at this time: the very same, or None where nobody ever proved it."""
    waits = request.unproven
    if waits is not None and waits.expires_at <= now:
        if waits is request:
            return None
        mail = None if request.mail is RequestMail.PROOF else request.mail
        return replace(request, again=None, mail=mail)
    if request.state is RequestState.PENDING and request.expires_at <= now:
        return transition(request, RequestState.EXPIRED, now, mail=None)
    return request
