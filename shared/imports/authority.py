"""Which groups guests may be imported into, and who may. Where who answers for an import may not invite any more, the
import is paused until somebody who may resumes it."""

from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.directory import app_name, direct_link
from shared.core.errors import Refused
from shared.core.ids import GroupId
from shared.core.reasons import REASONS, Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.imports.model.imports import Import, ImportState, Target
from shared.imports.ports import ImportStore
from shared.membership.access import Access, Seen
from shared.membership.model.access import Action

NOT_NOW = (Reason.PERMISSION_MISSING, Reason.DIRECTORY_REFUSED)
"""Nothing could be learnt: it is asked again some time later."""


@dataclass(frozen=True, slots=True)
class Authority:
    access: Access
    imports: ImportStore
    tenant_id: str

    async def target_of_caller(self, group: GroupId, caller: Caller) -> Target:
        """The group that a caller imports to. Raises Refused as for a single invitation."""
        seen = await self.access.require(group, caller, Action.INVITE)
        self.access.require_open(seen)
        return self._target(seen)

    async def target_of_row(self, group: GroupId) -> Target:
        """A group that rows of an administrator's file name; one that takes no guests says why in `refused`. Raises
        DirectoryBusy where nothing could be learnt now, Refused `permission-missing`."""
        try:
            seen = await self.access.read(group, keep=True)
        except Refused as e:
            if e.reason is Reason.GROUP_MISSING:
                return Target(refused=e.reason)
            raise
        reason = self.access.closed(seen)
        return Target(refused=reason) if reason is not None else self._target(seen)

    async def require_role(self, record: Import) -> None:
        """Before a piece of an administrator's file is read. Raises Refused `authority-lost`, `permission-missing`;
        DirectoryBusy where nothing could be learnt now."""
        await self.access.require_role_still(record.authority, Action.IMPORT_TO_MANY)

    async def require_target(self, record: Import, group: GroupId) -> Target:
        """Before guests are invited into a group. Raises as `require_role`, `group-missing`, and why the group takes
        none."""
        if record.for_admin:
            await self.require_role(record)
        seen = await self.access.require_still(group, record.authority, Action.INVITE)
        self.access.require_open(seen)
        return self._target(seen)

    def _target(self, seen: Seen) -> Target:
        return Target(
            app_name=app_name(seen.facts.apps, seen.facts.name),
            direct_link=direct_link(seen.facts.apps, self.tenant_id),
            policies=tuple(app.policy for app in seen.apps),
        )

    @retry_on_conflict("the import")
    async def pause(self, record: Import, refused: Refused) -> bool:
        """Pause it, and say why, until somebody resumes it. Safe to repeat. False where somebody else answers for
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
