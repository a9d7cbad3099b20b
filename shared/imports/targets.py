"""The groups that an import's rows go to, with the policies of the apps they open."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.caller import Caller
from shared.core.directory import GroupFacts, app_name, direct_link
from shared.core.errors import Refused
from shared.core.ids import GroupId
from shared.core.reasons import REASONS, Reason
from shared.graph.ports import Directory
from shared.imports.model.imports import Target
from shared.membership.model.access import Action, InviteTo, closed, group_roles, may
from shared.membership.model.apps import AppRecord
from shared.membership.ports import AppStore


@dataclass(frozen=True, slots=True)
class Targets:
    directory: Directory
    setups: AppStore
    tenant_id: str
    invite_to: InviteTo = InviteTo.SET_UP

    async def of_caller(self, group: GroupId, caller: Caller) -> Target:
        """The group that a caller imports to.

        Raises:
            Refused: as for a single invitation: `not-owner`, the kind of group, `app-being-removed`,
                `group-not-set-up`.
        """
        facts, apps = await asyncio.gather(self.directory.read_group(group), self.setups.list_apps(group))
        if not may(group_roles(caller.object_id, caller.roles, facts, apps), Action.INVITE):
            raise Refused(Reason.NOT_OWNER)
        if (reason := closed(facts, apps, self.invite_to)) is not None:
            raise Refused(reason, f"'{facts.name}': {REASONS[reason].title.lower()}")
        return self.made_of(facts, apps)

    async def of_row(self, group: GroupId) -> Target:
        """A group that rows of an administrator's file name; one that takes no guests says why in `refused`.

        Raises:
            DirectoryBusy: nothing could be learnt now.
            Refused: `permission-missing`.
        """
        try:
            facts, apps = await asyncio.gather(
                self.directory.read_group(group, keep=True), self.setups.list_apps(group)
            )
        except Refused as e:
            if e.reason is Reason.GROUP_MISSING:
                return Target(refused=e.reason)
            raise
        if (reason := closed(facts, apps, self.invite_to)) is not None:
            return Target(refused=reason)
        return self.made_of(facts, apps)

    def made_of(self, facts: GroupFacts, apps: Sequence[AppRecord]) -> Target:
        return Target(
            app_name=app_name(facts.apps, facts.name),
            direct_link=direct_link(facts.apps, self.tenant_id),
            policies=tuple(app.policy for app in apps),
        )
