"""The sample tenant's owner importing a file: what each benchmark of imports starts from and looks at."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from local.stack import IDENTITY_HEADER, Stack
from local.tenant import OWNER

WRITES, PERIOD_S = 3000, 150
"""What Graph lets one app write in one tenant (graph contract "Throttling")."""
WRITES_PER_GUEST = 1.05
"""An invitation, and a twentieth of a change of the group."""
NO_DAILY_LIMIT = {
    "GUESTLIST_IMPORTS_PER_DAY": "10000000",
    "GUESTLIST_IMPORTS_PER_DAY_AND_INVITER": "10000000",
    "GUESTLIST_IMPORTS_FIRST_DAY": "10000000",
    "GUESTLIST_INVITATIONS_PER_DAY": "10000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER": "10000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_GROUP": "10000000",
}
AT_THE_QUOTA = NO_DAILY_LIMIT | {
    "GUESTLIST_IMPORTS_PER_MINUTE": str(int(WRITES / PERIOD_S * 60 / WRITES_PER_GUEST)),
    "GUESTLIST_IMPORT_BURST": "2800",
}
"""The whole quota for imports, but sixty writes of its burst: people who invite by hand take those."""
UNBOUND = NO_DAILY_LIMIT | {
    "GUESTLIST_IMPORTS_PER_MINUTE": "600000",
    "GUESTLIST_IMPORT_BURST": "600000",
    "GUESTLIST_IMPORT_UNITS_PER_SECOND": "1000000",
}
ENDS = {"done", "cancelled", "undone"}


class ImportStuck(Exception):
    """An import did not end in time; the message has what the API said last."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An import that is over: the seconds from the upload's first byte, and what the API says of it."""

    seconds: float
    shown: dict[str, Any]

    def count(self, name: str) -> int:
        return int(self.shown["counts"].get(name, 0))


def change_weather(stack: Stack, *, latency_ms: float, quota: bool) -> None:
    """Set the simulator's latency, and whether Graph's limits hold."""
    change = {"latency": {"allMs": latency_ms}, "throttling": {"enabled": quota, "size": "S"}}
    httpx.patch(f"{stack.simulator_url}/_sim/settings", json=change).raise_for_status()


def group_of(stack: Stack) -> str:
    """The group that everything here is imported to."""
    return str(stack.tenant.group_of(stack.tenant.person(OWNER))["id"])


@asynccontextmanager
async def owner(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API that the group's owner is signed in with; its addresses follow `/api`."""
    order: dict[str, object] = {"audience": stack.tenant.api_client_id, "clientId": stack.tenant.cli_client_id}
    order |= {"username": OWNER, "lifetimeS": 24 * 3600}
    async with httpx.AsyncClient(base_url=f"{stack.host_url}/api", timeout=300) as client:
        answer = await client.post(f"{stack.simulator_url}/_sim/tokens", json=order)
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield client


async def ask(api: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    """A request, repeated for as long as the API says that the directory is busy: owners are read from there."""
    for _ in range(100):
        answer = await api.request(method, path, **more)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer
        await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
    return answer


async def start(api: httpx.AsyncClient, group: str, content: bytes) -> str:
    """Upload a file; gives the import's path."""
    headers = {"Content-Type": "text/csv", "Idempotency-Key": str(uuid.uuid4())}
    answer = await ask(api, "POST", f"/groups/{group}/imports", content=content, headers=headers)
    if answer.status_code != 202:
        raise ImportStuck(f"The upload was answered {answer.status_code}: {answer.text[:1000]}")
    return f"/groups/{group}/imports/{answer.json()['id']}"


async def wait(
    api: httpx.AsyncClient,
    path: str,
    since: float,
    *,
    timeout_s: float,
    seen: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Ended:
    """Wait for the end of an import that began at `since` (of `time.perf_counter`).

    Raises:
        ImportStuck: it did not end within `timeout_s`.
    """
    shown: dict[str, Any] = {}
    while time.perf_counter() - since < timeout_s:
        answer = await ask(api, "GET", path)
        now = time.perf_counter()
        shown = answer.raise_for_status().json()
        seen(shown)
        if shown["state"] in ENDS:
            return Ended(now - since, shown)
        # As a client does that shows progress: seldom while much is left, for a look reads from storage, too.
        left = shown.get("secondsLeft")
        await asyncio.sleep(1.0 if left is None else min(2.0, max(0.25, left / 4)))
    raise ImportStuck(f"The import did not end within {timeout_s:.0f} s: {shown}")


async def run_import(
    stack: Stack,
    content: bytes,
    *,
    timeout_s: float,
    seen: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Ended:
    """Upload a file and wait for the import's end."""
    group = group_of(stack)
    async with owner(stack) as api:
        # A first call loads the app's libraries, which a running instance has.
        (await ask(api, "GET", f"/groups/{group}/imports")).raise_for_status()
        since = time.perf_counter()
        return await wait(api, await start(api, group, content), since, timeout_s=timeout_s, seen=seen)


def calls(stack: Stack) -> Mapping[tuple[str, int], int]:
    """How often the simulator was called so far, by call and status; parts of a batch count singly, the batch not."""
    shown = httpx.get(f"{stack.simulator_url}/_sim/calls").raise_for_status().json()
    return {(c["call"], c["status"]): c["count"] for c in shown if not c["call"].endswith("$batch")}


async def graph_token(stack: Stack) -> str:
    """What Guestlist's identity is let into Graph with."""
    os.environ |= {"IDENTITY_ENDPOINT": f"{stack.simulator_url}/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}
    from azure.identity.aio import ManagedIdentityCredential

    async with ManagedIdentityCredential() as credential:
        return str((await credential.get_token("https://graph.microsoft.com/.default")).token)
