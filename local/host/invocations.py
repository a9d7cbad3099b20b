"""One run of a handler: ids, trace context, time-out, and the line in the log."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from local.host.dispatcher import Dispatcher
from local.host.engine import Data, Result
from local.host.functions import Function
from local.host.logs import ERROR, INFORMATION, print_line

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Trace:
    """W3C trace context of an invocation."""

    parent: str
    state: str = ""

    @classmethod
    def fresh(cls) -> Trace:
        """A new trace, not sampled out."""
        return cls(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Trace:
        """The caller's trace where its header is well formed, or a fresh one."""
        parent = headers.get("traceparent", "").strip().lower()
        if not _TRACEPARENT.fullmatch(parent) or parent.startswith("ff"):
            return cls.fresh()
        return cls(parent, headers.get("tracestate", ""))


_NO_TRACE = Trace("")
"""What a queue or timer function gets from a host that exports nothing: seen on Microsoft's host."""


class Invocations:
    """Runs handlers in the app's process."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        time_limit: timedelta,
        traced: bool = False,
    ) -> None:
        """Must be made on the host's loop.

        Args:
            time_limit: `functionTimeout`.
            traced: the host exports its own telemetry, and so begins a trace for what no caller has begun one for.
        """
        self._dispatcher = dispatcher
        self._time_limit_s = time_limit.total_seconds()
        self._traced = traced
        self._given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.running = 0
        """Runs that have not ended."""
        self.started = 0
        """Runs that were ever begun."""

    def give_up(self, why: str) -> None:
        """Counts every run that is still going as failed; the host is about to end."""
        if not self._given_up.done():
            self._given_up.set_result(why)

    async def run(
        self,
        function: Function,
        inputs: Mapping[str, Data],
        metadata: Mapping[str, Data] | None = None,
        *,
        trace: Trace | None = None,
    ) -> Result:
        """Runs a handler to its end. Failures are told, never raised."""
        if self._given_up.done():
            return Result(error=self._given_up.result(), abandoned=True)
        trace = trace or (Trace.fresh() if self._traced else _NO_TRACE)
        invocation = {
            "invocation_id": str(uuid4()),
            "function_id": function.function_id,
            "input_data": [{"name": name, "data": data} for name, data in inputs.items()],
            "trigger_metadata": metadata,
            "trace_context": {"trace_parent": trace.parent, "trace_state": trace.state},
            "retry_context": {},
        }
        self.started += 1
        self.running += 1
        try:
            return await self._run(function.name, invocation)
        finally:
            self.running -= 1

    async def _run(self, name: str, invocation: Mapping[str, Any]) -> Result:
        started, id_ = time.perf_counter(), invocation["invocation_id"]
        running = asyncio.ensure_future(self._dispatcher.invoke(invocation))
        either: set[asyncio.Future[Any]] = {running, self._given_up}
        await asyncio.wait(either, timeout=self._time_limit_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            result = running.result()
        elif self._given_up.done():
            result = Result(error=self._given_up.result(), abandoned=True)
        else:
            result = Result(error=f"Timeout value of {self._time_limit_s:g} s exceeded")
            self._dispatcher.timed_out(id_)
        duration_ms = (time.perf_counter() - started) * 1000
        ended = "Succeeded" if result.succeeded else "Failed"
        line = f"Executed 'Functions.{name}' ({ended}, Id={id_}, Duration={duration_ms:.0f}ms)"
        if result.succeeded:
            print_line(INFORMATION, line)
        else:
            print_line(ERROR, f"{line}: {result.error}")
        return result
