"""The groups that a person has to do with, and the apps that they open."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.access import Caller
from shared.domain.errors import Refused
from shared.domain.groups import App, GroupFacts
from shared.domain.ids import GroupId
from shared.domain.reasons import Reason
from shared.domain.setup.records import AppRecord
from shared.ports.rosters import Rosters
from shared.ports.setup_store import SetupStore
from shared.steps.group_access import GroupAccess, GroupRole, Seen, role_of


@dataclass(frozen=True, slots=True)
class ShowGroups:
    access: GroupAccess
    rosters: Rosters
    setups: SetupStore

    async def one(self, group: GroupId, caller: Caller) -> Seen:
        """Raises Refused `group-missing`, `not-owner`."""
        return await self.access.see(group, caller)

    async def of_caller(self, caller: Caller, *, with_all: bool) -> list[Seen]:
        """The groups that the caller owns or decides for; `with_all` adds those of all apps that are set up. By name.

        Raises:
            Refused: `not-admin`, where `with_all` is not the caller's to ask.
        """
        if with_all and not caller.may_see_everything:
            raise Refused(Reason.NOT_ADMIN)
        owned, apps = await asyncio.gather(self._owned(caller), self.setups.list_apps())
        by_group: dict[GroupId, list[AppRecord]] = {}
        for app in apps:
            by_group.setdefault(app.group, []).append(app)
        found = {g.id: Seen(g, tuple(by_group.get(g.id, ())), GroupRole.OWNER) for g in owned}
        for group, records in by_group.items():
            # An app that calls for itself owns what its record says: the directory lists people's groups alone.
            facts = _facts(records)
            role = role_of(caller, facts, tuple(records))
            is_mine = role is GroupRole.APPROVER or (role is GroupRole.OWNER and caller.is_app)
            if group not in found and role is not None and (is_mine or with_all):
                found[group] = Seen(facts, tuple(records), role)
        return sorted(found.values(), key=lambda s: (s.facts.name.casefold(), s.facts.id))

    async def _owned(self, caller: Caller) -> Sequence[GroupFacts]:
        return () if caller.is_app else await self.rosters.owned_groups(caller.object_id)


def _facts(records: Sequence[AppRecord]) -> GroupFacts:
    """A group as it was when its app was set up: what kind it is by now, the page of the group tells."""
    first = records[0]
    return GroupFacts(
        id=first.group,
        name=first.group_name,
        group_types=frozenset(),
        security_enabled=True,
        mail_enabled=False,
        synced=False,
        role_assignable=False,
        management_restricted=False,
        owners=frozenset(p.id for p in first.owners),
        apps=tuple(App(record.name, record.app_id) for record in records),
    )
