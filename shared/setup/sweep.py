"""Setups that have stalled, by a lost message or a request that died before it enqueued, are sent again; a step that
failed in every delivery is given up."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.clock import Clock, Timing
from shared.core.ids import SetupId
from shared.core.reasons import Reason
from shared.core.records import StuckWork
from shared.core.versions import retry_on_conflict
from shared.membership.model.apps import AppState
from shared.messages.commands import RemoveApp, RunSetupStep
from shared.messages.ports import Outbox
from shared.messages.sweep import ENDED, NextCheck

if TYPE_CHECKING:
    from shared.setup.rows import TableSetupStore

log = logging.getLogger("guestlist")


@dataclass(frozen=True, slots=True)
class SweepSetups:
    store: "TableSetupStore"
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

    async def find_stuck(self, due_before: datetime, since: datetime) -> AsyncIterator[StuckWork]:
        """As `shared.core.records.FindStuck`."""
        async for setup_id in self.store.list_open(due_before=due_before):
            stored = await self.store.read(setup_id)
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

    @retry_on_conflict("the setup")
    async def give_up(self, command: RunSetupStep) -> bool:
        """Mark a step as failed; tells whether it was still open. Safe to repeat."""
        stored = await self.store.read(command.setup)
        if stored is None or command.step not in stored.setup.to_run:
            return False
        detail = f"The step stopped with an error in every delivery; the logs name it by setup {command.setup}"
        failed = stored.setup.steps[command.step].failed(self.clock.now(), Reason.GAVE_UP, detail)
        await self.store.save(stored, [failed])
        log.error("gave up step %s of setup %s", command.step.value, command.setup)
        return True
