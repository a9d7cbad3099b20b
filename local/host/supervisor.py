"""Owns the port, starts the worker processes and puts another in the place of one that ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.banner import URL
from local.host.control import EXIT_REPLACE, STOP, order
from local.host.logs import LOG
from local.host.options import Options

_ROOT = Path(__file__).parents[2]
"""Where the package `local` is imported from."""

_KILL_AFTER_S = 8.0
"""Time a worker process has beyond the grace period before it is killed."""

_LONGEST_PAUSE_S = 5.0
"""Between restarts of a worker process that dies before it serves."""


@dataclass(slots=True)
class _Worker:
    process: Process
    writer: asyncio.StreamWriter
    listening: asyncio.Task[None] | None = None
    serving: bool = False
    failure: str | None = None


class Supervisor:
    """Runs one app until it is told to stop."""

    def __init__(
        self,
        options: Options,
        environment: Mapping[str, str],
        *,
        port: int,
        workers: int,
        ready_file: Path | None = None,
    ) -> None:
        self._options = options
        self._environment = dict(environment)
        self._port = port
        self._wanted = workers
        self._ready_file = ready_file
        self._workers: list[_Worker] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._served = False
        """All worker processes served at once: from here on, one that fails is tried again."""
        self._announced = False
        self._status = 0

    async def run(self) -> int:
        """Serves until a signal or a failed start; gives the exit status.

        Raises:
            OSError: the port is taken.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", self._port))
            listening.listen(512)
            self._port = listening.getsockname()[1]
            self._environment["WEBSITE_HOSTNAME"] = f"127.0.0.1:{self._port}"
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._on_signal)
            self._keepers = [
                asyncio.create_task(self._keep(listening), name=f"worker {index}") for index in range(self._wanted)
            ]
            await self._stop.wait()
            # From here a new connection is refused rather than left waiting.
            listening.close()
            await self._end_workers()
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)
        return self._status

    def _on_signal(self) -> None:
        if self._stop.is_set():
            for worker in self._workers:
                _kill(worker)
            return
        LOG.info("Stopping: running functions have %g s to end.", self._options.grace_s)
        self._stop.set()

    async def _end_workers(self) -> None:
        for worker in self._workers:
            worker.writer.write(order(STOP))
        kept = asyncio.gather(*self._keepers)
        await asyncio.wait({kept}, timeout=self._options.grace_s + _KILL_AFTER_S)
        if not kept.done():
            for worker in self._workers:
                LOG.error("Worker process %d does not end: killed.", worker.process.pid)
                _kill(worker)
            await kept

    async def _keep(self, listening: socket.socket) -> None:
        """Keeps one worker process running."""
        pause_s = 0.1
        while not self._stop.is_set():
            worker = await self._start(listening)
            status = await worker.process.wait()
            if worker.listening:  # what it said last may still be on the way
                await worker.listening
            self._workers.remove(worker)
            worker.writer.close()
            self._write_ready_file()
            if self._stop.is_set():
                return
            if not self._served:
                self._fail_start(worker, status)
                return
            pid = worker.process.pid
            if status == EXIT_REPLACE:
                LOG.warning("Worker process %d was replaced after a function's time-out.", pid)
            else:
                LOG.error("Worker process %d ended (%s): starting another.", pid, _reason(worker, status))
            pause_s = 0.1 if worker.serving else min(pause_s * 2, _LONGEST_PAUSE_S)
            if not worker.serving:
                await self._wait_or_stop(pause_s)

    async def _wait_or_stop(self, seconds: float) -> None:
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({stop}, timeout=seconds)
        stop.cancel()

    def _fail_start(self, worker: _Worker, status: int) -> None:
        if self._status == 0:
            self._status = 1
            reason = worker.failure or f"A worker process ended before it served ({_reason(worker, status)})."
            print(reason, file=sys.stderr, flush=True)
        self._stop.set()

    async def _start(self, listening: socket.socket) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *_command(self._options),
                *(self._options.to_json(), str(listening.fileno()), str(theirs.fileno())),
                cwd=self._options.app,
                env=self._environment | {"PYTHONPATH": _python_path(self._environment)},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(listening.fileno(), theirs.fileno()),
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = _Worker(process, writer)
        self._workers.append(worker)
        worker.listening = asyncio.create_task(self._listen(worker, reader), name=f"events of {process.pid}")
        if self._stop.is_set():
            writer.write(order(STOP))
        return worker

    async def _listen(self, worker: _Worker, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._on_event(worker, json.loads(line))
        except ConnectionResetError:
            return

    def _on_event(self, worker: _Worker, event: dict[str, Any]) -> None:
        match event["event"]:
            case "indexed" if not self._announced:
                self._announced = True
                print(event["banner"].replace(URL, self.url), flush=True)
            case "serving":
                worker.serving = True
                self._write_ready_file()
            case "failed":
                worker.failure = event["message"]
            case "replacing":
                LOG.error(
                    "Worker process %d is being replaced: function '%s' exceeded the time-out.",
                    worker.process.pid,
                    event["function"],
                )

    @property
    def url(self) -> str:
        """Where HTTP functions are reached."""
        return f"http://127.0.0.1:{self._port}"

    def _write_ready_file(self) -> None:
        pids = [worker.process.pid for worker in self._workers if worker.serving]
        if len(pids) == self._wanted:
            self._served = True
        if not self._ready_file or not self._served or self._stop.is_set():
            return
        content = {"port": self._port, "pid": os.getpid(), "url": self.url, "workers": pids}
        draft = self._ready_file.with_name(f"{self._ready_file.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self._ready_file)


def _command(options: Options) -> list[str]:
    if not options.host_folder:
        return [sys.executable, "-m", "local.host.worker"]
    # A bare interpreter: no environment variable of Python's, no site-packages. -u, as one of those would have said.
    program = str(Path(options.host_folder) / "local" / "host" / "bare.py")
    return [sys.executable, "-I", "-S", "-u", program, options.host_folder, options.app]


def _kill(worker: _Worker) -> None:
    if worker.process.returncode is None:
        worker.process.kill()


def _reason(worker: _Worker, status: int) -> str:
    if worker.failure:
        return worker.failure
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _python_path(environment: Mapping[str, str]) -> str:
    return os.pathsep.join(part for part in (str(_ROOT), environment.get("PYTHONPATH", "")) if part)
