"""What earlier audits left and nobody needs any more."""

from dataclasses import replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Audit, Phase, Task
from shared.core.errors import Conflict, StorageBusy
from shared.core.versions import Versioned

PURGE = "tidy"
_ROWS, _AUDITS = 2000, 20


def purge_task() -> Task:
    return Task(Phase.EVALUATING, PURGE)


async def purge(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Delete what the last audit looked at, and findings that were kept long enough. Safe to repeat."""
    if audit.before is not None and not await tools.snapshot.forget_touched(audit.before, _ROWS):
        return task
    old = await tools.audits.list_untidied(audit.started_at - tools.settings.kept, _AUDITS)
    for stored in old:
        if not await tools.audits.forget(stored.value.id, _ROWS):
            return task
        try:
            await tools.audits.save(Versioned(replace(stored.value, is_tidied=True), stored.version))
        except Conflict as e:
            raise StorageBusy("another delivery tidies up") from e
    return task if len(old) == _AUDITS else replace(task, done=True)
