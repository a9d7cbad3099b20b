"""The simulator as a plain HTTP client meets it, and what of the sample tenant the tests name."""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import httpx
from aiohttp import web

from local.simulator.__main__ import SAMPLE
from local.simulator.issuer.issuer import SigningKey
from local.simulator.server import application
from local.simulator.simulator import Simulator

TRAVEL = "00000201-0000-4000-8000-000000000201"
DYNAMIC = "00000202-0000-4000-8000-000000000202"
SYNCED = "00000203-0000-4000-8000-000000000203"
NEWS = "00000204-0000-4000-8000-000000000204"
ROLES = "00000205-0000-4000-8000-000000000205"
OLIVIA = "00000101-0000-4000-8000-000000000101"
OSCAR = "00000102-0000-4000-8000-000000000102"
GUS = "00000107-0000-4000-8000-000000000107"
APP = "00000300-0000-4000-8000-000000000300"
CLIENT = "00000403-0000-4000-8000-000000000403"
ANY_ROLE = "00000000-0000-0000-0000-000000000000"
ALL = [
    "User.Invite.All",
    "User.ReadWrite.All",
    "User.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "Mail.ReadWrite",
    "Mail.Send",
    "AuditLog.Read.All",
    "Policy.Read.All",
    "EntitlementManagement.ReadWrite.All",
]


@dataclass
class Graph:
    simulator: Simulator
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(method, f"/v1.0{path}", json=body, headers=headers)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_sim{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def settings(self, **change: Any) -> None:
        await self.control("PATCH", "/settings", change)

    async def listed(self, path: str, condition: str, **options: str) -> list[Any]:
        """The items of a collection that a filter finds."""
        answer = await self.http.get(f"/v1.0{path}", params={"$filter": condition, **options})
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["value"]
        return found

    async def permit(self, *permissions: str) -> None:
        await self.control("PATCH", f"/clients/{CLIENT}", {"graphPermissions": permissions})
        order = {"clientId": CLIENT, "audience": "https://graph.microsoft.com"}
        token = (await self.control("POST", "/tokens", order))["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    async def invite(self, address: str, **more: Any) -> httpx.Response:
        body = {"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://myapps.microsoft.com", **more}
        return await self.call("POST", "/invitations", body)

    async def invited(self, address: str) -> str:
        answer = await self.invite(address)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["invitedUser"]["id"])

    async def add(self, group: str, user: str) -> httpx.Response:
        reference = {"@odata.id": f"{self.http.base_url}/v1.0/directoryObjects/{user}"}
        return await self.call("POST", f"/groups/{group}/members/$ref", reference)


def error(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message, with the envelope checked."""
    found = answer.json()["error"]
    inner = found["innerError"]
    assert {"date", "request-id", "client-request-id"} <= inner.keys()
    assert not inner["date"].endswith("Z")
    assert answer.headers["request-id"] == inner["request-id"]
    return answer.status_code, found["code"], found["message"]


@functools.cache
def _signing_key() -> SigningKey:
    """One for all tenants of a process: to make one takes longer than most of these tests."""
    return SigningKey.make()


@asynccontextmanager
async def serving() -> AsyncIterator[Graph]:
    """A simulator of the sample tenant, with a client that holds every permission."""
    with mock.patch.object(SigningKey, "make", return_value=_signing_key()):
        simulator = Simulator(json.loads(SAMPLE.read_text()), identity_header="header")
    runner = web.AppRunner(application(simulator), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as http:
        found = Graph(simulator, http)
        await found.permit(*ALL)
        yield found
    simulator.world.faults.remove()
    await runner.cleanup()
