"""An owner looks at the join requests of a group and decides. Two owners at once end in one decision."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.core.caller import Caller
from shared.core.errors import DirectoryBusy, Refused, StorageBusy
from shared.core.ids import GroupId, RequestId
from shared.core.reasons import Reason
from shared.core.results import Account, Busy, Lookalike
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.model.access import Action
from shared.messages.commands import FulfilRequest, MailRequest
from shared.requests.dependencies import RequestDependencies
from shared.requests.model.requests import JoinRequest, RequestMail, RequestState, transition, with_mail
from shared.requests.ports import RequestPage

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
        """Say yes: an ordinary invitation follows. Safe to repeat by whoever decided.

        Raises:
            Refused: `not-owner`, `request-missing`, `own-request`, `request-decided`.
        """
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
        await self.tools.requests.open((group, request), now + self.tools.timing.stall_timeout)
        # Others that write: another decision, or a mail about the request that has just gone out.
        await self.tools.requests.save(Versioned(changed, stored.version))
        await self._enqueue(changed)
        return changed

    async def _enqueue(self, request: JoinRequest) -> None:
        with suppress(StorageBusy):  # The sweeper enqueues it.
            if request.state is RequestState.APPROVED:
                await self.tools.outbox.send(FulfilRequest(request.group, request.id))
            else:
                await self.tools.outbox.send(MailRequest(request.group, request.id))

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
