"""Who may look at a group, work on it, and decide about requests to join it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.access import Caller, may_invite, may_see
from shared.domain.errors import Refused
from shared.domain.groups import GroupFacts
from shared.domain.ids import GroupId
from shared.domain.reasons import Reason
from shared.domain.setup.records import AppRecord
from shared.ports.clock import Clock
from shared.ports.directory import Directory
from shared.ports.setup_store import SetupStore

REMEMBERED = timedelta(seconds=30)
"""How long a group's owners may be remembered for reading. Writing always asks the directory."""
_ROOM = 500


class GroupRole(StrEnum):
    """What a caller is to a group; the first that fits."""

    OWNER = "owner"
    APPROVER = "approver"
    ADMIN = "admin"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Seen:
    """A group, the apps that were set up with it, and what the caller is to it."""

    facts: GroupFacts
    apps: tuple[AppRecord, ...]
    role: GroupRole

    @property
    def app(self) -> AppRecord | None:
        """The app whose policy holds, where there is one."""
        return self.apps[0] if self.apps else None


@dataclass(slots=True)
class GroupAccess:
    """Reads are checked like writes; only the owners may be `REMEMBERED` seconds old, so that a page that polls
    does not cost a Graph call each time."""

    directory: Directory
    setups: SetupStore
    clock: Clock
    _groups: dict[GroupId, tuple[datetime, GroupFacts]] = field(default_factory=dict)

    async def see(self, group_id: GroupId, caller: Caller) -> Seen:
        """Raises Refused `group-missing`, or `not-owner` for who is nothing to the group."""
        facts = await self.facts(group_id)
        apps = tuple(await self.setups.list_apps(group_id))
        role = role_of(caller, facts, apps)
        if role is None:
            raise Refused(Reason.NOT_OWNER)
        return Seen(facts, apps, role)

    async def need_reader(self, group_id: GroupId, caller: Caller) -> None:
        """Owners, administrators, auditors. Raises Refused `not-owner`, `group-missing`."""
        if not caller.may_see_everything and not may_see(caller, await self.facts(group_id)):
            raise Refused(Reason.NOT_OWNER)

    async def need_owner(self, group_id: GroupId, caller: Caller) -> GroupFacts:
        """Owners and administrators, as the directory says now. Raises Refused `not-owner`, `group-missing`."""
        facts = await self.directory.read_group(group_id)
        if not may_invite(caller, facts):
            raise Refused(Reason.NOT_OWNER)
        return facts

    async def need_decider(self, group_id: GroupId, caller: Caller) -> None:
        """Owners, the approvers that the policy names, administrators. Raises Refused `not-owner`."""
        facts = await self.directory.read_group(group_id)
        role = role_of(caller, facts, tuple(await self.setups.list_apps(group_id)))
        if role is None or role is GroupRole.AUDITOR:
            raise Refused(Reason.NOT_OWNER)

    async def facts(self, group_id: GroupId) -> GroupFacts:
        """As they were within the last `REMEMBERED`. Raises Refused `group-missing`."""
        now = self.clock.now()
        known = self._groups.get(group_id)
        if known is not None and known[0] > now - REMEMBERED:
            return known[1]
        group = await self.directory.read_group(group_id)
        if len(self._groups) >= _ROOM:
            self._groups.clear()
        self._groups[group_id] = (now, group)
        return group


def role_of(caller: Caller, facts: GroupFacts, apps: tuple[AppRecord, ...]) -> GroupRole | None:
    """None for who is nothing to the group."""
    if caller.object_id in facts.owners:
        return GroupRole.OWNER
    if caller.is_admin:
        return GroupRole.ADMIN
    if any(caller.object_id == person.id for app in apps for person in app.approvers):
        return GroupRole.APPROVER
    return GroupRole.AUDITOR if caller.may_see_everything else None
