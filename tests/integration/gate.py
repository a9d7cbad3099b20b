"""A gate on the way to a service: passes requests on, and can hold one just before or just after its effect.

While a request is held its sender waits for an answer: that is the moment to kill the sender. What happens at
the gate is what a network does; neither the app nor the service knows of it.
"""

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from aiohttp import web
from yarl import URL

type Side = Literal["before", "after"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "te", "upgrade"}


_IDS = re.compile(r"\(.*\)|(?<=/messages/)[^/]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Passage:
    """A request that the gate has counted: what it is, without ids, and the how-many-th of its kind."""

    kind: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.kind} #{self.occurrence}"


@dataclass
class Gate:
    """Stands before several services and counts their requests.

    `counts` tells which requests matter (the host's own polling does not). `hold` makes one of them stop;
    `held` is done when it has. `release()` drops it without an answer and lets all that follows pass.
    """

    services: dict[str, str]
    counts: Callable[[str, str, str], bool]
    urls: dict[str, str] = field(default_factory=dict)
    passages: list[Passage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._wanted: Passage | None = None
        self._side: Side = "before"
        self._open = asyncio.Event()
        self.held: Future[Passage] = Future()

    def __enter__(self) -> "Gate":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def hold(self, passage: Passage | None, side: Side) -> None:
        """Count anew, and stop that request on that side of its effect; None stops nothing."""

        def arm() -> None:
            self.passages, self._wanted, self._side = [], passage, side
            self._open, self.held = asyncio.Event(), Future()

        self._on_loop(arm)

    def release(self) -> None:
        def let_go() -> None:
            self._wanted = None
            self._open.set()

        self._on_loop(let_go)

    def _on_loop(self, action: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def run() -> None:
            action()
            done.set_result(None)

        self._loop.call_soon_threadsafe(run)
        done.result(20)

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=120))
        self._runners = []
        for name, target in self.services.items():
            app = web.Application(client_max_size=2**26)
            app.router.add_route("*", "/{path:.*}", self._handler(name, target.rstrip("/")))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            self.urls[name] = f"http://127.0.0.1:{port}"
            self._runners.append(runner)

    async def _stop(self) -> None:
        self._open.set()
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    def _handler(self, service: str, target: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            held = False
            if self.counts(service, request.method, request.path):
                kind = f"{service} {request.method} {_IDS.sub('{}', request.path)}"
                passage = Passage(kind, 1 + sum(p.kind == kind for p in self.passages))
                self.passages.append(passage)
                held = passage == self._wanted
            if held and self._side == "before":
                await self._stand(request, passage)
            answer = await self._pass_on(target, request)
            if held:
                await self._stand(request, passage)
            return answer

        return handle

    async def _stand(self, request: web.Request, passage: Passage) -> None:
        release = self._open
        self.held.set_result(passage)
        await release.wait()
        if request.transport is not None:
            request.transport.abort()
        raise web.HTTPGatewayTimeout

    async def _pass_on(self, target: str, request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        # Signed requests: nothing may be added that the sender did not sign.
        body = await request.read() or None
        skip = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
        async with self._session.request(
            request.method,
            URL(f"{target}{request.raw_path}", encoded=True),
            headers=headers,
            data=body,
            skip_auto_headers=skip,
            allow_redirects=False,
        ) as answer:
            kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP]
            content = await answer.read()
            response = web.Response(status=answer.status, body=content)
            response.headers.clear()
            response.headers.extend(kept)
            if answer.headers.get("Content-Encoding"):
                response.headers["Content-Encoding"] = answer.headers["Content-Encoding"]
            return response
