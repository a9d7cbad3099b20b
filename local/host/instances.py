"""One instance of the app as the supervisor has it: started, listened to, ended."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.host.app_process import python_path
from local.host.control import DRAIN, STOP, order
from local.host.forking import Forking
from local.host.forks import Forked
from local.host.options import Options


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
        self.writer.write(order(STOP))

    def drain(self) -> None:
        """Takes no more work, and ends when what runs has ended."""
        self.draining = True
        self.writer.write(order(DRAIN))

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
