"""Whether anybody else counts on an account that is about to be deleted.

Of an invitation that is under way the directory shows nothing yet: the guest of another group who is pending here may
be on the way into that group. So the records are asked, not the directory alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.ids import GroupId
from shared.invitations.model.invitations import State
from shared.invitations.ports import Store
from shared.membership.ports import AppStore

_OVER = (State.FAILED, State.UNDONE)
_ALL = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StillWanted:
    store: Store
    setups: AppStore

    async def __call__(self, own: GroupId, addresses: Sequence[str]) -> set[str]:
        """Those of the addresses (by `Address.key`) that another group has invited, and has not taken back. Costs a
        request or two for each group that was set up, or has work under way."""
        if not addresses:
            return set()
        groups = {record.group for record in await self.setups.list_apps()}
        groups |= {group async for group, _ in self.store.open_chunks.list_open(due_before=_ALL)}
        wanted: set[str] = set()
        for group in sorted(groups - {own}):
            guards = await self.store.find_guards(group, addresses)
            wanted |= {key for key, guard in guards.items() if guard.invitation.state not in _OVER}
        return wanted
