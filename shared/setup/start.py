"""An admin asks for a setup: check who asks, write it down, set its first steps going; or only rehearse it."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.caller import Caller
from shared.core.errors import Conflict, DirectoryLagging, Refused, StorageBusy
from shared.core.ids import SetupId
from shared.core.reasons import Reason
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.messages.commands import RunSetupStep, SetupStep
from shared.messages.ports.outbox import Outbox
from shared.setup.model.order import sorted_by_need
from shared.setup.model.plan import SetupPlan
from shared.setup.model.records import Setup, StepState, StoredSetup, new_setup
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
class StartSetup:
    tools: Tools

    async def __call__(self, new: NewSetup, caller: Caller, key: str | None) -> Setup:
        """Take the setup; with an idempotency key a repeat gives the same one.

        Raises:
            Refused: `not-admin`, `feature-off`, `idempotency-key-reused`.
            StorageBusy: nothing was taken.
        """
        require(caller, Action.RUN_SETUP)
        self.tools.require_features(new.plan)
        tools, now = self.tools, self.tools.clock.now()
        setup_id = SetupId(tools.clock.random_hex(22) if key is None else _id_of(caller, key))
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
        await enqueue(tools.outbox, setup)
        return setup

    async def rehearse(self, plan: SetupPlan, caller: Caller) -> list[DryRunResult]:
        """What each step would do. Reads the directory, changes nothing anywhere.

        Raises:
            Refused: `not-admin`, `feature-off`.
            DirectoryBusy: the directory cannot be read now.
        """
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
            setup = replace(setup, steps={**setup.steps, step: record})
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
        return DryRunResult(step, tuple(work.wishes), result)


async def enqueue(outbox: Outbox, setup: Setup) -> None:
    """Enqueue the steps whose turn it is. What cannot be enqueued the sweeper sets going."""
    with suppress(StorageBusy):
        for step in setup.to_run:
            await outbox.send(RunSetupStep(setup.id, step))


def _id_of(caller: Caller, key: str) -> str:
    return hashlib.sha256(f"{caller.object_id}\n{key}".encode()).hexdigest()[:22]
