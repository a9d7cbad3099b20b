"""One run of a handler: ids, trace context, time-out, outputs, and the line in the log."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from local.host import engine
from local.host.functions import Function
from local.host.logs import LOG
from local.host.outputs import Outputs

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. A failure has nothing to return."""

    succeeded: bool
    returned: Any = None
    timed_out: bool = False
    abandoned: bool = False
    """The process ends before the handler did."""


class Invocations:
    """Runs handlers on the app's loop, asked from the host's loop."""

    def __init__(
        self,
        app_loop: asyncio.AbstractEventLoop,
        outputs: Outputs,
        *,
        time_limit: timedelta | None,
        on_timeout: Callable[[str], None],
    ) -> None:
        """Must be made on the host's loop.

        Args:
            on_timeout: told the function's name, once its run was given up.
        """
        self._app_loop = app_loop
        self._outputs = outputs
        self._time_limit_s = None if time_limit is None else time_limit.total_seconds()
        self._on_timeout = on_timeout
        self._given_up = asyncio.get_running_loop().create_future()
        self.unfinished = 0
        """Handlers that are running, given up or not."""
        self.started = 0
        """Handlers that were ever started."""

    def give_up(self, why: str) -> None:
        """Counts every run that is still going as failed; the process is about to end."""
        if not self._given_up.done():
            self._given_up.set_result(why)

    async def run(
        self,
        function: Function,
        inputs: Sequence[tuple[str, Any]],
        metadata: Mapping[str, Any] | None = None,
        *,
        trace: Trace | None = None,
        retry_count: int = 0,
        max_retry_count: int = 0,
    ) -> Outcome:
        """Runs a handler to its end and sends its outputs. Failures are told, never raised."""
        if self._given_up.done():
            return Outcome(succeeded=False, abandoned=True)
        invocation_id = str(uuid4())
        trace = trace or Trace.fresh()
        started = time.perf_counter()
        running = self._start(
            engine.invoke(
                function.function_id,
                invocation_id,
                inputs,
                metadata or {},
                trace_parent=trace.parent,
                trace_state=trace.state,
                retry_count=retry_count,
                max_retry_count=max_retry_count,
            )
        )
        await asyncio.wait({running, self._given_up}, timeout=self._time_limit_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            outcome, remark = await self._finish(function, running)
        elif self._given_up.done():
            outcome, remark = Outcome(succeeded=False, abandoned=True), str(self._given_up.result())
        else:
            outcome = Outcome(succeeded=False, timed_out=True)
            remark = f"Timeout value of {self._time_limit_s:g} s exceeded"
        duration_ms = (time.perf_counter() - started) * 1000
        ended = "Succeeded" if outcome.succeeded else "Failed"
        line = f"Executed 'Functions.{function.name}' ({ended}, Id={invocation_id}, Duration={duration_ms:.0f}ms)"
        if outcome.succeeded:
            LOG.info(line)
        else:
            LOG.error("%s: %s", line, remark)
        if outcome.timed_out:
            self._on_timeout(function.name)
        return outcome

    def _start(self, handler: Any) -> asyncio.Future[engine.Result]:
        self.unfinished += 1
        self.started += 1
        running = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(handler, self._app_loop))

        def finished(_: object) -> None:
            self.unfinished -= 1

        running.add_done_callback(finished)
        return running

    async def _finish(self, function: Function, running: asyncio.Future[engine.Result]) -> tuple[Outcome, str]:
        if running.cancelled():
            return Outcome(succeeded=False), "the handler cancelled itself"
        result = running.result()
        if not result.succeeded:
            return Outcome(succeeded=False), result.error or "no reason given"
        try:
            await self._outputs.send(function, result)
        except Exception as error:  # whatever an output meets, the invocation has failed with it
            return Outcome(succeeded=False), f"output binding: {error!r}"
        return Outcome(succeeded=True, returned=result.returned), ""
