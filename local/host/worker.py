"""One instance of the app: the host, which keeps the app's process beside itself.

Started by the supervisor through `local.host.start_worker`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

from local.host.app_process import AppProcess, Options, launch
from local.host.configuration import HostSettings, read_host_json
from local.host.dispatcher import Dispatcher
from local.host.errors import StartError
from local.host.functions import (
    POISON_SUFFIX,
    Function,
    QueueTrigger,
    TimerTrigger,
    banner,
    describe,
    group_of,
    groups_of,
)
from local.host.http_server import HttpServer
from local.host.instances import EXIT_ENDED, EXIT_FAILED, WorkerEnd
from local.host.invocations import Invocations
from local.host.logs import LOG, set_up
from local.host.queues import QueueListener
from local.host.routes import Routes
from local.host.scaling import HTTP
from local.host.storage import Storage

_ACTIVITY_S = 0.5
"""How often an instance of one group says whether it had something to do."""

_SETTLE_S = 5.0
"""How long messages of handlers that were given up may take to be handed back."""


class Listener(Protocol):
    """A source of work."""

    async def start(self) -> None:
        """Begins to take work."""

    async def stop_taking(self) -> None:
        """Takes no more; what runs goes on."""

    async def finished(self) -> None:
        """Returns when nothing runs any more, and nothing is open but the clients of `Storage`."""


class WorkerHost:
    """The host of one instance."""

    def __init__(
        self,
        options: Options,
        settings: HostSettings,
        functions: Sequence[Function],
        routes: Routes,
        dispatcher: Dispatcher,
        control: WorkerEnd,
        sock: socket.socket,
        hurry: asyncio.Event,
    ) -> None:
        """`hurry` is set where the end waits no longer than the grace period for what runs."""
        self._options = options
        self._settings = settings
        self._functions = [function for function in functions if not function.disabled]
        self._routes = routes
        self._dispatcher = dispatcher
        self._control = control
        self._sock = sock
        self._hurry = hurry

    async def run(self, stopping: asyncio.Future[int]) -> int:
        """Serves until told to stop or until the app's process has crashed too often; gives the exit status."""
        storage = Storage(os.environ)
        invocations = Invocations(
            self._dispatcher,
            time_limit=self._settings.function_timeout,
            traced=_is_traced(self._settings, os.environ),
        )
        try:
            listeners = await self._listeners(storage, invocations)
            for listener in listeners:
                await listener.start()
            self._control.tell("serving")
            activity = asyncio.create_task(self._tell_activity(invocations))
            status = await stopping
            activity.cancel()
            await self._drain(listeners, invocations)
        finally:
            await storage.close()
        return status

    async def _tell_activity(self, invocations: Invocations) -> None:
        seen = 0
        while self._options.group:
            if invocations.running or invocations.started > seen:
                self._control.tell("active")
            seen = invocations.started
            await asyncio.sleep(_ACTIVITY_S)

    def _serves(self, group: str) -> bool:
        return self._options.group in (None, group)

    async def _listeners(self, storage: Storage, invocations: Invocations) -> list[Listener]:
        listeners: list[Listener] = []
        if self._serves(HTTP):
            listeners.append(
                HttpServer(
                    self._routes,
                    invocations,
                    self._functions,
                    self._sock,
                    master_key=self._options.master_key,
                    answer_s=self._options.answer_s,
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
                            await storage.queue(trigger.connection, f"{trigger.queue}{POISON_SUFFIX}"),
                            invocations,
                            self._settings.queues,
                            lease=self._options.lease,
                            longest_poll=self._options.longest_poll,
                        )
                    )
                case TimerTrigger() as trigger:
                    try:
                        listeners.append(await self._timer(function, trigger, storage, invocations))
                    except StartError as error:
                        name = function.name
                        LOG.error("The listener for function 'Functions.%s' was unable to start. %s", name, error)
                case _:
                    pass
        return listeners

    async def _timer(
        self, function: Function, trigger: TimerTrigger, storage: Storage, invocations: Invocations
    ) -> Listener:
        # Imported only here: the blob SDK is a quarter of what a process without timers would wait for.
        from local.host.timer_status import TimerBlobs, host_id
        from local.host.timers import TimerListener

        identity = host_id(self._options.app_folder, os.environ)
        blobs = TimerBlobs(await storage.blobs(), identity, function.name)
        return TimerListener(function, trigger, blobs, invocations)

    async def _drain(self, listeners: list[Listener], invocations: Invocations) -> None:
        await asyncio.gather(*(listener.stop_taking() for listener in listeners))
        finished = asyncio.ensure_future(asyncio.gather(*(listener.finished() for listener in listeners)))
        # Drained: source: Microsoft, "Event-driven scaling", scale-in: up to 60 minutes.
        hurry = asyncio.ensure_future(self._hurry.wait())
        either: set[asyncio.Future[Any]] = {finished, hurry}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        await asyncio.wait({finished}, timeout=self._options.grace_s)
        if not finished.done():
            invocations.give_up("the grace period is over")
            await asyncio.wait({finished}, timeout=_SETTLE_S)
        if not finished.done():
            LOG.error("Work is left behind: storage did not answer in time. Its messages come back later.")
            finished.cancel()


def _is_traced(settings: HostSettings, environment: Mapping[str, str]) -> bool:
    """Whether the host exports its own telemetry, and so begins a trace for each invocation."""
    if environment.get("APPLICATIONINSIGHTS_CONNECTION_STRING"):
        return True
    return settings.exports and bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


async def _index(options: Options, settings: HostSettings, dispatcher: Dispatcher, app: AppProcess) -> list[Function]:
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (options.app_folder / script).is_file():
        raise StartError(f"{script} was not found in '{options.app}'.")
    indexed = await dispatcher.start(app)
    if not indexed:
        raise StartError("No job functions found. Try making your triggers and bindings known to the app.")
    return describe(indexed, os.environ, bundle=settings.bundle)


async def _serve(
    options: Options, settings: HostSettings, control: WorkerEnd, sock: socket.socket, app: AppProcess
) -> int:
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[int] = loop.create_future()

    hurry = asyncio.Event()

    def end_with(status: int, *, at_once: bool = True) -> None:
        if at_once:
            hurry.set()
        if not stopping.done():
            stopping.set_result(status)

    # Both may be called from any thread or signal handler, at any time. Draining waits for all that runs, however
    # long it takes, unless it is told to stop.
    stop = partial(loop.call_soon_threadsafe, end_with, 0)
    drain = partial(loop.call_soon_threadsafe, partial(end_with, 0, at_once=False))
    dispatcher = Dispatcher(
        options,
        partial(launch, options, os.environ),
        on_change=lambda pid: control.tell("worker", pid=pid),
        on_end=partial(end_with, EXIT_ENDED),
    )
    try:
        functions = await _index(options, settings, dispatcher, app)
        routes = Routes(functions, settings.route_prefix)
        groups = [asdict(group) for group in groups_of(functions)]
        control.tell("indexed", banner=banner(functions, settings.route_prefix), groups=groups)
        host = WorkerHost(options, settings, functions, routes, dispatcher, control, sock, hurry)
        signal.signal(signal.SIGTERM, lambda *_: stop())
        control.on_order(stop=stop, drain=drain)
        return await host.run(stopping)
    finally:
        dispatcher.close()


def leave(status: int) -> None:
    """Ends the process at once, whatever still runs in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(arguments: Sequence[str], app: AppProcess) -> int:
    """The process from its command line to its exit status."""
    options = Options.from_json(arguments[0])
    sock = socket.socket(fileno=int(arguments[1]))
    control = WorkerEnd(int(arguments[2]))
    # Ctrl-C reaches the whole group of processes; the supervisor says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        settings = read_host_json(options.app_folder, os.environ)
        set_up()
        return asyncio.run(_serve(options, settings, control, sock, app))
    except StartError as error:
        control.tell("failed", message=str(error))
        return EXIT_FAILED
    finally:
        app.process.kill()
