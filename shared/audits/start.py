"""An audit begins: by the timer, or by somebody who may."""

from dataclasses import dataclass, replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Audit, sets_of
from shared.audits.read import reading_tasks
from shared.core.caller import Caller
from shared.core.errors import Conflict, Refused, StorageBusy
from shared.core.features import Feature
from shared.core.ids import AuditId, new_id
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import RunAudit

BY_TIMER = "the timer"


@dataclass(frozen=True, slots=True)
class StartAudit:
    tools: AuditDependencies

    async def start_manual(self, caller: Caller) -> Audit:
        """Raises Refused `not-admin`, `feature-off`; `audit-running` naming the one that runs: two would share out
        the changes."""
        require(caller, Action.RUN_AUDITS)
        self.tools.features.need(Feature.AUDITS)
        audit = await self._start(f"{caller.name} ({caller.object_id})")
        if audit is None:
            position = await self.tools.audits.read_position()
            raise Refused(Reason.AUDIT_RUNNING, location=position.value.running)
        return audit

    @property
    def is_on(self) -> bool:
        return self.tools.features.has(Feature.AUDITS)

    async def start_scheduled(self) -> Audit | None:
        """None where one is running, or audits are switched off."""
        if not self.is_on:
            return None
        return await self._start(BY_TIMER)

    async def _start(self, who: str) -> Audit | None:
        tools, now = self.tools, self.tools.clock.now()
        position = await tools.audits.read_position()
        if position.value.running is not None:
            return None
        before, apps = position.value, await tools.setups.list_apps()
        audit = Audit(
            id=AuditId(new_id(now, tools.clock.random_hex(10))),
            started_at=now,
            started_by=who,
            full=before.is_torn,
            sets=sets_of({app.group for app in apps}, before.sets),
            users_since=before.users_since,
            read_from=before.read_from,
            before=before.last,
            apps=len(apps),
        )
        # The claim first: an audit that nobody claimed is never begun, and one that was claimed is begun again.
        try:
            claimed = replace(before, running=audit.id, running_since=now)
            await tools.audits.write_position(Versioned(claimed, position.version))
        except Conflict:
            return None
        tasks = reading_tasks(audit, before.users)
        await tools.audits.add_tasks(audit.id, tasks)
        try:
            await tools.audits.save(Versioned(audit, None))
        except Conflict as e:
            raise StorageBusy("the audit was written before") from e
        for task in tasks:
            await tools.outbox.send(RunAudit(audit.id, task.name))
        return audit
