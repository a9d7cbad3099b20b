"""One worker process: the app's loop on the main thread, the host's loop on another.

Started by the supervisor as `python -m local.host.worker OPTIONS SOCKET CONTROL` (descriptors).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from azure.storage.queue.aio import QueueClient

from local.host import engine
from local.host.admin import Admin
from local.host.banner import describe_for_people
from local.host.control import EXIT_FAILED, EXIT_REPLACE, WorkerEnd
from local.host.errors import StartError
from local.host.functions import DEFAULT_CONNECTION, Function, QueueTrigger, TimerTrigger, describe
from local.host.groups import group_of, groups_of
from local.host.host_json import HostSettings, read_host_json
from local.host.http_server import HttpServer, Routes
from local.host.invocations import Invocations
from local.host.keys import Keys
from local.host.logs import LOG, set_up
from local.host.options import Options
from local.host.origins import PACKAGES, strangers
from local.host.outputs import Outputs
from local.host.queues import POISON_SUFFIX, QueueListener
from local.host.scaling import HTTP
from local.host.storage import Storage

_ACTIVITY_S = 0.5
"""How often a process that serves one group says whether it had something to do."""

_SETTLE_S = 5.0
"""How long messages of handlers that were given up may take to be handed back."""


class Listener(Protocol):
    """A source of work."""

    async def start(self) -> None:
        """Begins to take work."""

    async def stop_taking(self) -> None:
        """Takes no more; what runs goes on."""

    async def finished(self) -> None:
        """Returns when nothing runs any more."""

    async def close(self) -> None:
        """Lets go of what is open."""


class WorkerHost:
    """The host's half of a worker process, on its own loop and thread."""

    def __init__(
        self,
        options: Options,
        settings: HostSettings,
        functions: Sequence[Function],
        routes: Routes,
        control: WorkerEnd,
        sock: socket.socket,
    ) -> None:
        self._options = options
        self._settings = settings
        self._functions = [function for function in functions if not function.disabled]
        self._routes = routes
        self._control = control
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Future[int] | None = None
        self._stop_asked = False
        self._no_draining = asyncio.Event()

    def stop(self) -> None:
        """Asks for a graceful end; may be called from any thread or signal handler, at any time."""
        self._stop_asked = True
        if self._loop and self._stopping:
            self._loop.call_soon_threadsafe(self._no_draining.set)
            self._loop.call_soon_threadsafe(self._end_with, 0)

    def drain(self) -> None:
        """Asks for an end when all that runs has ended, however long it takes; `stop` cuts it short. May be called
        from any thread once this serves. Source: Microsoft, "Event-driven scaling", scale-in: up to 60 minutes."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._end_with, 0)

    def _end_with(self, status: int) -> None:
        if self._stopping and not self._stopping.done():
            self._stopping.set_result(status)

    def _timed_out(self, function: str) -> None:
        self._control.tell("replacing", function=function)
        self._end_with(EXIT_REPLACE)

    async def run(self, app_loop: asyncio.AbstractEventLoop) -> tuple[int, bool]:
        """Serves until told to stop or until a handler overran its time.

        Returns:
            The exit status, and whether no handler is left behind.
        """
        self._loop = asyncio.get_running_loop()
        self._stopping = self._loop.create_future()
        storage = Storage(os.environ)
        outputs = Outputs(storage, base64_encoded=self._settings.queues.base64)
        invocations = Invocations(
            app_loop, outputs, time_limit=self._settings.function_timeout, on_timeout=self._timed_out
        )
        try:
            listeners = await self._listeners(storage, invocations)
            for listener in listeners:
                await listener.start()
            self._control.tell("serving")
            if self._stop_asked:
                self._no_draining.set()
                self._end_with(0)
            activity = asyncio.create_task(self._tell_activity(invocations))
            status = await self._stopping
            activity.cancel()
            await self._drain(listeners, invocations, graceful=status == 0)
        finally:
            await storage.close()
        return status, invocations.unfinished == 0

    async def _tell_activity(self, invocations: Invocations) -> None:
        seen = 0
        while self._options.group:
            if invocations.unfinished or invocations.started > seen:
                self._control.tell("active")
            seen = invocations.started
            await asyncio.sleep(_ACTIVITY_S)

    def _serves(self, group: str) -> bool:
        return self._options.group in (None, group)

    async def _listeners(self, storage: Storage, invocations: Invocations) -> list[Listener]:
        keys = Keys.read(self._options.app_folder / self._options.keys) if self._options.keys else None
        listeners: list[Listener] = []
        if self._serves(HTTP):
            listeners.append(
                HttpServer(
                    self._routes,
                    self._settings.route_prefix,
                    invocations,
                    Admin(self._functions, invocations),
                    keys,
                    self._sock,
                )
            )
        else:
            self._sock.close()
        for function in self._functions:
            if not self._serves(group_of(function)):
                continue
            match function.trigger:
                case QueueTrigger() as trigger:
                    listeners.append(
                        QueueListener(
                            function,
                            trigger,
                            await storage.queue(trigger.connection, trigger.queue),
                            await self._poison_of(trigger, storage),
                            invocations,
                            self._settings.queues,
                            lease=self._options.lease,
                            longest_poll=self._options.longest_poll,
                        )
                    )
                case TimerTrigger() as trigger:
                    listeners.append(await self._timer(function, trigger, storage, invocations))
                case _:
                    pass
        by_queue = {listener.queue_name: listener for listener in listeners if isinstance(listener, QueueListener)}
        for name, listener in by_queue.items():
            if poison := by_queue.get(f"{name}{POISON_SUFFIX}"):
                listener.wakes(poison)
        return listeners

    @staticmethod
    async def _poison_of(trigger: QueueTrigger, storage: Storage) -> QueueClient | None:
        if trigger.queue.endswith(POISON_SUFFIX):
            return None
        return await storage.queue(trigger.connection, f"{trigger.queue}{POISON_SUFFIX}")

    async def _timer(
        self, function: Function, trigger: TimerTrigger, storage: Storage, invocations: Invocations
    ) -> Listener:
        # Imported only here: the blob SDK is a quarter of what a process without timers would wait for.
        from local.host.timer_status import TimerBlobs, host_id
        from local.host.timers import TimerListener

        identity = host_id(self._options.app_folder, os.environ)
        blobs = TimerBlobs(await storage.blobs(DEFAULT_CONNECTION), identity, function.name)
        return TimerListener(function, trigger, blobs, invocations)

    async def _drain(self, listeners: list[Listener], invocations: Invocations, *, graceful: bool) -> None:
        await asyncio.gather(*(listener.stop_taking() for listener in listeners))
        finished = asyncio.ensure_future(asyncio.gather(*(listener.finished() for listener in listeners)))
        if graceful:
            hurry = asyncio.ensure_future(self._no_draining.wait())
            either: set[asyncio.Future[Any]] = {finished, hurry}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            await asyncio.wait({finished}, timeout=self._options.grace_s)
        if not finished.done():
            why = "the grace period is over" if graceful else "its process is being replaced"
            invocations.give_up(why)
            await asyncio.wait({finished}, timeout=_SETTLE_S)
        if not finished.done():
            LOG.error("Work is left behind: storage did not answer in time. Its messages come back later.")
            finished.cancel()
        await asyncio.gather(*(listener.close() for listener in listeners))


async def _index(options: Options, settings: HostSettings) -> tuple[list[Function], Routes]:
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (options.app_folder / script).is_file():
        raise StartError(f"{script} was not found in '{options.app}'.")
    functions = describe(await engine.index(options.app_folder), os.environ, settings.only_functions)
    if not functions:
        raise StartError("No job functions found. Try making your triggers and bindings known to the app.")
    return functions, Routes(functions, settings.route_prefix)


async def _serve(options: Options, control: WorkerEnd, sock: socket.socket) -> int:
    """The app's loop. Handlers run here and nothing else, as in Microsoft's worker."""
    settings = read_host_json(options.app_folder, os.environ)
    functions, routes = await _index(options, settings)
    if options.host_folder and (found := list(strangers(options.app, options.host_folder))):
        raise StartError("The app is not alone; it was loaded from elsewhere, too:\n" + "\n".join(found))
    groups = [asdict(group) for group in groups_of(functions)]
    control.tell("indexed", banner=describe_for_people(functions, settings.route_prefix), groups=groups)
    host = WorkerHost(options, settings, functions, routes, control, sock)
    signal.signal(signal.SIGTERM, lambda *_: host.stop())
    control.on_order(stop=host.stop, drain=host.drain)
    app_loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = app_loop.create_future()

    def end(status: int, error: str | None) -> None:
        if error:
            control.tell("failed", message=error)
        if not ended.done():
            ended.set_result(status)

    _start_thread(lambda: host.run(app_loop), lambda status, error: app_loop.call_soon_threadsafe(end, status, error))
    return await ended


def _start_thread(
    run: Callable[[], Coroutine[Any, Any, tuple[int, bool]]], ended: Callable[[int, str | None], object]
) -> None:
    def main() -> None:
        try:
            status, clean = asyncio.run(run())
        except StartError as error:
            ended(EXIT_FAILED, str(error))
            return
        except BaseException:
            LOG.exception("The host's half of this process failed.")
            leave(1)
        if not clean:
            # A handler that was given up may hold its thread, or the app's loop, for ever.
            leave(status)
        ended(status, None)

    threading.Thread(target=main, name="host", daemon=True).start()


def leave(status: int) -> None:
    """Ends the process at once, whatever still runs in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(arguments: Sequence[str]) -> int:
    """The process from its command line to its exit status."""
    options = Options.from_json(arguments[0])
    sock = socket.socket(fileno=int(arguments[1]))
    control = WorkerEnd(int(arguments[2]))
    # Ctrl-C reaches the whole group of processes; the supervisor says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        set_up(read_host_json(options.app_folder, os.environ).log_level)
        if not options.host_folder:
            # The app and what it brings come before anything of this environment.
            sys.path[:0] = [str(options.app_folder / PACKAGES), options.app]
        return asyncio.run(_serve(options, control, sock))
    except StartError as error:
        control.tell("failed", message=str(error))
        return EXIT_FAILED


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
