"""Setups that run and stand still: found, and sent again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from shared.core.stuck import StuckWork
from shared.messages.commands import RunSetupStep
from shared.messages.ports.outbox import Outbox
from shared.setup.ports import SetupStore


@dataclass(frozen=True, slots=True)
class FindStuckSetups:
    setups: SetupStore
    outbox: Outbox

    async def __call__(self, due_before: datetime, since: datetime) -> AsyncIterator[StuckWork]:
        """As `shared.core.stuck.FindStuck`."""
        async for setup_id in self.setups.list_open(due_before=due_before):
            stored = await self.setups.read(setup_id)
            if stored is None:
                continue
            setup = stored.setup
            for step in setup.to_run:
                started = setup.steps[step].started_at or setup.created_at
                if started >= since:
                    continue
                await self.outbox.send(RunSetupStep(setup_id, step))
                name = setup.found.app.name if setup.found.app else setup.plan.app.name or setup_id
                yield StuckWork("Setup", f"{setup_id} {step.value}", name, step.value, started)
