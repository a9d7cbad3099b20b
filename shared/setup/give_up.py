"""A message of a setup ended on a poison queue: say so on its step."""

import logging
from dataclasses import dataclass, replace

from shared.core.clock import Clock
from shared.core.reasons import Reason
from shared.core.versions import retry_on_conflict
from shared.messages.commands import RunSetupStep
from shared.setup.model.records import StepState
from shared.setup.ports import SetupStore

log = logging.getLogger("guestlist")


@dataclass(frozen=True, slots=True)
class GiveUpSetup:
    store: SetupStore
    clock: Clock

    @retry_on_conflict("the setup")
    async def __call__(self, command: RunSetupStep) -> bool:
        """Mark the step as failed; tells whether it was still open. Safe to repeat."""
        what = f"The step stopped with an error in every delivery; the logs name it by setup {command.setup}"
        stored = await self.store.read(command.setup)
        if stored is None or command.step not in stored.setup.to_run:
            return False
        record = replace(
            stored.setup.steps[command.step],
            state=StepState.FAILED,
            finished_at=self.clock.now(),
            reason=Reason.GAVE_UP,
            detail=what,
        )
        await self.store.save(stored, [record])
        log.error("gave up step %s of setup %s", command.step.value, command.setup)
        return True
