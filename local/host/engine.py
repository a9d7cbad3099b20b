"""The app's process as the host sees it: messages out, answers and log lines back.

Source: `GrpcWorkerChannel` of azure-functions-host. Microsoft's worker library, in that process, indexes the app and
does every binding's decoding and encoding.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from local.host.app_process import AppProcess
from local.host.errors import StartError
from local.host.protocol import Unframer, frame, protos

_STARTUP_S = 60.0
"""How long a worker process may take until it opens its stream: `processStartupTimeout`."""

_HOST_VERSION = "4.1037.0.0"


@dataclass(frozen=True, slots=True)
class Datum:
    """A value and its kind: `string`, `bytes`, `json`, `int`, `double`, or `http`, whose value is a mapping: of a
    request `method`, `url`, `headers`, `params`, `query` and `body`, of an answer `status`, `headers` and `body`."""

    value: Any
    type: str | None


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
class Invocation:
    """What a handler is to be run with."""

    id: str
    function_name: str
    function_id: str
    inputs: Sequence[tuple[str, Datum]]
    metadata: Mapping[str, Datum]
    trace_parent: str = ""
    trace_state: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler gave."""

    succeeded: bool
    returned: Datum | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that the app's process wrote."""

    function_name: str | None
    """None: a line of Microsoft's worker itself."""
    level: int
    """Of `RpcLog.Level`."""
    text: str


class WorkerEnded(Exception):
    """The process ended before it answered."""


class Channel:
    """One worker process, from its start to its end."""

    def __init__(self, app: AppProcess, log: Callable[[LogLine], None]) -> None:
        self._process = app.process
        self._connection = app.connection
        self._log = log
        self._executing: dict[str, tuple[str, asyncio.Future[Result]]] = {}
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
            exception = response.result.exception
            raise StartError(
                "Worker failed to index functions\n"
                f"Result: Failure\nException: {exception.message}\nStack: {exception.stack_trace}"
            )
        self._send(functions_metadata_request=protos.FunctionsMetadataRequest(function_app_directory=folder))
        metadata = (await self._answer(limit_s)).function_metadata_response.function_metadata_results
        for found in metadata:
            self._send(
                function_load_request=protos.FunctionLoadRequest(function_id=found.function_id, metadata=found)
            )
            await self._answer(limit_s)
        return [_indexed(found) for found in metadata]

    async def invoke(self, invocation: Invocation) -> Result:
        """Runs a handler. A handler's exception is a `Result`, not raised; where the process is killed by the host
        there never is one."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        try:
            request = _request(invocation)
        except (ValueError, TypeError) as error:  # no text that can be sent
            return Result(succeeded=False, error=repr(error))
        self._executing[invocation.id] = (invocation.function_name, future)
        self._send(invocation_request=request)
        return await future

    def is_executing(self, invocation_id: str) -> bool:
        """Whether an answer to this invocation is still to come."""
        return invocation_id in self._executing

    def fail_executions(self, why: str) -> None:
        """Fails all that runs in the process, which has crashed."""
        for _, future in self._executing.values():
            if not future.done():
                future.set_result(Result(succeeded=False, error=why))
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
                _, future = self._executing.pop(response.invocation_id, (None, None))
                if future and not future.done():
                    future.set_result(_result(response))
            case "rpc_log":
                self._take_log(message.rpc_log)
            case _:
                self._answers.put_nowait(message)

    def _take_log(self, line: Any) -> None:
        if line.log_category == protos.RpcLog.RpcLogCategory.Value("System"):
            self._log(LogLine(None, line.level, line.message))
        elif found := self._executing.get(line.invocation_id):
            self._log(LogLine(found[0], line.level, line.message))
        # Any other line is dropped, as by the host (`GrpcWorkerChannel.Log`).

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


def _request(invocation: Invocation) -> Any:
    return protos.InvocationRequest(
        invocation_id=invocation.id,
        function_id=invocation.function_id,
        input_data=[protos.ParameterBinding(name=name, data=_typed(datum)) for name, datum in invocation.inputs],
        trigger_metadata={name: _typed(datum) for name, datum in invocation.metadata.items()},
        trace_context=protos.RpcTraceContext(
            trace_parent=invocation.trace_parent, trace_state=invocation.trace_state
        ),
        retry_context=protos.RetryContext(),
    )


def _typed(datum: Datum) -> Any:
    if datum.type is None or datum.value is None:
        return protos.TypedData()
    if datum.type != "http":
        return protos.TypedData(**{datum.type: datum.value})
    http = dict(datum.value)
    body = http.pop("body")
    return protos.TypedData(http=protos.RpcHttp(**http, body=protos.TypedData(bytes=body) if body else None))


def _result(response: Any) -> Result:
    if response.result.status != protos.StatusResult.Success:
        exception = response.result.exception
        text = f"Result: Failure\nException: {exception.message}\nStack: {exception.stack_trace}"
        return Result(succeeded=False, error=text)
    if response.return_value.http.cookies:
        return Result(succeeded=False, error="the answer sets cookies, which this host does not send")
    return Result(succeeded=True, returned=_datum(response.return_value))


def _datum(data: Any) -> Datum | None:
    kind = data.WhichOneof("data")
    if kind is None:
        return None
    if kind != "http":
        return Datum(getattr(data, kind), kind)
    body = _datum(data.http.body)
    answer = {
        "status": data.http.status_code,
        "headers": dict(data.http.headers),
        "body": body.value if body else b"",
    }
    return Datum(answer, "http")
