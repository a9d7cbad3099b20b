"""Handle join requests whose time has come: let them expire, send what has stalled, and forget what
ended long ago."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.errors import Conflict
from shared.core.ids import GroupId, RequestId
from shared.core.records import StuckWork
from shared.core.versions import Versioned
from shared.messages.commands import Command, FulfilRequest, MailRequest
from shared.messages.ports import Outbox
from shared.messages.sweep import ENDED, NextCheck
from shared.requests.model import JoinRequest, Limit, RequestMail, RequestState, transition
from shared.requests.ports import RequestDependencies, RequestStore
from shared.requests.send_mail import NotifyDeciders

_SELDOM = 4
"""Of `stall_timeout`: how often a request that waits for a person is looked at."""
_DAILY = Limit(1, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class SweepRequests:
    tools: RequestDependencies
    tell: NotifyDeciders

    async def look_at(self, id_: tuple[GroupId, RequestId], now: datetime) -> NextCheck:
        """A join request whose time has come. Safe to repeat."""
        stored = await self.tools.requests.read(*id_)
        if stored is None or not stored.value.is_open:
            return ENDED
        request = stored.value
        if (ended := _expired(request, now)) is not request:
            try:
                if ended is None:
                    await self.tools.requests.forget(stored)
                else:
                    await self.tools.requests.save(Versioned(ended, stored.version))
            except Conflict:
                return NextCheck(now)  # Whoever changed it meanwhile has it looked at again.
            return NextCheck(now) if ended is not None and ended.is_open else ENDED
        commands: list[Command] = []
        if request.mail is not None:
            commands.append(MailRequest(*id_))
        if request.is_unfulfilled:
            commands.append(FulfilRequest(*id_))
        if commands:
            return NextCheck(now + self.tools.timing.stall_timeout, commands)
        # Not later: what is decided while this is written must not wait until the request expires.
        waits = request.unproven or request
        return NextCheck(min(waits.expires_at, now + _SELDOM * self.tools.timing.stall_timeout))

    async def __call__(self) -> int:
        """Tell those who decide, and forget what ended; gives how many messages were sent. Safe to repeat."""
        now = self.tools.clock.now()
        sent = await self.tell.sweep(now)
        await self.tools.requests.forget_counts(now)
        if await self.tools.requests.count_up("forgetting", _DAILY, now):
            await self._forget(now - self.tools.settings.ended_retention)
        return sent

    async def _forget(self, before: datetime) -> None:
        """Delete what ended long ago, and what older versions kept though nobody had proven it."""
        async for stored in self.tools.requests.list_all():
            request = stored.value
            if not request.is_open and (request.proven_at is None or request.updated_at < before):
                await self.tools.requests.forget(stored)


@dataclass(frozen=True, slots=True)
class FindStuckRequests:
    """Join requests that were approved and have stalled: found, and sent again."""

    requests: RequestStore
    outbox: Outbox

    async def __call__(self, due_before: datetime, since: datetime) -> AsyncIterator[StuckWork]:
        """As `shared.core.records.FindStuck`."""
        async for group, request_id in self.requests.list_open(due_before=due_before):
            stored = await self.requests.read(group, request_id)
            if stored is None or not stored.value.is_unfulfilled or stored.value.updated_at >= since:
                continue
            request = stored.value
            await self.outbox.send(FulfilRequest(group, request_id))
            yield StuckWork(
                what="Join request",
                key=request_id,
                name=request.display_name or request.address.text,
                state=request.state.value,
                since=request.updated_at,
                group=group,
                address=request.address.wire,
            )


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
