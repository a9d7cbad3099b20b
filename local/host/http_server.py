"""HTTP triggers: requests in, the worker library's messages through, responses out; and `/admin`."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import socket
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.host.engine import Data
from local.host.errors import StartError
from local.host.functions import Function, TimerTrigger
from local.host.invocations import Invocations, Trace
from local.host.logs import LOG
from local.host.routes import Routes, decode_path

MOST_BODY_BYTES = 104_857_600
"""Of a request, where the setting does not say. Source: `HttpRequestBodySizeMiddleware`."""

_BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"

HOMEPAGE = "<!DOCTYPE html><title>Your Azure Function App is up and running.</title>\n"

_DISABLE_HOMEPAGE = "AzureWebJobsDisableHomepage"

_NOT_COPIED = {"content-length", "transfer-encoding", "connection", "keep-alive"}
"""Response headers that belong to the connection, not to the app."""

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")
"""What Kestrel refuses in a header's value: what is not ASCII, and control characters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=CIMultiDict)
    close: bool = False
    """End the connection, whatever of the request is still to come."""


class HttpServer:
    """Answers on a socket that this process shares with the other worker processes."""

    def __init__(
        self,
        routes: Routes,
        invocations: Invocations,
        functions: Sequence[Function],
        sock: socket.socket,
        *,
        master_key: str | None,
        answer_s: float,
    ) -> None:
        """`answer_s`: how long a caller waits for an answer: Azure's front end gives up then, whatever
        `functionTimeout` says, and the function goes on (Microsoft, "Azure Functions HTTP trigger", limits).

        Raises StartError where the limit of bodies is no number.
        """
        self._routes = routes
        self._functions = {function.name.lower(): function for function in functions}
        self._invocations = invocations
        self._master_key = master_key
        self._answer_s = answer_s
        self._most_body = _most_body_bytes()
        self._sock = sock
        self._idle = asyncio.Event()
        self._idle.set()
        self._active: set[asyncio.Task[Any]] = set()
        self._closing = False
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        self._site: web.SockSite | None = None

    async def start(self) -> None:
        """Begins to accept."""
        await self._runner.setup()
        self._site = web.SockSite(self._runner, self._sock)
        await self._site.start()

    async def stop_taking(self) -> None:
        """Accepts no more; requests in progress go on, connections that wait for one are closed."""
        self._closing = True
        if self._site:
            await self._site.stop()
        if self._runner.server:
            self._runner.server.pre_shutdown()

    async def finished(self) -> None:
        """Returns when no request is in progress and what was open is closed."""
        await self._idle.wait()
        await self._runner.cleanup()

    def _go_on[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Work that nobody has to wait for, and that the host waits for before it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._active.add(task)
        self._idle.clear()

        def ended(_: object) -> None:
            self._active.discard(task)
            if not self._active:
                self._idle.set()

        task.add_done_callback(ended)
        return task

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        return await self._go_on(self._within_the_limit(request))

    async def _within_the_limit(self, request: web.Request) -> web.StreamResponse:
        """What Azure's front end does: it gives up on the function and not the other way round."""
        responding = self._go_on(self._respond(request))
        await asyncio.wait({responding}, timeout=self._answer_s)
        if responding.done():
            return await self._send(request, responding.result())
        LOG.error("%s %s: no answer within %g s.", request.method, request.path, self._answer_s)
        return await self._send(request, Answer(502))

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        if self._closing or answer.close:
            response.force_close()
        if not answer.body:
            response.content_length = 0
        # Without a length the body is chunked, as by Kestrel.
        await response.prepare(request)
        if answer.body and request.method != "HEAD":
            await response.write(answer.body)
        await response.write_eof()
        if answer.close:
            request.protocol.force_close()
        return response

    async def _respond(self, request: web.Request) -> Answer:
        path = decode_path(request.rel_url.raw_path)
        if path.lower() == "/admin" or path.lower().startswith("/admin/"):
            return await self._administer(request, path)
        return await self._run(request, path)

    async def _run(self, request: web.Request, path: str) -> Answer:
        found = self._routes.find(request.method, path)
        if found is None:
            return _homepage() if path == "/" else Answer(404)
        function, trigger, values = found
        if function.disabled and not self._is_master(request):
            return Answer(404)
        if (request.content_length or 0) > self._most_body:
            LOG.error("Request body too large. The max request body size is %d bytes.", self._most_body)
            return Answer(500, close=True)
        if request.content_length is None and request.can_read_body:
            LOG.warning(
                "%s %s: a body without Content-Length does not reach the function.", request.method, request.path
            )
        body = await request.read() if request.content_length else b""
        result = await self._invocations.run(
            function,
            {trigger.parameter: _request_data(request, body, values)},
            trace=Trace.from_headers(request.headers),
        )
        if not result.succeeded:
            return Answer(500)
        try:
            return _answer_of(result.returned)
        except ValueError as error:
            LOG.error("The response of function '%s' cannot be sent: %s", function.name, error)
            return Answer(500)

    def _is_master(self, request: web.Request) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        key = self._master_key or ""
        return bool(key) and hmac.compare_digest(given.encode(), key.encode())

    async def _administer(self, request: web.Request, path: str) -> Answer:
        """Runs a timer function at once, without its schedule, and answers 202 before that: for whoever has the
        master key. The body is ``{"input": "…"}``, of which a timer sees nothing.

        Source: `FunctionsController.Invoke` of azure-functions-host.
        """
        if path.lower() == "/admin/host/ping":
            return Answer(200)
        if not self._is_master(request):
            return Answer(401)
        function = self._functions.get(path.lower().removeprefix("/admin/functions/"))
        if function is None or request.method != "POST":
            return Answer(404)
        try:
            json.loads(await request.read())["input"]
        except (ValueError, KeyError, TypeError):
            return _text(400, 'the body is {"input": "text"}\n')
        if not isinstance(function.trigger, TimerTrigger):
            return _text(400, "this host runs timers alone so\n")
        timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        self._go_on(self._invocations.run(function, {function.trigger.parameter: {"json": json.dumps(timer)}}))
        return Answer(202)


def _text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _most_body_bytes() -> int:
    text = os.environ.get(_BODY_LIMIT) or str(MOST_BODY_BYTES)
    if not text.isdecimal():
        raise StartError(f"{_BODY_LIMIT} is '{text}': a number of bytes is expected.")
    return int(text)


def _homepage() -> Answer:
    # Source: HomepageMiddleware; it answers where no function did.
    if os.environ.get(_DISABLE_HOMEPAGE, "").lower() == "true":
        return Answer(204)
    return Answer(200, HOMEPAGE.encode(), {"Content-Type": "text/html"})


def _request_data(request: web.Request, body: bytes, values: dict[str, str]) -> Data:
    # Repeated headers and query parameters reach the worker as one value with commas between.
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    # The front end appends where a request came from to what the client may have written.
    # Source: Azure App Service, "Inspect X-Forwarded-For" (client address and port, the last of the list).
    if request.remote:
        before = headers.get("x-forwarded-for")
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        headers["x-forwarded-for"] = ", ".join([*([before] if before else []), f"{request.remote}:{port}"])
    # A parameter without a value does not reach the worker (GrpcMessageConversionExtensions of the host).
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    http = {
        "method": request.method,
        "url": f"{request.scheme}://{request.host}{request.raw_path}",
        "headers": headers,
        "params": values,
        "query": {name: value for name, value in query.items() if value},
        "body": {"bytes": body} if body else None,
    }
    return {"http": http}


def _answer_of(returned: Any) -> Answer:
    """Raises ValueError where the host cannot send it."""
    kind = returned.WhichOneof("data")
    if kind is None:
        return Answer(204)
    if kind != "http":
        return _text(200, str(getattr(returned, kind)))
    http = returned.http
    headers = CIMultiDict({name: text for name, text in http.headers.items() if name.lower() not in _NOT_COPIED})
    for name, text in headers.items():
        if _UNSENDABLE.search(text):
            raise ValueError(f"Invalid non-ASCII or control character in header '{name}'")
    body = getattr(http.body, http.body.WhichOneof("data") or "bytes")
    return Answer(int(http.status_code), body.encode() if isinstance(body, str) else body, headers)
