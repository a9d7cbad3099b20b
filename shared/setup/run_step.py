"""Run one step of a setup, whichever a command names, and say which are ready after it.

A step reads what is there, makes what is missing and writes down what came of it; two deliveries of one step do
no more harm than one. What comes next follows from the records, so a delivery that died between writing and
enqueueing leaves nothing behind that the next delivery does not find.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.errors import Conflict, DirectoryLagging, Refused, Unavailable
from shared.core.versions import Versioned
from shared.core.waits import busy_wait, replication_wait
from shared.membership.model.apps import AppRecord, with_made
from shared.messages.commands import RunSetupStep, SetupStep
from shared.messages.outcomes import Outcome, later
from shared.setup.model import ORDER, StepRecord, StepState, StoredSetup
from shared.setup.run import NotYet, Result, Tools, Work
from shared.setup.steps.application import find_application, set_single_sign_on
from shared.setup.steps.group import add_owners, assign_group, assign_owners, make_group
from shared.setup.steps.self_service import enable_self_service_groups, open_self_service
from shared.setup.steps.verify import Differs, verify

log = logging.getLogger("guestlist")

BODIES: dict[SetupStep, Callable[[Work], Awaitable[Result]]] = {
    SetupStep.SELF_SERVICE_GROUPS: enable_self_service_groups,
    SetupStep.GROUP: make_group,
    SetupStep.OWNERS: add_owners,
    SetupStep.APPLICATION: find_application,
    SetupStep.SINGLE_SIGN_ON: set_single_sign_on,
    SetupStep.SELF_SERVICE_ACCESS: open_self_service,
    SetupStep.GROUP_ASSIGNMENT: assign_group,
    SetupStep.OWNER_ASSIGNMENT: assign_owners,
    SetupStep.VERIFY: verify,
}
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RunSetupStepNow:
    tools: Tools

    async def __call__(self, command: RunSetupStep) -> Outcome:
        """Take the step as far as it goes now. Safe to repeat at any time."""
        store, now = self.tools.store, self.tools.clock.now()
        stored = await store.read(command.setup)
        if stored is None:
            log.warning("setup %s is not there", command.setup)
            return Outcome(note="no such setup")
        if command.step not in stored.setup.to_run:
            return await self._next(stored, command.step)
        try:
            begun = stored.setup.steps[command.step]
            begun = replace(begun, attempts=begun.attempts + 1, started_at=begun.started_at or now)
            work = Work(self.tools, await store.save(stored, [begun]), command.step, now, attempt=command.attempt)
            record = await self._run(work)
            await self._keep(work, record)
            stored = await store.save(work.stored, [record])
        except Conflict:
            return later(command, now + _SOON, "another delivery wrote first")
        except Unavailable as e:
            return await self._later(command, e, now)
        # Read again: a step that ran side by side may have ended meanwhile, and only one of the two sees both.
        again = await store.read(command.setup)
        return await self._next(again or stored, command.step)

    async def _run(self, work: Work) -> StepRecord:
        """The record of the step as it is after it; raises Unavailable where it has to wait."""
        try:
            # Switched off since it was begun: it fails with that, and goes on with a retry when it is on again.
            work.tools.require_features(work.plan)
            result = await BODIES[work.step](work)
        except Refused as e:
            log.info("setup %s, %s refused: %s", work.setup.id, work.step.value, e.reason.value)
            failed = work.record.failed(work.now, e.reason, e.detail)
            return replace(failed, checks=e.checks) if isinstance(e, Differs) else failed
        record = replace(
            work.record,
            state=StepState.DONE,
            finished_at=work.now,
            changes=result.changes,
            notes=result.notes,
            checks=result.checks,
            found=result.found,
            task=result.task,
            reason=None,
            detail=None,
        )
        if result.task is None:
            return record
        confirmation = await self.tools.store.read_confirmation(result.task.key)
        if confirmation is not None:
            return replace(record, confirmation=confirmation)
        return replace(record, state=StepState.MANUAL, finished_at=None)

    async def _keep(self, work: Work, record: StepRecord) -> None:
        """Keep with the app what Guestlist made for it, from the moment that app and group are known: it can be
        removed again whatever becomes of this setup. Safe to repeat."""
        setup = work.setup.with_steps(record)
        found = setup.found
        if found.app is None or found.group is None or record.state is StepState.FAILED:
            return
        made = [c for r in setup.steps.values() for c in r.changes]
        stored = await self.tools.store.read_app(found.app.app_id)
        fresh = AppRecord(
            app_id=found.app.app_id,
            name=found.app.name,
            service_principal=found.app.service_principal,
            group=found.group.id,
            group_name=found.group.name,
            owners=found.owners,
            approvers=found.approvers,
            policy=setup.plan.policy,
            setup=setup.id,
            updated_at=work.now,
        )
        before = stored.value if stored else fresh
        kept = with_made(replace(before, group=fresh.group, group_name=fresh.group_name, name=fresh.name), made)
        if stored is None or kept != stored.value:
            await self.tools.store.save_app(Versioned(kept, stored.version if stored else None))

    async def _later(self, command: RunSetupStep, error: Unavailable, now: datetime) -> Outcome:
        if isinstance(error, NotYet):
            wait = error.retry_after or _SOON
        elif isinstance(error, DirectoryLagging):
            wait = replication_wait(command.attempt)
        else:
            wait = busy_wait(command.attempt, error.retry_after, self.tools.clock.jitter())
        wake_at = now + wait
        await self.tools.store.open(command.setup, wake_at + self.tools.timing.stall_timeout)
        return later(command, wake_at, str(error))

    async def _next(self, stored: StoredSetup, after: SetupStep) -> Outcome:
        """What waited for this step and may begin. Steps that run side by side have been told already."""
        setup = stored.setup
        if not setup.to_run:
            await self.tools.store.close(setup.id)
        then = [step for step in setup.to_run if after in ORDER[step].after]
        return Outcome(then=tuple(RunSetupStep(setup.id, step) for step in then))
