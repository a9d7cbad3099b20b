"""One instance of the app as the supervisor has it: started, listened to, ended; and what the supervisor and a worker
process tell each other, as JSON lines over a socket pair.

From the worker: `indexed`, `serving`, `active`, `worker` (the id of the app's process), `failed`. From the
supervisor: `drain` and `stop`; its end of file means that the supervisor is gone, and is taken as `stop`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.host.app_process import Forking, Options, python_path
from local.host.forks import Forked

STOP = "stop"
"""End; running functions have the grace period."""

DRAIN = "drain"
"""Take no more work, and end when what runs has ended."""

EXIT_FAILED = 3
"""Exit status of a worker process that could not serve; it has said why."""

EXIT_ENDED = 4
"""Exit status of a host that ended itself, since the app's process had crashed too often."""


@dataclass(slots=True, eq=False)
class Instance:
    """A host and its app's process. `group` is what it serves; None: everything."""

    process: Process | Forked
    writer: asyncio.StreamWriter
    group: str | None
    listening: asyncio.Task[None] | None = None
    app_pid: int | None = None
    """Of the process that the app runs in; None while it is restarted."""
    serving: bool = False
    draining: bool = False
    failure: str | None = None
    active_at: float = field(default_factory=time.monotonic)
    """When it last had something to do, on the monotonic clock."""

    @property
    def pid(self) -> int:
        """Of the host."""
        return self.process.pid

    @property
    def idle_s(self) -> float:
        """Seconds since it last had something to do; 0 until it serves."""
        return time.monotonic() - self.active_at if self.serving else 0.0

    def stop(self) -> None:
        """Running functions have the grace period to end."""
        self._order(STOP)

    def drain(self) -> None:
        """Takes no more work, and ends when what runs has ended."""
        self.draining = True
        self._order(DRAIN)

    def _order(self, name: str) -> None:
        self.writer.write((json.dumps({"order": name}) + "\n").encode())

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    async def ended(self) -> int:
        """The exit status, when the process has ended and what it said last has been heard."""
        process = self.process
        status = await (process.ended() if isinstance(process, Forked) else process.wait())
        if self.listening:
            await self.listening
        self.writer.close()
        return status

    def reason(self, status: int) -> str:
        """Why it ended, for people."""
        if self.failure:
            return self.failure
        return f"signal {-status}" if status < 0 else f"exit status {status}"


async def start_instance(
    options: Options,
    environment: Mapping[str, str],
    listening: socket.socket,
    on_event: Callable[[Instance, dict[str, Any]], None],
    forking: Forking | None = None,
) -> Instance:
    """Starts a process of the app, or has it forked. It inherits the listening socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        descriptors = (listening.fileno(), theirs.fileno())
        process: Process | Forked
        if forking:
            process = forking.host(options, descriptors)
        else:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "local.host.start_worker"),
                *(options.to_json(), *map(str, descriptors)),
                cwd=options.app,
                env={**environment, "PYTHONPATH": python_path(environment)},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=descriptors,
            )
    reader, writer = await asyncio.open_connection(sock=ours)
    instance = Instance(process, writer, options.group)

    async def listen() -> None:
        try:
            while line := await reader.readline():
                on_event(instance, json.loads(line))
        except ConnectionResetError:
            return

    instance.listening = asyncio.create_task(listen(), name=f"events of {process.pid}")
    return instance


class WorkerEnd:
    """The worker process's end. Blocking and thread-safe: it must work while a loop is stuck."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lock = threading.Lock()

    def tell(self, event: str, **details: Any) -> None:
        """Sends an event; a supervisor that is gone no longer needs it."""
        line = json.dumps({"event": event, **details}) + "\n"
        with self._lock:
            try:
                self._socket.sendall(line.encode())
            except OSError:
                return

    def on_order(self, *, stop: Callable[[], object], drain: Callable[[], object]) -> None:
        """Calls these from a thread of its own: `stop` once, when the supervisor says so or is gone."""

        def listen() -> None:
            with self._socket.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    given = json.loads(line).get("order")
                    if given == STOP:
                        break
                    if given == DRAIN:
                        drain()
            stop()

        threading.Thread(target=listen, name="control", daemon=True).start()
