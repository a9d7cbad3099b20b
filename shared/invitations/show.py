"""What callers may see: one invitation, or those of a group."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import GroupId, InvitationId
from shared.core.reasons import Reason
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Page, Store
from shared.membership.access import Access
from shared.membership.model.access import Action, Role, may


@dataclass(frozen=True, slots=True)
class ShowInvitations:
    access: Access
    store: Store

    async def one(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Raises Refused `invitation-missing` both where there is none and where the caller may not see it:
        the answer never tells whether it exists."""
        invitation = await self.store.read(invitation_id)
        if invitation is None:
            raise Refused(Reason.INVITATION_MISSING)
        try:
            seen = await self.access.require(invitation_id.group, caller, Action.SEE_GROUP)
        except Refused as e:
            if e.reason in (Reason.GROUP_MISSING, Reason.NOT_OWNER):
                raise Refused(Reason.INVITATION_MISSING) from e
            raise
        # An app sees what it asked for itself, as long as it may ask.
        own = Role.INVITER in seen.roles and caller.object_id == invitation.inviter_id
        if not own and not may(seen.roles, Action.READ_GUESTS):
            raise Refused(Reason.INVITATION_MISSING)
        return _shown(invitation, seen.roles)

    async def of_group(
        self, group_id: GroupId, caller: Caller, *, state: State | None, continuation: str | None, limit: int
    ) -> Page:
        """Raises Refused `not-owner`, `group-missing`, or `parameter-invalid` for a continuation that was
        never given out."""
        seen = await self.access.require(group_id, caller, Action.READ_GUESTS)
        page = await self.store.list_group(group_id, state=state, continuation=continuation, limit=limit)
        return replace(page, invitations=[_shown(i, seen.roles) for i in page.invitations])


def _shown(invitation: Invitation, roles: Collection[Role]) -> Invitation:
    """Whoever has the link can accept in the guest's place: readers are not given it."""
    return invitation if may(roles, Action.SEE_REDEEM_LINK) else replace(invitation, redeem_url=None)
