"""Take one invitation back: before the guest was asked, or while the guest has not accepted.

Removing and deleting are safe to repeat. What was there before the invitation, and what a guest has besides, stays.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.core.addresses import ERASED_ADDRESS
from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.errors import Refused
from shared.core.features import ALL, Feature, Features
from shared.core.ids import InvitationId, UserId
from shared.core.reasons import Reason
from shared.core.results import GuestLook, require_gone
from shared.core.versions import Versioned, retry_on_conflict
from shared.graph.ports import Directory
from shared.invitations.model.invitations import Invitation, State, advance
from shared.invitations.ports import Store
from shared.invitations.still_wanted import StillWanted
from shared.membership.access import Access
from shared.membership.model.access import Action
from shared.membership.stop import StopSwitch

_NOT_ASKED = (State.ACCEPTED, State.PARKED)


def _in_flight() -> Refused:
    return Refused(Reason.INVITATION_IN_FLIGHT, retry_after=timedelta(seconds=2))


@dataclass(frozen=True, slots=True)
class CancelInvitation:
    access: Access
    directory: Directory
    store: Store
    clock: Clock
    wanted: StillWanted
    stop: StopSwitch
    features: Features = ALL

    @retry_on_conflict("the invitation", otherwise=_in_flight)
    async def __call__(self, invitation_id: InvitationId, caller: Caller) -> Invitation:
        """Gives the invitation as it then is. Safe to repeat.

        Raises:
            Refused: `invitation-missing` (also where it is not the caller's), `invitation-in-flight`,
                `invitation-ended`, `guest-has-accepted`, `stopped` where the guest was asked already.
            DirectoryBusy: the directory could not be asked; a repeat goes on.
        """
        rows = {row.value.id: row for row in await self.store.read_chunk(invitation_id.group, invitation_id.chunk)}
        if invitation_id not in rows:
            raise Refused(Reason.INVITATION_MISSING)
        row = rows.pop(invitation_id)
        try:
            await self.access.require(invitation_id.group, caller, Action.CANCEL_INVITATION)
        except Refused as e:
            raise Refused(Reason.INVITATION_MISSING) from e
        invitation = row.value
        if invitation.state is State.UNDONE:
            return invitation
        if invitation.state is State.FAILED or invitation.address == ERASED_ADDRESS:
            raise Refused(Reason.INVITATION_ENDED)
        detail = "Cancelled before the guest was asked"
        if invitation.state not in _NOT_ASKED or invitation.effect_since is not None:
            if not invitation.is_final:
                raise _in_flight()
            detail = await self._take_back(invitation)
        undone = advance(invitation, State.UNDONE, self.clock.now(), detail=detail)
        # Of an import's chunk the end is written with its last record.
        ends = not invitation.is_final and all(other.value.is_final for other in rows.values())
        [saved] = await self.store.save([Versioned(undone, row.version)], before=[invitation], ends=ends)
        return saved.value

    async def _take_back(self, invitation: Invitation) -> str:
        """Undo what the invitation did; gives that in a person's words."""
        await self.stop.require_running()
        user = invitation.user_id or UserId("")
        # What else the guest has decides about the account alone, which stays where deleting is switched off.
        [look] = await self.directory.get_guests([user], accounts_alone=not self.features.has(Feature.UNDO))
        if not look.is_guest:
            raise Refused(Reason.NOT_A_GUEST)
        if look.exists and not look.pending:
            raise Refused(Reason.GUEST_HAS_ACCEPTED)
        if invitation.already_member:
            return "Cancelled; the guest was a member before and stays one"
        [left] = await self.directory.leave(invitation.id.group, [user])
        require_gone(left)
        await self.store.write_expiry(invitation.id.group, invitation.address.key, None)
        return f"Cancelled; the guest is no member any more, and {await self._account(invitation, user, look)}"

    async def _account(self, invitation: Invitation, user: UserId, look: GuestLook) -> str:
        if not look.exists:
            return "the account is gone"
        if not self.features.has(Feature.UNDO):
            return "the account stays: deleting accounts is switched off"
        if look.has_role:
            return "the account stays: it holds a directory role, so an administrator has to decide"
        if invitation.already_in_directory or look.has_more_than(invitation.id.group):
            return "the account stays: it was there before, or has another group or app"
        if await self.wanted(invitation.id.group, [invitation.address.key]):
            return "the account stays: another group has invited it, too"
        [deleted] = await self.directory.delete_guests([user])
        require_gone(deleted)
        return "the account, which nobody had ever used, is deleted"
