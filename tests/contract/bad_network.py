"""A network that can be told to misbehave, before a storage service: what it does is what networks do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, Self

import aiohttp
from aiohttp import web
from yarl import URL

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}

type Fault = Literal["answer lost", "cut before", "hang"] | int
"""`answer lost`: the service does it and a 503 is answered; `cut before`: no connection; a number: that status
is answered and nothing is done."""


@dataclass
class BadNetwork:
    """Passes on what comes, but for the next requests with the given `faults` (one each, None for none), and
    for all after them with `from_then_on`."""

    upstream: str
    faults: list[Fault | None] = field(default_factory=list)
    from_then_on: Fault | None = None
    requests: list[web.Request] = field(default_factory=list)
    port: int = 0
    _session: aiohttp.ClientSession = field(init=False)

    @classmethod
    @asynccontextmanager
    async def before(cls, port: int) -> AsyncIterator[Self]:
        network = cls(f"http://127.0.0.1:{port}")
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", network._pass)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        network.port = runner.addresses[0][1]
        async with aiohttp.ClientSession(auto_decompress=False) as network._session:
            try:
                yield network
            finally:
                await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else self.from_then_on
        if fault == "cut before":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault == "hang":
            await asyncio.sleep(3600)
        if isinstance(fault, int):
            return web.Response(status=fault, headers={"Retry-After": "0"} if fault == 503 else {})
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        url = URL(f"{self.upstream}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read(), skip_auto_headers=["Content-Type"]
        ) as answer:
            body = await answer.read()
            if fault == "answer lost":
                assert answer.status < 300, "an effect was to be lost, but there was none"
                return web.Response(status=503, headers={"Retry-After": "0"})
            passed = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=passed, body=body)
