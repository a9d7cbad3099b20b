"""What people do with setups: ask for one, or for what it would do; look at it, confirm a manual task, try again."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.checks import Confirmation
from shared.core.errors import Conflict, DirectoryLagging, Refused, StorageBusy
from shared.core.features import Feature
from shared.core.ids import AppId, SetupId
from shared.core.reasons import Reason
from shared.core.versions import retry_on_conflict
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import RunSetupStep, SetupStep
from shared.setup.model import (
    AppSpec,
    Setup,
    SetupPlan,
    StepRecord,
    StepState,
    StoredSetup,
    new_setup,
    sorted_by_need,
)
from shared.setup.run import Result, Tools, Work
from shared.setup.run_step import BODIES


@dataclass(frozen=True, slots=True)
class NewSetup:
    """What an admin asked for. `digest` stands for the whole body, to tell a repeat from another request."""

    plan: SetupPlan
    digest: str


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """What a step would do, or why it cannot."""

    step: SetupStep
    would_do: tuple[str, ...] = ()
    result: Result | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answers to a question that a failed step asked."""

    app_role: str | None = None
    app_id: AppId | None = None


@dataclass(frozen=True, slots=True)
class SetupCommands:
    tools: Tools

    async def start(self, new: NewSetup, caller: Caller, key: str | None) -> Setup:
        """Take the setup; with an idempotency key a repeat gives the same one. Raises Refused `not-admin`,
        `feature-off`, `idempotency-key-reused`, and StorageBusy: nothing was taken."""
        require(caller, Action.RUN_SETUP)
        self.tools.require_features(new.plan)
        tools, now = self.tools, self.tools.clock.now()
        given = hashlib.sha256(f"{caller.object_id}\n{key}".encode()).hexdigest()[:22]
        setup_id = SetupId(tools.clock.random_hex(22) if key is None else given)
        setup = new_setup(setup_id, new.plan, new.digest, now=now, creator=caller.object_id, name=caller.name)
        # Remembered first: whatever stops after this line is found by the sweeper.
        await tools.store.open(setup_id, now + tools.timing.stall_timeout)
        try:
            await tools.store.create(setup)
        except Conflict as e:
            there = await tools.store.read(setup_id)
            if there is None:
                raise Refused(Reason.STORAGE_BUSY) from e
            if there.setup.digest != new.digest:
                raise Refused(Reason.IDEMPOTENCY_KEY_REUSED) from e
            setup = there.setup
        await self._enqueue(setup)
        return setup

    async def dry_run(self, plan: SetupPlan, caller: Caller) -> list[DryRunResult]:
        """What each step would do. Reads the directory, changes nothing anywhere. Raises Refused `not-admin`,
        `feature-off`, and DirectoryBusy."""
        require(caller, Action.RUN_SETUP)
        self.tools.require_features(plan)
        now = self.tools.clock.now()
        setup = new_setup(SetupId("0" * 22), plan, "", now=now, creator=caller.object_id, name=caller.name)
        said: dict[SetupStep, DryRunResult] = {}
        for step in sorted_by_need():
            said[step] = await self._dry_run_of(setup, step)
            result = said[step].result
            record = setup.steps[step]
            if result is not None:
                record = replace(record, state=StepState.DONE, found=result.found)
            setup = setup.with_steps(record)
        return [said[step] for step in SetupStep]

    async def _dry_run_of(self, setup: Setup, step: SetupStep) -> DryRunResult:
        if step not in setup.to_run:
            return DryRunResult(step)
        work = Work(self.tools, StoredSetup(setup, {}), step, self.tools.clock.now(), dry=True)
        try:
            result = await BODIES[step](work)
        except Refused as e:
            return DryRunResult(step, refused=e)
        except DirectoryLagging:
            result = Result()
        return DryRunResult(step, tuple(work.would_do), result)

    async def show(self, setup_id: SetupId, caller: Caller) -> Setup:
        """Raises Refused `not-admin`, `setup-missing`."""
        require(caller, Action.READ_SETUPS)
        return (await self._read(setup_id)).setup

    async def list_all(self, caller: Caller) -> list[Setup]:
        """All setups, the newest first. Raises Refused `not-admin`."""
        require(caller, Action.READ_SETUPS)
        return sorted(await self.tools.store.list_all(), key=lambda s: s.created_at, reverse=True)

    async def confirm(self, setup_id: SetupId, step: SetupStep, caller: Caller, note: str | None) -> Setup:
        """A person says that a manual task is done. Who and when is kept, for this setup and for later ones that ask
        for the same. Safe to repeat. Raises Refused `not-admin`, `feature-off`, `setup-missing`,
        `step-not-manual`."""
        require(caller, Action.RUN_SETUP)
        self.tools.features.need(Feature.SETUP)

        def confirmed(stored: StoredSetup) -> tuple[Setup, list[StepRecord]]:
            record = stored.setup.steps[step]
            if record.state is StepState.DONE and record.confirmation is not None:
                return stored.setup, []
            if record.state is not StepState.MANUAL:
                raise Refused(Reason.STEP_NOT_MANUAL, f"'{step.value}' is {stored.setup.state_of(step).value}")
            said = Confirmation(caller.object_id, caller.name, self.tools.clock.now(), note)
            done = replace(record, state=StepState.DONE, finished_at=said.at, confirmation=said)
            return stored.setup, [done]

        setup = await self._change(setup_id, confirmed)
        record = setup.steps[step]
        if record.task is not None and record.confirmation is not None:
            await self.tools.store.write_confirmation(record.task.key, record.confirmation)
        return setup

    async def retry(self, setup_id: SetupId, caller: Caller, answers: Answers) -> Setup:
        """Failed steps go again, with the answers to what they asked; a setup that is done is verified again. Raises
        Refused `not-admin`, `feature-off`, `setup-missing`, `nothing-to-retry`."""
        require(caller, Action.RUN_SETUP)
        self.tools.features.need(Feature.SETUP)

        def again(stored: StoredSetup) -> tuple[Setup, list[StepRecord]]:
            setup = stored.setup
            steps = [s for s, r in setup.steps.items() if r.state is StepState.FAILED]
            if not steps and len(setup.done) == len(setup.steps):
                steps = [SetupStep.VERIFY]
            if not steps:
                raise Refused(Reason.NOTHING_TO_RETRY)
            plan = setup.plan
            if answers.app_role is not None:
                plan = replace(plan, app_role=answers.app_role)
            if answers.app_id is not None:
                plan = replace(plan, app=AppSpec(app_id=answers.app_id))
            fresh = [
                replace(setup.steps[s], state=StepState.READY, reason=None, detail=None, attempts=0, finished_at=None)
                for s in steps
            ]
            return replace(setup, plan=plan), fresh

        return await self._change(setup_id, again)

    @retry_on_conflict("the setup")
    async def _change(
        self, setup_id: SetupId, change: Callable[[StoredSetup], tuple[Setup, list[StepRecord]]]
    ) -> Setup:
        """Write what a person decided, whoever else is writing, and enqueue what follows from it."""
        stored = await self._read(setup_id)
        setup, steps = change(stored)
        await self.tools.store.open(setup_id, self.tools.clock.now() + self.tools.timing.stall_timeout)
        saved = await self.tools.store.save(replace(stored, setup=setup), steps, plan=setup.plan != stored.setup.plan)
        await self._enqueue(saved.setup)
        return saved.setup

    async def _enqueue(self, setup: Setup) -> None:
        """Enqueue the steps whose turn it is. What cannot be enqueued the sweeper sends."""
        with suppress(StorageBusy):
            for step in setup.to_run:
                await self.tools.outbox.send(RunSetupStep(setup.id, step))

    async def _read(self, setup_id: SetupId) -> StoredSetup:
        stored = await self.tools.store.read(setup_id)
        if stored is None:
            raise Refused(Reason.SETUP_MISSING)
        return stored
