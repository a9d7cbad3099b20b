"""The reader of the mail confirms the address; from here on an owner sees the request. And what they may look at."""

import hmac
from contextlib import suppress
from dataclasses import dataclass

from shared.domain.commands import FulfilRequest, MailRequest
from shared.domain.errors import Conflict, Refused, StorageBusy
from shared.domain.ids import GroupId
from shared.domain.reasons import Reason
from shared.domain.request_settings import RequestSettings
from shared.domain.requests import JoinRequest, RequestId, RequestMail, RequestState, step_on, with_mail
from shared.domain.setup.plan import Requests
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.outbox import Outbox
from shared.ports.request_store import RequestStore
from shared.ports.store import Versioned
from shared.steps.requests.ask import AskToJoin

MOST_TOLD = 5
"""Of those who decide, so many get a mail that a request waits: all of them see it in the list."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class ProveAddress:
    ask: AskToJoin
    requests: RequestStore
    outbox: Outbox
    clock: Clock
    timing: Timing
    settings: RequestSettings

    async def look(self, group: GroupId, request: RequestId, code: str) -> JoinRequest:
        """The request, for whoever has the code of the mail. Changes nothing: mail scanners follow links.

        Raises:
            Refused: `request-missing`, for a wrong code as well.
        """
        return (await self._stored(group, request, code)).value

    async def __call__(self, group: GroupId, request: RequestId, code: str) -> JoinRequest:
        """Confirm the address. Safe to repeat.

        Raises:
            Refused: `request-missing`, for a wrong code as well; `requests-closed`.
        """
        for _ in range(_TRIES):
            stored = await self._stored(group, request, code)
            found, now = stored.value, self.clock.now()
            if found.state is not RequestState.UNPROVEN:
                return found
            if found.expires_at <= now:
                raise Refused(Reason.REQUEST_MISSING, "The link is too old; ask to join again")
            app = await self.ask.open_app(group)
            proven = {"proven_at": now, "expires_at": now + self.settings.kept}
            if app.policy.requests is Requests.OPEN:
                changed = step_on(
                    found, RequestState.APPROVED, now, decided_at=now, decided_by_name=app.name, **proven
                )
            else:
                who = tuple(person.id for person in (app.approvers or app.owners))[:MOST_TOLD]
                changed = step_on(found, RequestState.PENDING, now, to_tell=who, **proven)
                if who:
                    changed = with_mail(changed, RequestMail.WAITING, now)
                await self.requests.open(group, request, now + self.timing.stillness)
            try:
                await self.requests.save(Versioned(changed, stored.version))
            except Conflict:
                continue
            with suppress(StorageBusy):  # The sweeper enqueues it.
                if changed.is_unfulfilled:
                    await self.outbox.send(FulfilRequest(group, request))
                elif changed.mail is not None:
                    await self.outbox.send(MailRequest(group, request))
            return changed
        raise StorageBusy("other requests kept changing the request")

    async def _stored(self, group: GroupId, request: RequestId, code: str) -> Versioned[JoinRequest]:
        stored = await self.requests.read(group, request)
        if stored is None or not hmac.compare_digest(stored.value.code.encode(), code.encode()):
            raise Refused(Reason.REQUEST_MISSING)
        return stored
