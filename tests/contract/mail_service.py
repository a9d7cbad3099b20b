"""A mail service that follows the REST contract of Azure Communication Services Email, version 2025-09-01.

What the service does when one operation id is sent twice is UNVERIFIED: `sends_again` is the switch.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aiohttp import web

KEY = base64.b64encode(b"a key of a made-up resource").decode()

type Fault = Literal["cut before", "cut after"] | tuple[int, dict[str, str]]


@dataclass
class MailService:
    """`faults` meet the next requests, one each; `ends_as` is what becomes of a mail that was taken."""

    sends_again: bool = True
    ends_as: str = "Succeeded"
    faults: list[Fault | None] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    operations: dict[str, str] = field(default_factory=dict)
    endpoint: str = ""

    @classmethod
    @asynccontextmanager
    async def running(cls, *, sends_again: bool) -> AsyncIterator[Self]:
        service = cls(sends_again)
        app = web.Application()
        app.router.add_post("/emails:send", service._send)
        app.router.add_get("/emails/operations/{id}", service._state)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield service
        finally:
            await runner.cleanup()

    async def _send(self, request: web.Request) -> web.StreamResponse:
        if refusal := await self._refusal(request):
            return refusal
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, tuple):
            return _error(fault[0], "Told", "told to fail", fault[1])
        if fault == "cut before":
            return _cut(request)
        mail, operation = await request.json(), str(uuid.UUID(request.headers["Operation-Id"]))
        for name in ("senderAddress", "recipients", "content"):
            if name not in mail:
                return _error(400, "InvalidRequest", f"{name} is required")
        if self.sends_again or operation not in self.operations:
            self.mails.append(mail)
        self.operations[operation] = self.ends_as
        if fault == "cut after":
            return _cut(request)
        where = f"{self.endpoint}/emails/operations/{operation}?api-version=2025-09-01"
        body = {"id": operation, "status": "Running"}
        return web.json_response(body, status=202, headers={"Operation-Location": where, "Retry-After": "5"})

    async def _state(self, request: web.Request) -> web.StreamResponse:
        if refusal := await self._refusal(request):
            return refusal
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, tuple):
            return _error(fault[0], "Told", "told to fail", fault[1])
        status = self.operations.get(request.match_info["id"])
        if status is None:
            return _error(404, "OperationNotFound", "there is no such operation")
        body: dict[str, Any] = {"id": request.match_info["id"], "status": status}
        if status == "Failed":
            body["error"] = {"code": "EmailDroppedAllRecipientsSuppressed", "message": "the recipient is suppressed"}
        return web.json_response(body)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """Checks what every request must bring: the version, and a signature made with the resource's key."""
        self.requests.append(f"{request.method} {request.path}")
        if request.query.get("api-version") != "2025-09-01":
            return _error(400, "UnsupportedApiVersion", "the version is not known")
        digest = base64.b64encode(hashlib.sha256(await request.read()).digest()).decode()
        signed = f"{request.method}\n{request.path_qs}\n{request.headers['x-ms-date']};{request.host};{digest}"
        wanted = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), "sha256")).decode()
        if not request.headers["Authorization"].endswith(f"Signature={wanted}"):
            return _error(401, "Denied", "the signature is wrong")
        return None


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
