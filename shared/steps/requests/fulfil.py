"""An approved join request becomes an ordinary invitation, once: the request names the idempotency key."""

from dataclasses import dataclass, replace

from shared.domain.access import Caller
from shared.domain.commands import FulfilRequest
from shared.domain.errors import Conflict, Refused, StorageBusy, Unavailable
from shared.domain.ids import InvitationId, UserId
from shared.domain.outcomes import Later, Outcome
from shared.domain.reasons import Reason
from shared.domain.requests import JoinRequest, RequestState, step_on
from shared.domain.waits import busy_wait
from shared.ports.clock import Clock
from shared.ports.request_store import RequestStore
from shared.ports.setup_store import SetupStore
from shared.ports.store import Versioned
from shared.steps.accept_invitation import AcceptInvitation, NewInvitation

APPROVED = {
    "en": "Your request to join {app} was approved.",
    "de": "Ihre Anfrage, {app} nutzen zu dürfen, wurde angenommen.",
}
"""The message of the invitation; the owner's note follows. Other languages are written in English."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class FulfilRequestStep:
    requests: RequestStore
    setups: SetupStore
    accept: AcceptInvitation
    clock: Clock

    async def __call__(self, command: FulfilRequest) -> Outcome:
        """Make the invitation where it is not made yet. Safe to repeat at any time."""
        stored = await self.requests.read(command.group, command.request)
        if stored is None or not stored.value.is_unfulfilled:
            return Outcome(note="nothing to fulfil")
        request = stored.value
        invitation, refused = None, None
        try:
            invitation = await self._accept(request)
        except Refused as e:
            if e.reason is Reason.IDEMPOTENCY_KEY_IN_FLIGHT or e.reason is Reason.STORAGE_BUSY:
                return self._later(command, None)
            if e.reason is Reason.INVITATION_UNDER_WAY and e.location is not None:
                invitation = InvitationId.parse(e.location)  # Somebody invited the guest by hand meanwhile.
            refused = e
        except Unavailable as e:
            return self._later(command, e)
        for _ in range(_TRIES):
            now = self.clock.now()
            if invitation is not None:
                changed = step_on(stored.value, RequestState.APPROVED, now, invitation=invitation)
            else:
                why = refused.reason if refused else Reason.INTERNAL
                detail = refused.detail if refused else None
                changed = step_on(stored.value, RequestState.FAILED, now, reason=why, detail=detail)
            try:
                await self.requests.save(Versioned(changed, stored.version))
            except Conflict:
                again = await self.requests.read(command.group, command.request)
                if again is None or not again.value.is_unfulfilled:
                    return Outcome(note="another delivery fulfilled it")
                stored = again
                continue
            if not changed.is_open:
                await self.requests.close(command.group, command.request)
            return Outcome()
        raise StorageBusy("other deliveries kept changing the request")

    async def _accept(self, request: JoinRequest) -> InvitationId:
        language = (request.language or "en").partition("-")[0].lower()
        message = APPROVED.get(language, APPROVED["en"])
        if request.note:
            message = f"{message}\n\n{request.note}"
        decided = request.decided_at or request.updated_at
        new = NewInvitation(
            group=request.group,
            address=request.address.wire,
            display_name=request.display_name,
            message=message[: self.accept.message_limit],
            language=request.language,
            digest=request.id,
        )
        return await self.accept.on_approval(
            new, await self._approver(request), f"{request.id} {decided.isoformat()}"
        )

    async def _approver(self, request: JoinRequest) -> Caller:
        """Who decided; the app itself where its policy did."""
        if request.decided_by is not None:
            return Caller(request.decided_by, request.decided_by_name, frozenset(), is_app=False)
        apps = await self.setups.list_apps(request.group)
        who = UserId(apps[0].service_principal if apps else request.group)
        return Caller(who, request.decided_by_name, frozenset(), is_app=True)

    def _later(self, command: FulfilRequest, error: Unavailable | None) -> Outcome:
        wait = busy_wait(command.attempt, error.retry_after if error else None, self.clock.jitter())
        again = replace(command, attempt=command.attempt + 1)
        return Outcome(later=Later(again, self.clock.now() + wait, str(error or "the same is being done elsewhere")))
