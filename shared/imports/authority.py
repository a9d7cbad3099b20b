"""Whether who answers for an import may still invite; where not, it is paused until somebody who may resumes it."""

from dataclasses import dataclass, replace

from shared.core.errors import Refused
from shared.core.ids import GroupId
from shared.core.reasons import REASONS, Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.imports.model.imports import Import, ImportState
from shared.imports.ports import ImportStore
from shared.membership.access import Access, Seen
from shared.membership.model.access import Action

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
