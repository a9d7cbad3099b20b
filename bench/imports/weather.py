"""Bad weather before the directory: a share of all calls is answered 429 at random, and who comes back too early is
noted. Parts of a batch are calls of their own, as they are for Graph (graph contract "Batch")."""

import asyncio
import json
import random
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

_DROPPED = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "host"}
_ERROR = {"error": {"code": "TooManyRequests", "message": "Please retry again later."}}


@dataclass(slots=True)
class Log:
    """What came by. `early`: for each call before its Retry-After was over, what it was and by how many seconds."""

    calls: int = 0
    refused: int = 0
    early: list[tuple[str, float]] = field(default_factory=list)
    not_before: dict[str, float] = field(default_factory=dict)

    def arrives(self, names: list[str]) -> None:
        """A call that concerns these things comes in now."""
        now = time.monotonic()
        self.calls += 1
        for name in names:
            due = self.not_before.pop(name, now)
            if due > now:
                self.early.append((name, due - now))

    def refuse(self, names: list[str], seconds: int) -> None:
        """It is answered 429 now."""
        self.refused += 1
        for name in names:
            self.not_before[name] = time.monotonic() + seconds


class Weather:
    """Stands before a directory; each call is refused with the chance `share`, for up to `longest_s` seconds."""

    def __init__(self, target: str, *, share: float, longest_s: int, seed: int) -> None:
        self._target = target
        self._share = share
        self._longest_s = longest_s
        self._chance = random.Random(seed)  # noqa: S311 - weather, not a secret
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.log = Log()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        started: Future[str] = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.url = started.result(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _start(self) -> str:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120))
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        if request.path.endswith("/$batch"):
            return await self._batch(request, json.loads(content))
        after = self._strike(_names(request.method, request.raw_path, json.loads(content) if content else None))
        if after:
            return web.json_response(_ERROR, status=429, headers={"Retry-After": str(after)})
        status, headers, body = await self._pass_on(request, content)
        return web.Response(status=status, headers=headers, body=body)

    async def _batch(self, request: web.Request, document: dict[str, Any]) -> web.Response:
        good, refused = [], []
        for part in document["requests"]:
            after = self._strike(_names(part["method"], part["url"], part.get("body")))
            if after:
                refused.append(
                    {"id": part["id"], "status": 429, "headers": {"Retry-After": str(after)}, "body": _ERROR}
                )
            else:
                good.append(part)
        if not good:
            return web.json_response({"responses": refused})
        status, headers, body = await self._pass_on(request, json.dumps({"requests": good}).encode())
        if status == 200:
            body = json.dumps({"responses": json.loads(body)["responses"] + refused}).encode()
        return web.Response(status=status, headers=headers, body=body)

    def _strike(self, names: list[str]) -> int:
        """Seconds to stay away, 0 for a call that may pass."""
        self.log.arrives(names)
        if self._chance.random() >= self._share:
            return 0
        seconds = self._chance.randint(1, self._longest_s)
        self.log.refuse(names, seconds)
        return seconds

    async def _pass_on(self, request: web.Request, content: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _DROPPED}
        url = URL(f"{self._target}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=content or None, allow_redirects=False
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _DROPPED}
            return answer.status, kept, await answer.read()


def _names(method: str, url: str, body: Any) -> list[str]:
    """What a call is about, the same whether it is asked for alone or together with others: who is looked up, who
    is invited, who is added to which group."""
    path = url.partition("/v1.0")[2] or url
    match method, body:
        case "POST", {"invitedUserEmailAddress": address}:
            return [f"invite {address}"]
        case _, {"members@odata.bind": [*members]}:
            return [f"add {member.rpartition('/')[2]} to {path.split('/')[2]}" for member in members]
        case _, {"@odata.id": member} if path.endswith("/members/$ref"):
            return [f"add {member.rpartition('/')[2]} to {path.split('/')[2]}"]
        case _:
            return [f"{method} {unquote(path)}"]
