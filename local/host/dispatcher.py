"""Keeps a worker process at hand, and counts how often it crashed.

Source: `RpcFunctionInvocationDispatcher` and `WorkerProcess` of azure-functions-host, with one process for each host.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from local.host.app_process import AppProcess, Options
from local.host.engine import Channel, IndexedFunction, Result, WorkerEnded
from local.host.errors import StartError
from local.host.logs import LOG

_MOST_CRASHES = 3
"""Of one process; then the host ends itself, and the platform starts another."""

_FORGOTTEN_AFTER_S = 30 * 60.0
"""A crash so long after the last one is the first again."""

_TIMEOUT_GRACE_S = 2.0
"""How long a handler that has timed out may still take to return before its process is killed."""


class Dispatcher:
    """Hands invocations to the worker process of now."""

    def __init__(
        self,
        options: Options,
        launch: Callable[[], AppProcess],
        *,
        on_change: Callable[[int | None], None],
        on_end: Callable[[], None],
    ) -> None:
        """Starts nothing yet.

        Args:
            launch: starts a process that loads the app.
            on_change: the id of the process of now; None while there is none.
            on_end: the host has to end: the process crashed too often.
        """
        self._options = options
        self._launch = launch
        self._on_change = on_change
        self._on_end = on_end
        self._channel: Channel | None = None
        self._initialized = asyncio.Event()
        self._crashes: list[float] = []
        self._restarting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self, app: AppProcess) -> list[IndexedFunction]:
        """Waits for the first process to load the app. Raises StartError: it does not."""
        try:
            return await self._initialize(app)
        except WorkerEnded as error:
            raise StartError(f"Initializing worker process failed: {error}.") from error

    async def invoke(self, invocation: Mapping[str, Any]) -> Result:
        """Runs a handler; waits for a process while one is restarted."""
        while (channel := self._channel) is None:
            await self._initialized.wait()
        return await channel.invoke(invocation)

    def timed_out(self, invocation_id: str) -> None:
        """Ends the process that runs this invocation, if one does, and starts another.

        What else runs in it gets no answer: it hangs until its own time-out.
        """
        self._run(self._end_timed_out(invocation_id))

    def close(self) -> None:
        """Kills the process: the host ends."""
        self._closing = True
        if self._channel:
            self._channel.kill()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _initialize(self, app: AppProcess) -> list[IndexedFunction]:
        channel = Channel(app)
        try:
            functions = await channel.initialize(self._options.app, limit_s=self._options.load_s)
        except BaseException:
            channel.kill()
            raise
        self._channel = channel
        self._initialized.set()
        self._on_change(channel.pid)
        self._run(self._watch(channel))
        return functions

    def _drop(self) -> None:
        self._channel = None
        self._initialized.clear()
        self._on_change(None)

    async def _watch(self, channel: Channel) -> None:
        status = await channel.ended()
        if channel is not self._channel or self._closing:
            return
        if status == 0:
            LOG.error("Worker process %d ended by itself with status 0: the host starts no other.", channel.pid)
            return
        self._drop()
        code = status if status >= 0 else 128 - status
        LOG.error("Worker process %d exited with code %d.", channel.pid, code)
        self._count_crash()
        channel.fail_executions(f"python exited with code {code}")
        await self._restart()

    async def _end_timed_out(self, invocation_id: str) -> None:
        await asyncio.sleep(min(_TIMEOUT_GRACE_S, self._options.restart_s))
        channel = self._channel
        if channel is None or not channel.is_executing(invocation_id):
            return
        LOG.error("Worker process %d is restarted: a function in it timed out.", channel.pid)
        self._drop()
        channel.kill()
        await self._restart()

    def _count_crash(self) -> None:
        now = time.monotonic()
        if self._crashes and now - self._crashes[-1] > _FORGOTTEN_AFTER_S:
            self._crashes.clear()
        self._crashes.append(now)

    async def _restart(self) -> None:
        while not self._closing:
            if len(self._crashes) >= _MOST_CRASHES:
                if self._channel is None:
                    LOG.error(
                        "Exceeded language worker restart retry count for runtime:python. "
                        "Shutting down and proactively recycling the Functions Host to recover"
                    )
                    self._on_end()
                return
            await self._restarting.acquire()
            try:
                await self._initialize(self._launch())
            except (StartError, WorkerEnded) as error:
                LOG.error("Initializing worker process failed: %s", error)
                self._count_crash()
            else:
                return
            finally:
                # One restart at a time, and the next no sooner than this.
                asyncio.get_running_loop().call_later(self._options.restart_s, self._restarting.release)
