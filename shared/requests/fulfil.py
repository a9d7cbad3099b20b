"""An approved join request becomes an ordinary invitation, once: the request names the idempotency key.

Where who decided may not decide any more, it waits for somebody who may."""

from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.errors import Refused, Unavailable
from shared.core.ids import InvitationId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.core.waits import busy_wait
from shared.invitations.accept import AcceptInvitation, NewInvitation
from shared.membership.model.access import Action
from shared.membership.model.apps import RequestPolicy
from shared.messages.commands import FulfilRequest, MailRequest
from shared.messages.outcomes import Later, Outcome
from shared.requests.dependencies import RequestDependencies
from shared.requests.model.requests import JoinRequest, RequestMail, RequestState, transition, with_mail

APPROVED = {
    "en": "Your request to join {app} was approved.",
    "de": "Ihre Anfrage, {app} nutzen zu dürfen, wurde angenommen.",
}
"""The message of the invitation; the owner's note follows. Other languages are written in English."""


@dataclass(frozen=True, slots=True)
class FulfilRequestStep:
    tools: RequestDependencies
    accept: AcceptInvitation

    async def __call__(self, command: FulfilRequest) -> Outcome:
        """Make the invitation where it is not made yet. Safe to repeat at any time."""
        stored = await self.tools.requests.read(command.group, command.request)
        if stored is None or not stored.value.is_unfulfilled:
            return Outcome(note="nothing to fulfil")
        request = stored.value
        invitation, refused = None, None
        try:
            await self._require_decision(request)
            invitation = await self._accept(request)
        except Refused as e:
            if e.reason is Reason.IDEMPOTENCY_KEY_IN_FLIGHT or e.reason is Reason.STORAGE_BUSY:
                return self._later(command, None)
            if e.reason is Reason.BUDGET_REACHED and e.until is not None:
                # It stays approved, and the sweeper sets it going when the next day has begun.
                await self.tools.requests.open((command.group, command.request), e.until)
                return Outcome(note=e.reason.value)
            if e.reason is Reason.INVITATION_UNDER_WAY and e.location is not None:
                invitation = InvitationId.parse(e.location)  # Somebody invited the guest by hand meanwhile.
            refused = e
        except Unavailable as e:
            return self._later(command, e)
        return await self._write(command, invitation, refused)

    @retry_on_conflict("the request")
    async def _write(
        self, command: FulfilRequest, invitation: InvitationId | None, refused: Refused | None
    ) -> Outcome:
        stored = await self.tools.requests.read(command.group, command.request)
        if stored is None or not stored.value.is_unfulfilled:
            return Outcome(note="another delivery fulfilled it")
        now = self.tools.clock.now()
        if invitation is not None:
            changed = transition(stored.value, RequestState.APPROVED, now, invitation=invitation)
        elif refused is not None and refused.reason is Reason.AUTHORITY_LOST:
            changed = self._undecided(stored.value, refused)
        else:
            why = refused.reason if refused else Reason.INTERNAL
            detail = refused.detail if refused else None
            changed = transition(stored.value, RequestState.FAILED, now, reason=why, detail=detail)
        await self.tools.requests.save(Versioned(changed, stored.version))
        if not changed.is_open:
            await self.tools.requests.close((command.group, command.request))
        return Outcome(then=(MailRequest(command.group, command.request),) if changed.mail else ())

    async def _require_decision(self, request: JoinRequest) -> None:
        """Raises Refused `authority-lost` where who decided may not any more, or the policy does not let everybody
        in."""
        if request.decided_by is not None:
            await self.tools.access.require_still(request.group, request.decided_by, Action.DECIDE_REQUESTS)
            return
        apps = await self.tools.setups.list_apps(request.group)
        if all(app.policy.lets_in is not RequestPolicy.OPEN for app in apps):
            raise Refused(Reason.AUTHORITY_LOST, "the app's policy does not let everybody in any more")

    def _undecided(self, request: JoinRequest, refused: Refused) -> JoinRequest:
        """The request as it was before the decision, with an explanation; those who decide are told of it, and have
        as long as for a new one."""
        now = self.tools.clock.now()
        pending = transition(
            request,
            RequestState.PENDING,
            now,
            reason=refused.reason,
            detail=f"{request.decided_by_name} had approved it; {refused.detail}",
            decided_at=None,
            decided_by=None,
            decided_by_name="",
            note=None,
            expires_at=max(request.expires_at, now + self.tools.settings.kept),
        )
        return with_mail(pending, RequestMail.WAITING, now)

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
        key = f"{request.id} {decided.isoformat()}"
        return await self.accept(new, await self._approver(request), key, is_approved=True)

    async def _approver(self, request: JoinRequest) -> Caller:
        """Who decided; the app itself where its policy did."""
        if request.decided_by is not None:
            return Caller(request.decided_by, request.decided_by_name, frozenset(), is_app=False)
        apps = await self.tools.setups.list_apps(request.group)
        who = UserId(apps[0].service_principal if apps else request.group)
        return Caller(who, request.decided_by_name, frozenset(), is_app=True)

    def _later(self, command: FulfilRequest, error: Unavailable | None) -> Outcome:
        clock, again = self.tools.clock, replace(command, attempt=command.attempt + 1)
        wait = busy_wait(command.attempt, error.retry_after if error else None, clock.jitter())
        return Outcome(later=Later(again, clock.now() + wait, str(error or "the same is being done elsewhere")))
