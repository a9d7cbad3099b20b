"""Another app of the tenant, which writes to the directory at a steady rate."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from local.stack import Stack

_AT_ONCE = 20


@asynccontextmanager
async def writing(stack: Stack, per_second: float) -> AsyncIterator[None]:
    """So many writes a second for as long as the context lasts, whether they pass or not."""
    client, secret = str(uuid.uuid4()), uuid.uuid4().hex
    user = {"id": str(uuid.uuid4()), "displayName": "Changed", "userPrincipalName": f"{client}@contoso.com"}
    app: dict[str, object] = {"clientId": client, "objectId": str(uuid.uuid4()), "name": "another-app"}
    app |= {"secret": secret, "graphPermissions": ["User.ReadWrite.All"]}
    order = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    order |= {"scope": "https://graph.microsoft.com/.default"}
    async with httpx.AsyncClient(base_url=stack.simulator_url, timeout=120) as graph:
        (await graph.post("/_sim/seed", json={"users": [user], "clients": [app]})).raise_for_status()
        answer = await graph.post(f"/{stack.tenant.id}/oauth2/v2.0/token", data=order)
        graph.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        work = asyncio.create_task(_write(graph, user["id"], per_second))
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def _write(graph: httpx.AsyncClient, user: str, per_second: float) -> None:
    part = {"method": "PATCH", "url": f"/users/{user}", "headers": {"Content-Type": "application/json"}}
    parts = [part | {"id": str(n), "body": {"displayName": f"Changed {n}"}} for n in range(_AT_ONCE)]
    due = time.monotonic()
    while True:
        (await graph.post("/v1.0/$batch", json={"requests": parts})).raise_for_status()
        due += _AT_ONCE / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
