"""The reader of the mail confirms the address; from here on an owner sees the request. And what they may look at."""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.core.errors import Refused, StorageBusy
from shared.core.ids import GroupId, RequestId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.model.apps import AppRecord, RequestPolicy
from shared.messages.commands import FulfilRequest, MailRequest
from shared.requests.ask import AskToJoin
from shared.requests.dependencies import RequestDependencies
from shared.requests.model.requests import JoinRequest, RequestMail, RequestState, transition, with_mail


@dataclass(frozen=True, slots=True)
class Proof:
    """What a code came to: `used_before` where the address was confirmed with it before, and nothing happened now."""

    request: JoinRequest
    used_before: bool = False


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    tools: RequestDependencies
    ask: AskToJoin

    async def look(self, group: GroupId, request: RequestId, code: str) -> JoinRequest:
        """The request, for whoever has the code of the mail. Changes nothing: mail scanners follow links.

        Raises:
            Refused: `request-missing`, for a wrong code as well.
        """
        return (await self._found(group, request, code))[1]

    async def __call__(self, group: GroupId, request: RequestId, code: str) -> Proof:
        """Confirm the address; what was decided before about a request of this address is replaced by the new
        request. Safe to repeat: a code has an effect once.

        Raises:
            Refused: `request-missing`, for a wrong code as well; `requests-closed`.
        """
        openly: bool | None = None

        @retry_on_conflict("the request")
        async def attempt() -> Proof:
            nonlocal openly
            stored, found = await self._found(group, request, code)
            now = self.tools.clock.now()
            if found.state is not RequestState.UNVERIFIED:
                return Proof(found, used_before=True)
            if found.expires_at <= now:
                raise Refused(Reason.REQUEST_MISSING, "The link is too old; ask to join again")
            app = await self.ask.open_app(group)
            proven = {"proven_at": now, "expires_at": now + self.tools.settings.kept}
            if openly is None:
                openly = await self._lets_in(app, now)
            if openly:
                changed = transition(
                    found, RequestState.APPROVED, now, decided_at=now, decided_by_name=app.name, **proven
                )
            else:
                changed = with_mail(transition(found, RequestState.PENDING, now, **proven), RequestMail.WAITING, now)
            # Remembered first: whatever stops after this line is found by the sweeper.
            await self.tools.requests.open((group, request), now + self.tools.timing.stall_timeout)
            await self.tools.requests.save(Versioned(changed, stored.version))
            with suppress(StorageBusy):  # The sweeper enqueues it.
                await self.tools.outbox.send((FulfilRequest if openly else MailRequest)(group, request))
            return Proof(changed)

        return await attempt()

    async def _lets_in(self, app: AppRecord, now: datetime) -> bool:
        """Whether nobody needs to decide. A person does where the policy has let in as many as it may in a day."""
        if app.policy.lets_in is not RequestPolicy.OPEN:
            return False
        return await self.tools.requests.count_up(f"admitted {app.group}", self.tools.settings.admitted, now)

    async def _found(
        self, group: GroupId, request: RequestId, code: str
    ) -> tuple[Versioned[JoinRequest], JoinRequest]:
        """The row, and the request of the code: the one that would take its place, where the code is that one's."""
        stored = await self.tools.requests.read(group, request)
        for each in (stored.value, stored.value.unproven) if stored is not None else ():
            if stored is not None and each is not None and hmac.compare_digest(each.code.encode(), code.encode()):
                return stored, each
        raise Refused(Reason.REQUEST_MISSING)
