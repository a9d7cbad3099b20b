"""Owns the port and the processes of the app: so many that always run, or one for each group of functions that has
work (`--isolate`)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.host.app_process import Forking, Options, python_path
from local.host.errors import StartError
from local.host.functions import URL
from local.host.instances import EXIT_ENDED, Instance, start_instance
from local.host.logs import LOG
from local.host.scaling import HTTP, Group, Scaling

_KILL_AFTER_S = 8.0
"""Time a worker process has beyond the grace period before it is killed."""

_LONGEST_PAUSE_S = 5.0
"""Between restarts of a worker process that dies before it serves."""


class Supervisor:
    """Runs one app until it is told to stop."""

    def __init__(
        self,
        options: Options,
        environment: Mapping[str, str],
        *,
        port: int,
        ready_file: Path | None = None,
        scaling: Scaling | None = None,
        forks: Sequence[str] = (),
    ) -> None:
        """With `scaling` instances come and go; without it processes of the whole app run. With `forks`, names of
        modules, all are forked from processes that have loaded these."""
        self._options = options
        self._environment = dict(environment)
        self._port = port
        self._scaling = scaling
        self._wanted = 1 if scaling else options.workers
        self._ready_file = ready_file
        self._forks = forks
        self._forking: Forking | None = None
        self._listening: socket.socket
        self._instances: list[Instance] = []
        self._launching: Counter[str | None] = Counter()
        self._pauses_s: defaultdict[str | None, float] = defaultdict(float)
        """Before the next instance of a group starts, where the last one ended before it served."""
        self._keepers: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._indexed: asyncio.Future[list[Group]] | None = None
        self._served = False
        """All processes served at once: from here on, one that fails is tried again."""
        self._announced = False
        self._status = 0

    async def run(self) -> int:
        """Serves until a signal or a failed start; gives the exit status. Raises OSError: the port is taken."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", self._port))
            listening.listen(512)
            self._port = listening.getsockname()[1]
            self._environment["WEBSITE_HOSTNAME"] = f"127.0.0.1:{self._port}"
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._on_signal)
            self._listening = listening
            if self._forks:
                environment = {**self._environment, "PYTHONPATH": python_path(self._environment)}
                self._forking = Forking(self._options, environment, self._forks)
            if self._scaling:
                self._begin(self._scale(self._scaling), "scaling")
            else:
                for index in range(self._wanted):
                    self._begin(self._keep(), f"worker {index}")
            await self._stop.wait()
            # From here a new connection is refused rather than left waiting.
            listening.close()
            await self._end_instances()
            if self._forking:
                self._forking.close()
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)
        return self._status

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._keepers.add(task)
        task.add_done_callback(self._keepers.discard)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            for instance in self._instances:
                instance.kill()
            return
        LOG.info("Stopping: running functions have %g s to end.", self._options.grace_s)
        self._stop.set()

    async def _end_instances(self) -> None:
        for instance in self._instances:
            instance.stop()
        kept = asyncio.gather(*self._keepers)
        await asyncio.wait({kept}, timeout=self._options.grace_s + _KILL_AFTER_S)
        if not kept.done():
            for instance in self._instances:
                LOG.error("Worker process %d does not end: killed.", instance.pid)
                instance.kill()
            await kept

    async def _keep(self) -> None:
        """Keeps one process of the whole app running."""
        while not self._stop.is_set():
            self._launching[None] += 1
            await self._serve(None)

    async def _scale(self, scaling: Scaling) -> None:
        """Starts and stops instances as there is work, until the host stops."""
        # Imported only here: it needs the SDK, which a host that does not scale starts without.
        from local.host.scale_controller import ScaleController

        indexed = self._indexed = asyncio.get_running_loop().create_future()
        # It says which functions there are, as the host does after a deployment ("sync triggers").
        self.launch(HTTP)
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({indexed, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            return
        try:
            controller = ScaleController(
                indexed.result(), scaling, self, self._listening, self._options.app_folder, self._environment
            )
        except StartError as error:
            self._fail(str(error))
            return
        work = asyncio.create_task(controller.run(), name="scale controller")
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            LOG.error("The scale controller failed.", exc_info=work.exception())
            self._fail("The scale controller failed.")
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    def launch(self, group: str) -> None:
        """Starts an instance of a group."""
        self._launching[group] += 1
        self._begin(self._serve(group), f"instance of {group}")

    def running(self, group: str) -> list[Instance]:
        """The instances of a group that take work, or will when they serve."""
        return [one for one in self._instances if one.group == group and not one.draining]

    def launching(self, group: str) -> int:
        """Instances of a group whose process has not been started yet."""
        return self._launching[group]

    async def _serve(self, group: str | None) -> None:
        """One instance of a group, or of the whole app, from its start to its end."""
        try:
            await self._wait_or_stop(self._pauses_s[group])
            if self._stop.is_set():
                return
            instance = await self._start(group)
        finally:
            self._launching[group] -= 1
        name = f"Instance {instance.pid} of {group}" if group else f"Host {instance.pid}"
        next_ = "." if group else ": starting another."
        LOG.info("%s starts.", name)
        status = await self._end_of(instance)
        pause_s = 0.0 if instance.serving else min(max(self._pauses_s[group] * 2, 0.1), _LONGEST_PAUSE_S)
        self._pauses_s[group] = pause_s
        if status == 0:
            LOG.info("%s has ended.", name)
        elif status == EXIT_ENDED:
            LOG.warning("%s has ended itself%s", name, next_)
        elif not self._stop.is_set():
            LOG.error("%s ended (%s)%s", name, instance.reason(status), next_)

    async def _end_of(self, instance: Instance) -> int:
        status = await instance.ended()
        self._instances.remove(instance)
        self._write_ready_file()
        if not self._served and not self._stop.is_set():
            self._fail(instance.failure or f"A worker process ended before it served ({instance.reason(status)}).")
        return status

    async def _wait_or_stop(self, seconds: float) -> None:
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({stop}, timeout=seconds)
        stop.cancel()

    def _fail(self, reason: str) -> None:
        """Ends the host: it cannot start."""
        if self._status == 0:
            self._status = 1
            print(reason, file=sys.stderr, flush=True)
        self._stop.set()

    async def _start(self, group: str | None) -> Instance:
        options = replace(self._options, group=group)
        listening, forking = self._listening, self._forking
        instance = await start_instance(options, self._environment, listening, self._on_event, forking)
        self._instances.append(instance)
        if self._stop.is_set():
            instance.stop()
        return instance

    def _on_event(self, instance: Instance, event: dict[str, Any]) -> None:
        match event["event"]:
            case "indexed":
                if not self._announced:
                    self._announced = True
                    print(event["banner"].replace(URL, self.url), flush=True)
                if self._indexed and not self._indexed.done():
                    self._indexed.set_result([Group(**group) for group in event["groups"]])
            case "serving":
                instance.serving, instance.active_at = True, time.monotonic()
                if instance.group:
                    LOG.info("Instance %d of %s serves.", instance.pid, instance.group)
                self._write_ready_file()
            case "active":
                instance.active_at = time.monotonic()
            case "failed":
                instance.failure = event["message"]
            case "worker":
                instance.app_pid = event["pid"]
                self._write_ready_file()

    @property
    def url(self) -> str:
        """Where HTTP functions are reached."""
        return f"http://127.0.0.1:{self._port}"

    def _write_ready_file(self) -> None:
        serving = [instance for instance in self._instances if instance.serving]
        if len(serving) == self._wanted:
            self._served = True
        if not self._ready_file or not self._served or self._stop.is_set():
            return
        content: dict[str, Any] = {"port": self._port, "pid": os.getpid(), "url": self.url}
        content |= {"hosts": [one.pid for one in serving], "groups": [one.group for one in serving]}
        content["workers"] = [one.app_pid for one in serving if one.app_pid]
        content["instances"] = [[one.group, one.pid, one.app_pid] for one in serving]
        draft = self._ready_file.with_name(f"{self._ready_file.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self._ready_file)
