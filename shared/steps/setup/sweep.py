"""Set going again the setups that stand still: a message lost, or a request that died before it enqueued."""

from dataclasses import dataclass

from shared.domain.commands import TakeApart
from shared.domain.setup.records import AppState
from shared.domain.timing import Timing
from shared.ports.clock import Clock
from shared.ports.outbox import Outbox
from shared.ports.setup_store import SetupStore
from shared.steps.setup.start import set_going


@dataclass(frozen=True, slots=True)
class SweepSetups:
    store: SetupStore
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self) -> int:
        """Look at every setup whose time has come; gives how many were set going. Safe to repeat."""
        now, count = self.clock.now(), 0
        async for setup_id in self.store.list_open(look_before=now):
            stored = await self.store.read(setup_id)
            # None: the request died before it wrote, and its caller was never told 202.
            if stored is None or not stored.setup.to_run:
                await self.store.close(setup_id)
                continue
            await self.store.open(setup_id, now + self.timing.stillness)
            await set_going(self.outbox, stored.setup)
            count += 1
        for app in await self.store.list_apps():
            if app.state is AppState.REMOVING and app.updated_at < now - self.timing.stillness:
                await self.outbox.send(TakeApart(app.app_id))
                count += 1
        return count
