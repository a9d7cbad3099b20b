"""Set going again the setups that stand still: a message lost, or a request that died before it enqueued."""

from dataclasses import dataclass
from datetime import datetime

from shared.core.clock import Clock
from shared.core.ids import SetupId
from shared.core.timing import Timing
from shared.membership.model.apps import AppState
from shared.messages.commands import RemoveApp, RunSetupStep
from shared.messages.ports.outbox import Outbox
from shared.messages.sweep import ENDED, NextCheck
from shared.setup.ports import SetupStore


@dataclass(frozen=True, slots=True)
class SweepSetups:
    store: SetupStore
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def look_at(self, setup_id: SetupId, now: datetime) -> NextCheck:
        """A setup whose time has come."""
        stored = await self.store.read(setup_id)
        # None: the request died before it wrote, and its caller was never told 202.
        if stored is None or not stored.setup.to_run:
            return ENDED
        commands = [RunSetupStep(setup_id, step) for step in stored.setup.to_run]
        return NextCheck(now + self.timing.stall_timeout, commands)

    async def __call__(self) -> int:
        """Go on with the apps that are being removed; gives how many messages were sent. Safe to repeat."""
        count, before = 0, self.clock.now() - self.timing.stall_timeout
        for app in await self.store.list_apps():
            if app.state is AppState.REMOVING and app.updated_at < before:
                await self.outbox.send(RemoveApp(app.app_id))
                count += 1
        return count
