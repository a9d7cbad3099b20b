"""What is left of guests who were taken out of a group again: an account stays, unless an invitation made it, nobody
ever used it, and nobody else counts on it. Deleting is safe to repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.features import ALL, Feature, Features
from shared.core.ids import GroupId, UserId
from shared.core.results import Declined, GuestLook, LeaveAnswer, require_known
from shared.graph.ports import Directory
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Store
from shared.membership.ports import AppStore

_OVER = (State.FAILED, State.UNDONE)
_ALL = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeleteUnused:
    directory: Directory
    store: Store
    setups: AppStore
    features: Features = ALL

    @property
    def is_on(self) -> bool:
        """Else memberships alone are taken back, and nobody needs to look at more."""
        return self.features.has(Feature.UNDO)

    async def __call__(
        self, group: GroupId, left: Sequence[Invitation], looks: Mapping[UserId, GuestLook]
    ) -> list[str | Declined]:
        """What became of the account of each guest who left, in a person's words, or why it could not be deleted.
        Accounts that were there before, or are to stay as deleting is switched off, need no look. Raises
        DirectoryBusy where nobody knows of some; a repeat goes on."""
        kept = [self.kept(i, looks.get(_user(i)), group) for i in left]
        idle = {i.address.key: _user(i) for i, why in zip(left, kept, strict=True) if why is None}
        wanted = await self._wanted(group, sorted(idle))
        users = [user for key, user in idle.items() if key not in wanted]
        answers = await self.directory.delete_guests(users) if users else []
        require_known(answers)
        deleted = dict(zip(users, answers, strict=True))
        return [why or _fate(deleted.get(_user(i))) for i, why in zip(left, kept, strict=True)]

    def kept(self, invitation: Invitation, look: GuestLook | None, group: GroupId) -> str | None:
        """Why the account is not deleted, as far as the directory shows."""
        if look is not None and not look.exists:
            return "the account is gone"
        if invitation.already_in_directory:
            return "the account stays: it was there before"
        if look is None or not self.is_on:
            return "the account stays: deleting accounts is switched off"
        if not look.is_guest or not look.pending:
            return "the account stays: the guest has come"
        if look.has_role:
            return "the account stays: it holds a directory role, so an administrator has to decide"
        return "the account stays: it has another group or app" if look.has_more_than(group) else None

    async def _wanted(self, own: GroupId, addresses: Sequence[str]) -> set[str]:
        """Those of the addresses (by `Address.key`) that another group has invited, and has not taken back. Costs a
        request or two for each group that was set up, or has work under way.

        Of an invitation that is under way the directory shows nothing yet: the guest of another group who is pending
        here may be on the way into that group. So the records are asked, not the directory alone."""
        if not addresses:
            return set()
        groups = {record.group for record in await self.setups.list_apps()}
        groups |= {group async for group, _ in self.store.open_chunks.list_open(due_before=_ALL)}
        wanted: set[str] = set()
        for group in sorted(groups - {own}):
            guards = await self.store.find_guards(group, addresses)
            wanted |= {key for key, guard in guards.items() if guard.invitation.state not in _OVER}
        return wanted


def _user(invitation: Invitation) -> UserId:
    return invitation.user_id or UserId("")


def _fate(answer: LeaveAnswer | None) -> str | Declined:
    if answer is None:
        return "the account stays: another group has invited it, too"
    return answer if isinstance(answer, Declined) else "the account, which nobody had ever used, is deleted"
