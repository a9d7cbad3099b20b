"""Timer triggers: runs one function on its schedule, in one process at a time.

Source: `TimerListener` of the WebJobs SDK extensions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobLeaseClient

from local.host.functions import Function, TimerTrigger
from local.host.invocations import Invocations
from local.host.logs import LOG
from local.host.timer_status import LEASE_S, TimerBlobs, TimerStatus

_ASK_AGAIN_S = 1.0
"""Pause before the lease is asked for again; the real host asks about once a minute."""

_LONGEST_SLEEP = timedelta(hours=1)


class TimerListener:
    """Runs one timer for as long as this process has its lease."""

    def __init__(
        self,
        function: Function,
        trigger: TimerTrigger,
        blobs: TimerBlobs,
        invocations: Invocations,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._blobs = blobs
        self._invocations = invocations
        self._now = clock
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to ask for the lease."""
        self._task = asyncio.create_task(self._keep_going(), name=f"timer {self._function.name}")

    async def stop_taking(self) -> None:
        """Starts no more runs."""
        self._closing.set()

    async def finished(self) -> None:
        """Returns when the run in progress has ended and the lease is given back."""
        if self._task:
            await self._task

    async def _keep_going(self) -> None:
        while not self._closing.is_set():
            try:
                if lease := await self._blobs.acquire():
                    await self._hold(lease)
            except AzureError as error:
                LOG.warning("Timer '%s': %s", self._function.name, str(error).splitlines()[0])
            await self._pause(timedelta(seconds=_ASK_AGAIN_S))

    async def _hold(self, lease: BlobLeaseClient) -> None:
        lost = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lease, lost))
        try:
            await self._run_schedule(lost)
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal
            with suppress(AzureError):
                await lease.release()

    async def _renew(self, lease: BlobLeaseClient, lost: asyncio.Event) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await lease.renew()
            except AzureError as error:
                LOG.warning("Timer '%s' lost its lease: %s", self._function.name, str(error).splitlines()[0])
                lost.set()
                return

    async def _run_schedule(self, lost: asyncio.Event) -> None:
        schedule = self._trigger.schedule
        now = self._now()
        stored = await self._blobs.read_status() if self._trigger.monitored else None
        status = stored.checked(schedule, now) if stored else TimerStatus.first(schedule, now)
        if self._trigger.monitored and status != stored:
            await self._blobs.write_status(status)
        if stored and now > status.next:
            LOG.info("Function 'Functions.%s' is past due on startup. Executing now.", self._function.name)
            status = await self._run(status, past_due=True)
        while not (self._closing.is_set() or lost.is_set()):
            wait = status.next - self._now()
            if wait > timedelta(0):
                await self._pause(min(wait, _LONGEST_SLEEP), lost)
            else:
                status = await self._run(status, past_due=False)

    async def _run(self, status: TimerStatus, *, past_due: bool) -> TimerStatus:
        ran = self._now()
        inputs = {self._trigger.parameter: {"json": self._request(status, past_due=past_due)}}
        if (await self._invocations.run(self._function, inputs)).abandoned:
            # The process ends before the run did: the next holder of the lease finds it past due.
            return status
        after = status.after_run(self._trigger.schedule, ran)
        if self._trigger.monitored:
            await self._blobs.write_status(after)
        return after

    def _request(self, status: TimerStatus, *, past_due: bool) -> str:
        known = json.loads(status.to_json()) if self._trigger.monitored else None
        return json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": known, "IsPastDue": past_due})

    async def _pause(self, length: timedelta, other: asyncio.Event | None = None) -> None:
        """Sleeps, but not past the end of taking work."""
        waits = [asyncio.create_task(event.wait()) for event in (self._closing, other) if event]
        try:
            await asyncio.wait(waits, timeout=length.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
