"""Looks at queues and schedules, and starts and stops instances as `scaling` decides: the scale controller of Flex
Consumption, which is a service of its own there and looks from outside.

Source: azure-sdk-for-net, `QueueMetricsProvider` and `QueueTargetScaler`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from azure.core.exceptions import AzureError, ResourceNotFoundError

from local.host.instances import Instance
from local.host.logs import LOG
from local.host.scaling import HTTP, Group, Scaling
from local.host.schedule import Schedule
from local.host.storage import Storage
from local.host.timer_status import TimerBlobs, host_id


class Fleet(Protocol):
    """The instances that run."""

    def launch(self, group: str) -> None:
        """Starts an instance of a group."""

    def running(self, group: str) -> list[Instance]:
        """The instances of a group that take work, or will when they serve."""

    def launching(self, group: str) -> int:
        """Instances of a group whose process has not been started yet."""


class ScaleController:
    """Scales each group by itself."""

    def __init__(
        self,
        groups: Sequence[Group],
        scaling: Scaling,
        fleet: Fleet,
        listening: socket.socket,
        app: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Raises StartError where `scaling` does not fit the app."""
        scaling.check(groups)
        self._groups = groups
        self._scaling = scaling
        self._fleet = fleet
        self._socket = listening.fileno()
        self._storage = Storage(environment)
        self._host_id = host_id(app, environment)
        self._due: dict[str, datetime] = {}
        """When a timer whose instance does not run is to run next, as far as it was looked up."""
        self._is_listening = False

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                await asyncio.gather(*(self._scale(group) for group in self._groups))
                await asyncio.sleep(self._scaling.every_s)
        finally:
            self._hear_no_more()
            await self._storage.close()

    async def _scale(self, group: Group) -> None:
        running = self._fleet.running(group.name)
        launching = self._fleet.launching(group.name)
        if running or launching:
            # A timer's instance runs its schedule itself; its status says what is next when it has ended.
            self._due.pop(group.name, None)
        is_full = len(running) + launching >= self._scaling.most
        wanted = 0
        if not is_full or any(one.idle_s >= self._scaling.idle_s for one in running):
            try:
                wanted = await self._wanted(group, is_running=bool(running or launching))
            except AzureError as error:
                # As Microsoft's: what cannot be asked counts as empty.
                LOG.warning("Looking after %s failed: %s", group.name, str(error).splitlines()[0])
        self._apply(group.name, wanted)

    def _apply(self, group: str, wanted: int) -> None:
        running = self._fleet.running(group)
        idle = [*(one.idle_s for one in running), *([0.0] * self._fleet.launching(group))]
        start, stop = self._scaling.decide(group, wanted, idle)
        for _ in range(start):
            self._fleet.launch(group)
        for position in stop:
            running[position].drain()

    async def _wanted(self, group: Group, *, is_running: bool) -> int:
        if group.queue:
            return self._scaling.for_length(await self._length(group))
        if group.schedule:
            return await self._of_timer(group, is_running=is_running)
        if not is_running:
            self._hear()
        return 0

    async def _length(self, group: Group) -> int:
        """Messages of a queue, those in work included; 0 where none is visible."""
        queue = await self._storage.queue(group.connection, group.queue)
        try:
            length = (await queue.get_queue_properties()).approximate_message_count or 0
            # The count may be stale, above all of an empty queue.
            return length if length and await queue.peek_messages(1) else 0
        except ResourceNotFoundError:
            return 0

    async def _of_timer(self, group: Group, *, is_running: bool) -> int:
        if is_running:
            return 0
        if group.name not in self._due:
            self._due[group.name] = await self._next(group)
        return self._scaling.for_timer(self._due[group.name], _now())

    async def _next(self, group: Group) -> datetime:
        schedule, now = Schedule.parse(group.schedule), _now()
        if group.monitored:
            blobs = TimerBlobs(await self._storage.blobs(), self._host_id, group.function)
            if status := await blobs.read_status():
                return status.checked(schedule, now).next
        return schedule.after(now)

    def _hear(self) -> None:
        """A connection that waits for somebody to accept it is work for HTTP."""
        if not self._is_listening:
            self._is_listening = True
            asyncio.get_running_loop().add_reader(self._socket, self._on_connection)

    def _hear_no_more(self) -> None:
        if self._is_listening:
            self._is_listening = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _on_connection(self) -> None:
        self._hear_no_more()
        self._apply(HTTP, self._scaling.most)


def _now() -> datetime:
    return datetime.now(UTC)
