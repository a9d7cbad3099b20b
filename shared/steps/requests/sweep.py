"""Look after join requests whose time has come: let them expire, and set going what stands still."""

from contextlib import suppress
from dataclasses import dataclass

from shared.domain.commands import FulfilRequest, MailRequest
from shared.domain.errors import Conflict
from shared.domain.requests import RequestState, step_on
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.outbox import Outbox
from shared.ports.request_store import RequestStore
from shared.ports.store import Versioned

_SELDOM = 4
"""Of `stillness`: how often a request that waits for a person is looked at."""
_WAITING = (RequestState.UNPROVEN, RequestState.PENDING)


@dataclass(frozen=True, slots=True)
class SweepRequests:
    requests: RequestStore
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self) -> int:
        """Gives how many messages were sent. Safe to repeat."""
        now, sent = self.clock.now(), 0
        async for group, key in self.requests.list_open(look_before=now):
            stored = await self.requests.read(group, key)
            if stored is None or not stored.value.is_open:
                await self.requests.close(group, key)
                continue
            request = stored.value
            if request.state in _WAITING and request.expires_at <= now:
                expired = step_on(request, RequestState.EXPIRED, now, mail=None)
                # Who changed it meanwhile has it looked at again.
                with suppress(Conflict):
                    await self.requests.save(Versioned(expired, stored.version))
                    await self.requests.close(group, key)
                continue
            look_at = now + self.timing.stillness
            if request.mail is not None:
                await self.outbox.send(MailRequest(group, key))
                sent += 1
            if request.is_unfulfilled:
                await self.outbox.send(FulfilRequest(group, key))
                sent += 1
            elif request.mail is None:
                # Not later: what is decided while this is written must not wait until the request expires.
                look_at = min(request.expires_at, now + _SELDOM * self.timing.stillness)
            await self.requests.open(group, key, look_at)
        await self.requests.forget_counts(now)
        return sent
