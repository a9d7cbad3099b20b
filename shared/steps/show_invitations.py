"""What callers may see: one invitation, or those of a group."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.access import Caller, may_see_invitations
from shared.domain.errors import Refused
from shared.domain.groups import GroupFacts
from shared.domain.ids import GroupId, InvitationId
from shared.domain.invitations import Invitation, State
from shared.domain.reasons import Reason
from shared.ports.clock import Clock
from shared.ports.directory import Directory
from shared.ports.store import Page, Store

REMEMBERED = timedelta(seconds=30)
"""How long a group's owners may be remembered for reading. Inviting always asks the directory."""
_ROOM = 500


@dataclass(slots=True)
class ShowInvitations:
    """Reads are checked like writes; only the owners may be `REMEMBERED` seconds old, so that a page that
    polls does not cost a Graph call each time."""

    directory: Directory
    store: Store
    clock: Clock
    _groups: dict[GroupId, tuple[datetime, GroupFacts]] = field(default_factory=dict)

    async def one(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Raises Refused `invitation-missing` both where there is none and where the caller may not see it:
        the answer never tells whether it exists."""
        invitation = await self.store.read(invitation_id)
        if invitation is None:
            raise Refused(Reason.INVITATION_MISSING)
        if caller.is_admin or caller.object_id == invitation.inviter_id:
            return invitation
        try:
            group = await self._group(invitation_id.group)
        except Refused as e:
            if e.reason is Reason.GROUP_MISSING:
                raise Refused(Reason.INVITATION_MISSING) from e
            raise
        if not may_see_invitations(caller, group):
            raise Refused(Reason.INVITATION_MISSING)
        return invitation

    async def of_group(
        self, group_id: GroupId, caller: Caller, *, state: State | None, continuation: str | None, limit: int
    ) -> Page:
        """Raises Refused `not-owner`, `group-missing`, or `parameter-invalid` for a continuation that was
        never given out."""
        if not caller.is_admin and not may_see_invitations(caller, await self._group(group_id)):
            raise Refused(Reason.NOT_OWNER)
        try:
            return await self.store.list_group(group_id, state=state, continuation=continuation, limit=limit)
        except ValueError as e:
            raise Refused(Reason.PARAMETER_INVALID, str(e), field="continuation") from e

    async def _group(self, group_id: GroupId) -> GroupFacts:
        now = self.clock.now()
        known = self._groups.get(group_id)
        if known is not None and known[0] > now - REMEMBERED:
            return known[1]
        group = await self.directory.read_group(group_id)
        if len(self._groups) >= _ROOM:
            self._groups.clear()
        self._groups[group_id] = (now, group)
        return group
