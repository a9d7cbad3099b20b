"""Whether who answers for an import may still invite; where not, it is paused until somebody who may resumes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.directory import GroupFacts, app_name, direct_link
from shared.core.errors import Refused
from shared.core.ids import GroupId
from shared.core.reasons import REASONS, Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.graph.ports import Directory
from shared.imports.model.imports import Import, ImportState, Target
from shared.imports.ports import ImportStore
from shared.membership.access import Access, Seen
from shared.membership.model.access import Action, InviteTo, closed, group_roles, may
from shared.membership.model.apps import AppRecord
from shared.membership.ports import AppStore

NOT_NOW = (Reason.PERMISSION_MISSING, Reason.DIRECTORY_REFUSED)
"""Nothing could be learnt: it is asked again some time later."""


@dataclass(frozen=True, slots=True)
class Authority:
    access: Access
    imports: ImportStore

    async def require_role(self, record: Import) -> None:
        """Before a piece of an administrator's file is read.

        Raises:
            Refused: `authority-lost`; `permission-missing`.
            DirectoryBusy: nothing could be learnt now.
        """
        await self.access.require_role_still(record.authority, Action.IMPORT_TO_MANY)

    async def require_group(self, record: Import, group: GroupId) -> Seen:
        """Before guests are invited into a group. Raises as `require_role`, `group-missing`, and why the group takes
        none."""
        if record.for_admin:
            await self.require_role(record)
        seen = await self.access.require_still(group, record.authority, Action.INVITE)
        self.access.require_open(seen)
        return seen

    @retry_on_conflict("the import")
    async def pause(self, record: Import, refused: Refused) -> bool:
        """Stand still, and say why, until somebody resumes it. Safe to repeat. False where somebody else answers for
        the import than did when `record` was read: then it goes on."""
        why = f"{REASONS[refused.reason].title}: {refused.detail or ''}".rstrip(": ")
        stored = await self.imports.read(record.id)
        if stored is None or stored.record.value.state is not ImportState.RUNNING:
            return True
        if stored.record.value.authority != record.authority:
            return False
        paused = replace(stored.record.value, state=ImportState.PAUSED, why=why)
        await self.imports.save(Versioned(paused, stored.record.version))
        return True


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
