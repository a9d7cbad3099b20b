"""Microsoft's worker library, driven in this process: it indexes the app and runs its handlers.

The only module that imports the library. Plain objects stand in for the protobuf messages it was written
for: it puts fields into them and reads a few back, and never serializes them on this way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]

from local.host.errors import StartError

__all__ = ["Datum", "IndexedFunction", "Result", "index", "invoke"]


class _Message:
    """Keeps the fields it is made with."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


class _BindingInfo(_Message):
    # The numbers of the protobuf enums; the library compares a binding's direction and type with them.
    inout = 2
    out = 1
    undefined = 0


class _StatusResult(_Message):
    Failure = 0
    Success = 1


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    StatusResult=_StatusResult,
    WorkerInitResponse=_Message,
    WorkerMetadata=_Message,
    FunctionMetadataResponse=_Message,
    RpcFunctionMetadata=_Message,
    RpcRetryOptions=_Message,
    RpcException=_Message,
)


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as the worker library describes it to the host."""

    name: str
    function_id: str
    bindings: tuple[Mapping[str, Any], ...]
    """Each with `type`, `name`, `direction` and what its type needs."""
    retry: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler gave."""

    succeeded: bool
    returned: Any
    """A Datum, or None."""
    outputs: Sequence[tuple[str, Any]]
    """Name of an `Out[...]` parameter and its Datum."""
    error: str | None


async def index(folder: Path) -> list[IndexedFunction]:
    """Imports the app and lists its functions. Only once in a process; the loop is then the app's loop.

    Raises:
        StartError: with the worker library's own message and stack.
    """
    init = _Message(function_app_directory=str(folder), capabilities={})
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"host": "", "protos": _PROTOS}
    )
    response = await runtime.worker_init_request(request)
    if response.result.status == _StatusResult.Failure:
        exception = response.result.exception
        raise StartError(
            "Worker failed to index functions\n"
            f"Result: Failure\nException: {exception.message}\nStack: {exception.stack_trace}"
        )
    metadata = await runtime.functions_metadata_request(request)
    runtime.start_threadpool_executor()
    return [
        IndexedFunction(
            name=found.name,
            function_id=found.function_id,
            bindings=tuple(json.loads(binding) for binding in found.raw_bindings),
            retry=None if found.retry_options is None else vars(found.retry_options),
        )
        for found in metadata.function_metadata_results or ()
    ]


async def invoke(
    function_id: str,
    invocation_id: str,
    inputs: Sequence[tuple[str, Any]],
    metadata: Mapping[str, Any],
    *,
    trace_parent: str,
    trace_state: str,
    retry_count: int = 0,
    max_retry_count: int = 0,
) -> Result:
    """Runs a handler; to be awaited on the app's loop. A handler's exception is a `Result`, not raised."""
    succeeded, returned, outputs, error, _ = await native_invocation.invocation_request_native(
        invocation_id,
        function_id,
        inputs,
        metadata,
        trace_parent,
        trace_state,
        retry_count,
        max_retry_count,
    )
    return Result(succeeded, returned, outputs, error)
