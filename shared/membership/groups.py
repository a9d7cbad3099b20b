"""The groups that a person has to do with, and the apps that they open."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.caller import Caller
from shared.core.groups import GroupApp, GroupFacts
from shared.core.ids import GroupId
from shared.graph.ports import GuestReader
from shared.membership.access import Access, Seen, require
from shared.membership.model.access import Action, Role, group_roles
from shared.membership.model.apps import AppRecord
from shared.membership.ports.apps import AppStore


@dataclass(frozen=True, slots=True)
class ShowGroups:
    access: Access
    guest_reader: GuestReader
    setups: AppStore

    async def one(self, group: GroupId, caller: Caller) -> Seen:
        """Raises Refused `group-missing`, `not-owner`."""
        return await self.access.require(group, caller, Action.SEE_GROUP)

    async def of_caller(self, caller: Caller, *, with_all: bool) -> list[Seen]:
        """The groups that the caller owns or decides for; `with_all` adds those of all apps that are set up. By name.
        Raises Refused `not-admin`, where `with_all` is not the caller's to ask."""
        if with_all:
            require(caller, Action.LIST_ALL_GROUPS)
        owned, apps = await asyncio.gather(self._owned(caller), self.setups.list_apps())
        by_group: dict[GroupId, list[AppRecord]] = {}
        for app in apps:
            by_group.setdefault(app.group, []).append(app)
        found = {g.id: self._seen(caller, g, by_group.get(g.id, ())) for g in owned}
        for group, records in by_group.items():
            # An app that calls for itself owns what its record says: the directory lists people's groups alone.
            seen = self._seen(caller, _facts(records), records)
            mine = {Role.APPROVER, Role.INVITER} | ({Role.OWNER} if caller.is_app else set())
            if group not in found and seen.roles and (with_all or seen.roles & mine):
                found[group] = seen
        return sorted(found.values(), key=lambda s: (s.facts.name.casefold(), s.facts.id))

    def _seen(self, caller: Caller, facts: GroupFacts, records: Sequence[AppRecord]) -> Seen:
        return Seen(facts, tuple(records), group_roles(caller.object_id, caller.roles, facts, records))

    async def _owned(self, caller: Caller) -> Sequence[GroupFacts]:
        return () if caller.is_app else await self.guest_reader.owned_groups(caller.object_id)


def _facts(records: Sequence[AppRecord]) -> GroupFacts:
    """A group as it was when its app was set up: what kind it is by now, the page of the group tells."""
    first = records[0]
    return GroupFacts(
        id=first.group,
        name=first.group_name,
        owners=frozenset(p.id for p in first.owners),
        apps=tuple(GroupApp(record.name, record.app_id) for record in records),
    )
