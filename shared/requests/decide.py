"""An owner looks at the join requests of a group and decides. Two owners at once end in one decision.

An approved request becomes an ordinary invitation, once: the request names the idempotency key. Where who decided may
not decide any more, it waits for somebody who may.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.core.caller import Caller
from shared.core.errors import DirectoryBusy, Refused, Unavailable
from shared.core.ids import GroupId, InvitationId, RequestId, UserId
from shared.core.reasons import Reason
from shared.core.results import Account, Busy, Lookalike
from shared.core.versions import Versioned, retry_on_conflict
from shared.invitations.accept import AcceptInvitation, NewInvitation
from shared.membership.model.access import Action
from shared.membership.model.apps import RequestPolicy
from shared.messages.commands import FulfilRequest, MailRequest
from shared.messages.outcomes import Outcome, later_when_free
from shared.requests.model import JoinRequest, RequestMail, RequestState, transition, with_mail
from shared.requests.ports import RequestDependencies, RequestPage

_DECIDABLE = (RequestState.PENDING, RequestState.FAILED)


@dataclass(frozen=True, slots=True)
class DecideRequest:
    tools: RequestDependencies

    async def of_group(
        self, group: GroupId, caller: Caller, *, state: RequestState | None, continuation: str | None, limit: int
    ) -> RequestPage:
        """Raises Refused `not-owner`, `group-missing`, or `parameter-invalid` for a continuation that was never
        given out."""
        await self.tools.access.require(group, caller, Action.READ_REQUESTS)
        return await self.tools.requests.list_group(group, state=state, continuation=continuation, limit=limit)

    async def approve(self, group: GroupId, request: RequestId, caller: Caller, note: str | None) -> JoinRequest:
        """Say yes: an ordinary invitation follows. Safe to repeat by whoever decided. Raises Refused `not-owner`,
        `request-missing`, `own-request`, `request-decided`."""
        return await self._decide(group, request, caller, RequestState.APPROVED, note)

    async def decline(self, group: GroupId, request: RequestId, caller: Caller, note: str | None) -> JoinRequest:
        """Say no: whoever asked is told, with the note. Safe to repeat by whoever decided. Raises as `approve`."""
        return await self._decide(group, request, caller, RequestState.DECLINED, note)

    @retry_on_conflict("the request")
    async def _decide(
        self, group: GroupId, request: RequestId, caller: Caller, state: RequestState, note: str | None
    ) -> JoinRequest:
        await self.tools.access.require(group, caller, Action.DECIDE_REQUESTS)
        stored = await self.tools.requests.read(group, request)
        if stored is None or stored.value.proven_at is None or stored.value.state is RequestState.UNVERIFIED:
            raise Refused(Reason.REQUEST_MISSING)
        found, now = stored.value, self.tools.clock.now()
        if found.state is state and found.decided_by == caller.object_id:
            return found
        if found.state not in _DECIDABLE:
            raise _decided(found)
        await self._not_own(found, caller)
        said = {"decided_at": now, "decided_by": caller.object_id, "decided_by_name": caller.name, "note": note}
        changed = transition(found, state, now, **said, reason=None, detail=None, invitation=None, again=None)
        if state is RequestState.DECLINED:
            changed = with_mail(changed, RequestMail.DECLINED, now)
        # Others that write: another decision, or a mail about the request that has just gone out.
        await self.tools.write(Versioned(changed, stored.version), now)
        return changed

    async def _not_own(self, request: JoinRequest, caller: Caller) -> None:
        """Whoever asked must not decide: the account with the request's address is not the caller's."""
        [answer] = await self.tools.directory.find([request.address])
        if isinstance(answer, Busy):
            raise DirectoryBusy("the directory is busy", retry_after=answer.retry_after or timedelta(seconds=5))
        own = isinstance(answer, Account) and answer.id == caller.object_id
        if own or (isinstance(answer, Lookalike) and caller.object_id in answer.ids):
            raise Refused(Reason.OWN_REQUEST)


def _decided(request: JoinRequest) -> Refused:
    if request.decided_at is None:
        return Refused(Reason.REQUEST_DECIDED, f"It is {request.state.value}")
    who = request.decided_by_name or "somebody"
    return Refused(Reason.REQUEST_DECIDED, f"{who} has decided: it is {request.state.value}")


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
            if e.reason in (Reason.IDEMPOTENCY_KEY_IN_FLIGHT, Reason.STORAGE_BUSY):
                elsewhere = Unavailable("the same is being done elsewhere")
                return later_when_free(command, elsewhere, self.tools.clock)
            if e.reason is Reason.BUDGET_REACHED and e.until is not None:
                # It stays approved, and the sweeper sends it again when the next day begins.
                await self.tools.requests.open((command.group, command.request), e.until)
                return Outcome(note=e.reason.value)
            if e.reason is Reason.INVITATION_UNDER_WAY and e.location is not None:
                invitation = InvitationId.parse(e.location)  # Somebody invited the guest by hand meanwhile.
            refused = e
        except Unavailable as e:
            return later_when_free(command, e, self.tools.clock)
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
