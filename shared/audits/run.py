"""An audit begins, by the timer or by somebody who may, and goes on task by task: whoever finishes the last of a
phase begins the next."""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.audits.dependencies import AuditDependencies
from shared.audits.evaluate import evaluate, evaluation_tasks
from shared.audits.model.records import TOTAL, Audit, Checkpoint, Phase, PlanState, Task, count, sets_of
from shared.audits.plan import plan, planning_tasks
from shared.audits.read import USERS, after_reading, history_tasks, load_history, read, reading_tasks
from shared.core.caller import Caller
from shared.core.errors import Conflict, Refused, StorageBusy, Unavailable
from shared.core.features import Feature
from shared.core.ids import AppId, AuditId, new_id
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import ApplyRemedies, RunAudit
from shared.messages.outcomes import Outcome, later, later_when_free
from shared.messages.sweep import ENDED, NextCheck

log = logging.getLogger("guestlist")
_SOON = timedelta(seconds=1)
_EVER = datetime.min.replace(tzinfo=UTC)
_WORK = {
    Phase.READING: read,
    Phase.LOADING_HISTORY: load_history,
    Phase.EVALUATING: evaluate,
    Phase.PLANNING: plan,
}


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
        return await self._start("the timer")

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


@dataclass(frozen=True, slots=True)
class RunAuditTask:
    tools: AuditDependencies

    async def __call__(self, command: RunAudit) -> Outcome:
        """One delivery: some pages of a task. Safe to repeat and to run beside itself."""
        try:
            return await self._deliver(command)
        except Unavailable as e:
            return later_when_free(command, e, self.tools.clock)
        except Conflict:
            return later(command, self.tools.clock.now() + _SOON, "another delivery wrote first")

    async def _deliver(self, command: RunAudit) -> Outcome:
        tools = self.tools
        stored = await tools.audits.read(command.audit)
        task = await tools.audits.read_task(command.audit, command.task)
        if stored is None or task is None or stored.value.is_over:
            return Outcome(note="nothing to do")
        audit = stored.value
        if not task.done:
            if task.phase is not audit.phase:
                return Outcome(note="not its turn")
            try:
                task = await _WORK[audit.phase](tools, audit, task)
            except Refused as e:
                await fail(tools, audit.id, str(e))
                return Outcome(note=e.reason.value)
            await tools.audits.write_task(audit.id, task)
            if not task.done:
                return Outcome(then=(RunAudit(audit.id, task.name),))
        return await self._go_on(audit.id, task)

    async def _go_on(self, audit_id: AuditId, task: Task) -> Outcome:
        """Begin the next phase where this one is done. Exactly one delivery does; a later one of the same message
        sends what the first may have died before sending."""
        tools = self.tools
        stored = await tools.audits.read(audit_id)
        if stored is None or stored.value.is_over:
            return Outcome(note="the audit is over")
        audit = stored.value
        tasks = {t.name: t for t in await tools.audits.list_tasks(audit_id)}
        undone = [t for t in tasks.values() if t.phase is audit.phase and not t.done]
        if undone and task.phase is audit.phase:
            return Outcome(note="others go on")
        if undone:
            return Outcome(then=tuple(RunAudit(audit_id, t.name) for t in undone), note="sent again")
        changed, fresh = await self._next(audit, tasks)
        if not fresh:
            return await self._close(stored, tasks[USERS])
        await tools.audits.add_tasks(audit_id, fresh)
        try:
            await tools.audits.save(Versioned(changed, stored.version))
        except Conflict:
            return Outcome(note="another delivery began it, or the audit is over")
        return Outcome(then=tuple(RunAudit(audit_id, t.name) for t in fresh))

    async def _next(self, audit: Audit, tasks: dict[str, Task]) -> tuple[Audit, list[Task]]:
        apps = await self.tools.setups.list_apps()
        match audit.phase:
            case Phase.READING:
                read_through = replace(after_reading(audit, tasks), phase=Phase.LOADING_HISTORY)
                return read_through, history_tasks(read_through, sorted({app.group for app in apps}))
            case Phase.LOADING_HISTORY:
                return replace(audit, phase=Phase.EVALUATING), evaluation_tasks(audit, apps)
            case Phase.EVALUATING if self.tools.features.has(Feature.REMEDIES):
                return replace(audit, phase=Phase.PLANNING), planning_tasks(apps)
            case _:
                return audit, []

    async def _close(self, stored: Versioned[Audit], users: Task) -> Outcome:
        """Count, remember how far the directory was read, and say that the audit is done. The position is written
        first: whoever dies in between leaves an audit that the next delivery closes."""
        tools, audit = self.tools, stored.value
        counts = await self._count(audit)
        await tools.audits.write_totals(audit.id, TOTAL, await tools.sum_totals(audit))
        await tools.snapshot.forget_due(audit.started_at)
        position = await tools.audits.read_position()
        if position.value.running == audit.id:
            reached = Checkpoint(
                last=audit.id,
                users=users.cursor,
                users_since=audit.users_since,
                sets=audit.sets,
                # What changed while this audit ran, or was too fresh for it, is looked at again.
                read_from=audit.started_at - tools.settings.settling,
            )
            await tools.audits.write_position(Versioned(reached, position.version))
        done = replace(audit, phase=Phase.DONE, ended_at=tools.clock.now(), counts=counts)
        try:
            await tools.audits.save(Versioned(done, stored.version))
        except Conflict:
            return Outcome(note="another delivery closed the audit")
        log.info("audit %s done: %d findings", audit.id, counts.get("findings", 0))
        return Outcome(note="closed")

    async def _count(self, audit: Audit) -> dict[str, int]:
        counts = Counter(findings=0)
        async for f in self.tools.audits.all_findings(audit.id):
            # An event for whoever listens to the logs; who it is about is in the report.
            log.info("finding %s of audit %s: %s (%s) app %s", f.id, audit.id, f.rule.value, f.severity.value, f.app)
            counts.update(count([f]), findings=1)
        return dict(counts)

    async def give_up(self, command: RunAudit) -> None:
        """End the audit of a message that failed too often. Safe to repeat."""
        await fail(self.tools, command.audit, f"the task '{command.task}' stopped with an error in every delivery")

    async def sweep(self) -> int:
        """Send again what is open of the audit that runs; gives how many messages were sent. Safe to repeat."""
        tools = self.tools
        position = (await tools.audits.read_position()).value
        running = position.running
        # Between the claim and the first row there is a moment; whoever died in it is let some time.
        if running is None or tools.clock.now() < (position.running_since or _EVER) + tools.timing.stall_timeout:
            return 0
        stored = await tools.audits.read(running)
        if stored is None:
            # Claimed, and never written: there is nothing to go on with.
            await fail(tools, running, "it was never begun")
            return 0
        if stored.value.is_over:
            await fail(tools, running, "it was over already")
            return 0
        tasks = [t for t in await tools.audits.list_tasks(running) if t.phase is stored.value.phase]
        wanted = [t for t in tasks if not t.done] or tasks[:1]
        for task in wanted:
            await tools.outbox.send(RunAudit(running, task.name))
        return len(wanted)

    async def look_at(self, id_: tuple[AuditId, AppId], now: datetime) -> NextCheck:
        """What is being carried out in an app and has stalled."""
        if not self.tools.features.has(Feature.REMEDIES):
            return NextCheck(now)  # It has stalled until the feature is on again.
        stored = await self.tools.remedies.read_plan(*id_)
        if stored is None or stored.value.state not in (PlanState.RUNNING, PlanState.UNDOING):
            return ENDED
        command = ApplyRemedies(*id_, stored.value.state is PlanState.UNDOING)
        return NextCheck(now + self.tools.timing.stall_timeout, [command])


@retry_on_conflict("the audit", attempts=8)
async def fail(tools: AuditDependencies, audit_id: AuditId, why: str) -> None:
    """End an audit that cannot go on; the next one begins where the last good one ended. Safe to repeat."""
    stored = await tools.audits.read(audit_id)
    position = await tools.audits.read_position()
    if stored is not None and not stored.value.is_over:
        ended = replace(stored.value, phase=Phase.FAILED, ended_at=tools.clock.now(), detail=why)
        await tools.audits.save(Versioned(ended, stored.version))
    if position.value.running == audit_id:
        free = replace(position.value, running=None, running_since=None, is_torn=True)
        await tools.audits.write_position(Versioned(free, position.version))
    log.error("audit %s failed: %s", audit_id, why)
