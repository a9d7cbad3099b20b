"""What callers may see: one invitation, or those of a group."""

from dataclasses import dataclass

from shared.domain.access import Caller, may_see
from shared.domain.errors import Refused
from shared.domain.ids import GroupId, InvitationId
from shared.domain.invitations import Invitation, State
from shared.domain.reasons import Reason
from shared.ports.store import Page, Store
from shared.steps.group_access import GroupAccess


@dataclass(frozen=True, slots=True)
class ShowInvitations:
    access: GroupAccess
    store: Store

    async def one(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Raises Refused `invitation-missing` both where there is none and where the caller may not see it:
        the answer never tells whether it exists."""
        invitation = await self.store.read(invitation_id)
        if invitation is None:
            raise Refused(Reason.INVITATION_MISSING)
        if caller.may_see_everything or caller.object_id == invitation.inviter_id:
            return invitation
        try:
            group = await self.access.facts(invitation_id.group)
        except Refused as e:
            if e.reason is Reason.GROUP_MISSING:
                raise Refused(Reason.INVITATION_MISSING) from e
            raise
        if not may_see(caller, group):
            raise Refused(Reason.INVITATION_MISSING)
        return invitation

    async def of_group(
        self, group_id: GroupId, caller: Caller, *, state: State | None, continuation: str | None, limit: int
    ) -> Page:
        """Raises Refused `not-owner`, `group-missing`, or `parameter-invalid` for a continuation that was
        never given out."""
        await self.access.need_reader(group_id, caller)
        try:
            return await self.store.list_group(group_id, state=state, continuation=continuation, limit=limit)
        except ValueError as e:
            raise Refused(Reason.PARAMETER_INVALID, str(e), field="continuation") from e
