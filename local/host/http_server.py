"""HTTP triggers: requests in, the worker library's Datums through, responses out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from local.host.admin import PATH, Admin, BadInput
from local.host.engine import Datum
from local.host.functions import Function, HttpTrigger
from local.host.invocations import Invocations, Trace
from local.host.keys import Keys
from local.host.logs import LOG
from local.host.routes import Template

MOST_BODY_BYTES = 100 * 1024 * 1024
"""Documented limit of a request's body."""

_NOT_COPIED = {"content-length", "transfer-encoding", "connection", "keep-alive"}
"""Response headers that belong to the connection, not to the app."""


class Routes:
    """Finds the function for a path and a method."""

    def __init__(self, functions: Sequence[Function], prefix: str) -> None:
        """Reads the templates of every HTTP function that is not disabled.

        Raises:
            StartError: a template cannot be read.
        """
        entries = []
        for function in functions:
            if isinstance(function.trigger, HttpTrigger) and not function.disabled:
                text = "/".join(part for part in (prefix, function.trigger.route.strip("/")) if part)
                entries.append((Template.parse(text), function, function.trigger))
        # sorted() is stable: templates of one rank keep the order of the app.
        self.entries = sorted(entries, key=lambda entry: entry[0].precedence)

    def find(self, method: str, raw_path: str) -> tuple[Function, HttpTrigger, dict[str, str]] | None:
        """The first function whose template and methods fit; None where no template does.

        A function that takes GET takes HEAD as well, as in the host since it registers HEAD with GET
        (`WebScriptHostHttpRoutesManager.BuildConstraintMethods`).

        Raises:
            MethodNotAllowed: templates fit, their methods do not. The real host says 405 with `Allow` to
                HEAD alone and 404 to other methods (azure-functions-host issue 10098); here all get 405.
        """
        allowed: set[str] = set()
        for template, function, trigger in self.entries:
            if (values := template.match(raw_path)) is None:
                continue
            methods = {*trigger.methods, "HEAD"} if "GET" in trigger.methods else set(trigger.methods)
            if not methods or method in methods:
                return function, trigger, values
            allowed |= methods
        if allowed:
            raise MethodNotAllowed(allowed)
        return None


class MethodNotAllowed(Exception):
    """The path is known, the method is not."""

    def __init__(self, allowed: set[str]) -> None:
        super().__init__(", ".join(sorted(allowed)))
        self.allowed = sorted(allowed)


class HttpServer:
    """Answers on a socket that this process shares with the other worker processes."""

    def __init__(
        self,
        routes: Routes,
        prefix: str,
        invocations: Invocations,
        admin: Admin,
        keys: Keys | None,
        sock: socket.socket,
    ) -> None:
        self._routes = routes
        self._admin = admin
        self._prefix = prefix
        self._invocations = invocations
        self._keys = keys
        self._sock = sock
        self._idle = asyncio.Event()
        self._idle.set()
        self._active = 0
        self._closing = False
        app = web.Application(client_max_size=MOST_BODY_BYTES)
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
        """Returns when no request is in progress."""
        await self._idle.wait()

    async def close(self) -> None:
        """Closes what is still open."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._active += 1
        self._idle.clear()
        try:
            response = await self._respond(request)
            if self._closing:
                response.force_close()
            await response.prepare(request)
            await response.write_eof()
            return response
        finally:
            self._active -= 1
            if self._active == 0:
                self._idle.set()

    async def _respond(self, request: web.Request) -> web.Response:
        raw_path = request.rel_url.raw_path
        if raw_path in ("", "/") and self._prefix:
            return web.Response(text="Your Functions app is up and running.\n")
        if raw_path.lower().startswith(PATH):
            return await self._run_by_hand(request, unquote(raw_path[len(PATH) :]))
        try:
            found = self._routes.find(request.method, raw_path)
        except MethodNotAllowed as error:
            return web.Response(status=405, headers={"Allow": ", ".join(error.allowed)})
        if found is None:
            return web.Response(status=404)
        function, trigger, values = found
        if not self._may(request, trigger.auth_level, function):
            return web.Response(status=401)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        outcome = await self._invocations.run(
            function,
            [(trigger.parameter, _request_datum(request, body, values))],
            trace=Trace.from_headers(request.headers),
        )
        if not outcome.succeeded:
            return web.Response(status=500)
        try:
            return _response(outcome.returned)
        except (ValueError, TypeError, KeyError) as error:
            LOG.error("The response of function '%s' cannot be sent: %s", function.name, error)
            return web.Response(status=500)

    def _may(self, request: web.Request, level: str, function: Function) -> bool:
        key = request.headers.get("x-functions-key") or request.query.get("code")
        return self._keys is None or self._keys.allow(level, function.name, key)

    async def _run_by_hand(self, request: web.Request, name: str) -> web.Response:
        if (function := self._admin.find(name)) is None:
            return web.Response(status=404)
        if not self._may(request, "admin", function):
            return web.Response(status=401)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        try:
            await self._admin.run(function, await request.read())
        except BadInput as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.Response(status=202)


def _texts(values: dict[str, str]) -> dict[str, Any]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _request_datum(request: web.Request, body: bytes, values: dict[str, str]) -> Any:
    # Repeated headers and query parameters reach the worker as one value with commas between.
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    # The front end appends where a request came from to what the client may have written.
    # Source: Azure App Service, "Inspect X-Forwarded-For" (client address and port, the last of the list).
    if request.remote:
        before = headers.get("x-forwarded-for")
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        headers["x-forwarded-for"] = ", ".join([*([before] if before else []), f"{request.remote}:{port}"])
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(f"{request.scheme}://{request.host}{request.raw_path}", "string"),
            "headers": _texts(headers),
            "params": _texts(values),
            "query": _texts(query),
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _response(returned: Any) -> web.Response:
    if returned is None:
        return web.Response(status=204)
    if returned.type != "http":
        return web.Response(text=str(returned.value))
    value = returned.value
    headers: CIMultiDict[str] = CIMultiDict()
    for name, header in value["headers"].items():
        if name.lower() not in _NOT_COPIED:
            headers.add(name, header.value)
    cookies: list[SimpleCookie] = value.get("cookies") or []
    for cookie in cookies:
        for morsel in cookie.values():
            headers.add("Set-Cookie", morsel.OutputString())
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)
