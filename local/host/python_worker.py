"""The app's process: stands for Microsoft's proxy worker, which drives the worker library in Azure.

Indexing and handlers run here and nothing else: no module of the host but this one, `protocol` and `origins`. Written
after `workers/proxy_worker` (`start_worker.py`, `dispatcher.py`, `logging.py`, `utils/dependency.py`) of
Azure/azure-functions-python-worker: uvloop, the task factory, which invocation a log line belongs to, the order of
`sys.path`, one thread that receives and one that sends.

Started by `local.host.app_process` as `python -P -m local.host.python_worker SOCKET APP`. With names of modules after
these it loads them and is forked as it is asked on that socket (`local.host.forks`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from local.host.origins import beside_path, strangers

_INVOCATION_ID = "__azure_function_invocation_id__"

_SYSTEM = ("proxy_worker", "azure.functions", "azure_functions_runtime")
"""Loggers of Microsoft's own, whose lines are not the app's."""


class ContextEnabledTask(asyncio.Task[Any]):
    """A task that belongs to the invocation of the task that made it."""

    def __init__(self, coro: Any, loop: asyncio.AbstractEventLoop, context: Any = None, **kwargs: Any) -> None:
        super().__init__(coro, loop=loop, context=context, **kwargs)
        current = asyncio.current_task(loop)
        invocation_id = getattr(current, _INVOCATION_ID, None) if current else None
        if invocation_id is not None:
            self.set_azure_invocation_id(invocation_id)

    def set_azure_invocation_id(self, invocation_id: str) -> None:
        """Marks this task, and so all that it starts."""
        setattr(self, _INVOCATION_ID, invocation_id)


def _request(name: str, message: Any, **properties: Any) -> SimpleNamespace:
    """What the library is handed: the message, and what it needs beside it."""
    return SimpleNamespace(name=name, request=message, properties=properties)


class Worker:
    """Answers the host's messages, one task each, on the app's loop."""

    def __init__(self, connection: socket.socket, app: str, host_folder: str | None) -> None:
        """Imports the library: `sys.path` is the app's by now."""
        import azure_functions_runtime as runtime  # type: ignore[import-untyped]

        from local.host.protocol import Unframer, frame, protos

        self._runtime = runtime
        self._protos = protos
        self._frame = frame
        self._unframer = Unframer()
        self._connection = connection
        self._app = app
        self._host_folder = host_folder
        self._outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._last_of_thread: dict[int, str] = {}
        """The invocation that each thread began last. Never forgotten, as in Azure: what runs on the loop without an
        invocation of its own is logged under the last one that began."""

    async def run(self) -> None:
        """Never returns: the process ends with the connection to the host."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(
            lambda loop, coro, context=None, **kwargs: ContextEnabledTask(coro, loop, context, **kwargs)
        )
        root = logging.getLogger()
        root.setLevel(logging.DEBUG if _is_true(os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING")) else logging.INFO)
        root.addHandler(_HostHandler(self))
        threading.Thread(target=self._send, name="send", daemon=True).start()
        threading.Thread(target=self._receive, args=(loop,), name="receive", daemon=True).start()
        self._put(start_stream=self._protos.StartStream(worker_id=str(os.getpid())))
        await loop.create_future()

    def _put(self, **content: Any) -> None:
        self._outgoing.put(self._protos.StreamingMessage(**content))

    def _send(self) -> None:
        while True:
            try:
                self._connection.sendall(self._frame(self._outgoing.get()))
            except OSError:
                os._exit(1)

    def _receive(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                content = self._connection.recv(1 << 16)
            except OSError:
                content = b""
            if not content:
                # The host is gone: an instance ends as a whole, whatever still runs in it.
                os._exit(1)
            for message in self._unframer.feed(content):
                loop.call_soon_threadsafe(loop.create_task, self._answer(message))

    async def _answer(self, message: Any) -> None:
        match message.WhichOneof("content"):
            case "worker_init_request":
                self._put(worker_init_response=await self._initialize(message))
            case "functions_metadata_request":
                request = _request("WorkerMetadataRequest", message)
                self._put(function_metadata_response=await self._runtime.functions_metadata_request(request))
            case "function_load_request":
                request = _request("FunctionLoadRequest", message)
                self._put(function_load_response=await self._runtime.function_load_request(request))
            case "invocation_request":
                self._put(invocation_response=await self._invoke(message))

    async def _initialize(self, message: Any) -> Any:
        self._runtime.start_threadpool_executor()
        request = _request("WorkerInitRequest", message, protos=self._protos, host="127.0.0.1")
        response = await self._runtime.worker_init_request(request)
        if self._host_folder and response.result.status == self._protos.StatusResult.Success:
            found = list(strangers(self._app, self._host_folder))
            if found:
                text = "The app is not alone; it was loaded from elsewhere, too:\n" + "\n".join(found)
                response.result.status = self._protos.StatusResult.Failure
                response.result.exception.message = text
        return response

    async def _invoke(self, message: Any) -> Any:
        invocation_id = message.invocation_request.invocation_id
        task = asyncio.current_task()
        if isinstance(task, ContextEnabledTask):
            task.set_azure_invocation_id(invocation_id)
        self._last_of_thread[threading.get_ident()] = invocation_id
        return await self._runtime.invocation_request(_request("FunctionInvocationRequest", message))

    def log(self, record: logging.LogRecord, text: str) -> None:
        """Sends a line to the host, with the invocation it belongs to, where there is one."""
        log = self._protos.RpcLog
        system = record.name.startswith(_SYSTEM)
        self._put(
            rpc_log=log(
                # Python's levels are ten times those of `RpcLog.Level`; what is below them all is its None, 6.
                level=min(record.levelno // 10, 5) or 6,
                message=text,
                category=record.name,
                log_category=log.RpcLogCategory.Value("System" if system else "User"),
                invocation_id=self._invocation_id() or "",
            )
        )

    def _invocation_id(self) -> str | None:
        loop = asyncio._get_running_loop()
        task = asyncio.current_task(loop) if loop else None
        for found in (
            getattr(task, _INVOCATION_ID, None) if task else None,
            self._runtime.invocation_id_cv.get(),
            self._last_of_thread.get(threading.get_ident()),
        ):
            if found is not None:
                return str(found)
        return None


class _HostHandler(logging.Handler):
    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        self._worker.log(record, self.format(record))


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in {"1", "true", "t", "yes", "y"}


def main(arguments: Sequence[str], host_folder: str | None = None) -> None:
    """Runs until the host's end of the socket (a descriptor) is closed."""
    descriptor, app, *modules = arguments
    # Ctrl-C reaches the whole group of processes; the host says when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import uvloop
    except ImportError:  # Windows has none, in Azure as here
        pass
    else:
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if host_folder is None:
        sys.path[:] = beside_path(app, sys.path)
    if modules:
        from local.host.forks import become_forked

        [descriptor] = become_forked(int(descriptor), modules)
        sys.argv[-len(arguments) :] = [descriptor, app]
    connection = socket.socket(fileno=int(descriptor))
    asyncio.run(Worker(connection, app, host_folder).run())


if __name__ == "__main__":
    main(sys.argv[1:])
