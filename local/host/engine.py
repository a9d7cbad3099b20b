"""The app's process as the host sees it: messages out, answers and log lines back.

Source: `GrpcWorkerChannel` of azure-functions-host. Microsoft's worker library, in that process, indexes the app and
does every binding's decoding and encoding.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from local.host.app_process import AppProcess
from local.host.errors import StartError
from local.host.logs import INFORMATION, WARNING, print_line
from local.host.protocol import Unframer, frame, protos

_STARTUP_S = 60.0
"""How long a worker process may take until it opens its stream: `processStartupTimeout`."""

_HOST_VERSION = "4.1037.0.0"

Data = Mapping[str, Any]
"""What `TypedData` is made of: a value by its kind (`string`, `bytes`, `json` …), or `http` with its parts."""


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as the worker library describes it to the host."""

    name: str
    function_id: str
    bindings: tuple[Mapping[str, Any], ...]
    """Each with `type`, `name`, `direction` and what its type needs."""
    retries: bool = False
    """It asks for a retry policy."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the handler returned (a `TypedData`), or why it failed."""

    returned: Any = None
    error: str | None = None
    abandoned: bool = False
    """The process ends before the handler did."""

    @property
    def succeeded(self) -> bool:
        return self.error is None


class WorkerEnded(Exception):
    """The process ended before it answered."""


class Channel:
    """One worker process, from its start to its end."""

    def __init__(self, app: AppProcess) -> None:
        self._process = app.process
        self._connection = app.connection
        self._executing: dict[str, asyncio.Future[Result]] = {}
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._ended: asyncio.Task[int] | None = None

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def initialize(self, folder: str, *, limit_s: float) -> list[IndexedFunction]:
        """Waits for the process to load the app, and lists the app's functions.

        Args:
            limit_s: how long loading may take: `initializationTimeout` of the worker's configuration.

        Raises:
            StartError: with the worker library's own message and stack, or because it took too long.
            WorkerEnded: the process ended.
        """
        reader, self._writer = await asyncio.open_connection(sock=self._connection)
        self._ended = asyncio.create_task(self._watch(reader), name=f"worker {self.pid}")
        await self._answer(_STARTUP_S)
        self._send(
            worker_init_request=protos.WorkerInitRequest(
                host_version=_HOST_VERSION, function_app_directory=folder, capabilities={}
            )
        )
        response = (await self._answer(limit_s)).worker_init_response
        if response.result.status != protos.StatusResult.Success:
            raise StartError(f"Worker failed to index functions\n{_failure(response.result.exception)}")
        self._send(functions_metadata_request=protos.FunctionsMetadataRequest(function_app_directory=folder))
        metadata = (await self._answer(limit_s)).function_metadata_response.function_metadata_results
        for found in metadata:
            self._send(
                function_load_request=protos.FunctionLoadRequest(function_id=found.function_id, metadata=found)
            )
            await self._answer(limit_s)
        return [_indexed(found) for found in metadata]

    async def invoke(self, invocation: Mapping[str, Any]) -> Result:
        """Runs a handler with what `InvocationRequest` is made of. A handler's exception is a `Result`, not raised;
        where the process is killed by the host there never is one."""
        try:
            request = protos.InvocationRequest(**invocation)
        except (ValueError, TypeError) as error:  # no text that can be sent
            return Result(error=repr(error))
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._executing[request.invocation_id] = future
        self._send(invocation_request=request)
        return await future

    def is_executing(self, invocation_id: str) -> bool:
        """Whether an answer to this invocation is still to come."""
        return invocation_id in self._executing

    def fail_executions(self, why: str) -> None:
        """Fails all that runs in the process, which has crashed."""
        for future in self._executing.values():
            if not future.done():
                future.set_result(Result(error=why))
        self._executing.clear()

    def kill(self) -> None:
        """Ends the process. What runs in it gets no answer any more."""
        self._process.kill()

    async def ended(self) -> int:
        """The exit status, once the process has ended and all that it said was heard; negative: the signal."""
        if self._ended is None:
            return await asyncio.to_thread(self._process.wait)
        return await asyncio.shield(self._ended)

    async def _watch(self, reader: asyncio.StreamReader) -> int:
        hearing = asyncio.create_task(self._hear(reader))
        status = await asyncio.to_thread(self._process.wait)
        # What it forked may hold the socket open.
        await asyncio.wait({hearing}, timeout=1)
        hearing.cancel()
        if self._writer:
            self._writer.close()
        self._answers.put_nowait(None)
        return status

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        unframer = Unframer()
        with suppress(ConnectionResetError):
            while content := await reader.read(1 << 16):
                for message in unframer.feed(content):
                    self._take(message)

    def _take(self, message: Any) -> None:
        match message.WhichOneof("content"):
            case "invocation_response":
                response = message.invocation_response
                future = self._executing.pop(response.invocation_id, None)
                if future and not future.done():
                    future.set_result(_result(response))
            case "rpc_log":
                self._take_log(message.rpc_log)
            case _:
                self._answers.put_nowait(message)

    def _take_log(self, line: Any) -> None:
        # Microsoft's worker has a log of the platform's own in Azure.
        is_system = line.log_category == protos.RpcLog.RpcLogCategory.Value("System")
        # A line of the app outside an invocation is dropped, as by the host (`GrpcWorkerChannel.Log`).
        if (is_system and line.level >= WARNING) or (
            not is_system and line.level >= INFORMATION and self.is_executing(line.invocation_id)
        ):
            print_line(line.level, line.message)

    async def _answer(self, limit_s: float) -> Any:
        try:
            message = await asyncio.wait_for(self._answers.get(), limit_s)
        except TimeoutError:
            raise StartError(
                f"Initializing worker process failed: the app was not loaded within {limit_s:g} s. "
                "The operation has timed out."
            ) from None
        if message is None:
            raise WorkerEnded(f"the process ended with status {self._process.returncode}")
        return message

    def _send(self, **content: Any) -> None:
        if self._writer and not self._writer.is_closing():
            self._writer.write(frame(protos.StreamingMessage(**content)))


def _indexed(found: Any) -> IndexedFunction:
    return IndexedFunction(
        name=found.name,
        function_id=found.function_id,
        bindings=tuple(json.loads(binding) for binding in found.raw_bindings),
        retries=found.HasField("retry_options"),
    )


def _result(response: Any) -> Result:
    if response.result.status != protos.StatusResult.Success:
        return Result(error=_failure(response.result.exception))
    if response.return_value.http.cookies:
        return Result(error="the answer sets cookies, which this host does not send")
    return Result(response.return_value)


def _failure(exception: Any) -> str:
    return f"Result: Failure\nException: {exception.message}\nStack: {exception.stack_trace}"
