"""Guests per second through the whole flow, against a plain sequential loop with msgraph-sdk.

Both on the same simulator with the same latency. Ours starts with the HTTP requests of single guests and ends when
the last of them is a member; the loop does what a script does: one invite call and one add call per guest.
"""

import asyncio
import os
import time
import uuid

import httpx

from bench.rows import Row
from local.stack import IDENTITY_HEADER, Stack

FILES = (
    "shared/invitations/accept.py",
    "shared/invitations/invite.py",
    "shared/invitations/join.py",
    "host.json",
)
AREA = ("functions", "shared")
GUESTS, LOOP_GUESTS, LATENCY_MS, AT_ONCE = 200, 30, 100, 20
SETTINGS = {
    "GUESTLIST_INVITATIONS_PER_MINUTE": "60000",
    "GUESTLIST_INVITATIONS_PER_DAY": "1000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER": "1000000",
    "GUESTLIST_INVITATIONS_PER_DAY_AND_GROUP": "1000000",
}


def run() -> list[Row]:
    with Stack(workers=2, max_poll_ms=100, extra_settings=SETTINGS) as stack:
        httpx.patch(
            f"{stack.simulator_url}/_sim/settings", json={"latency": {"allMs": LATENCY_MS}}
        ).raise_for_status()
        group = stack.tenant.group_of(stack.tenant.person("olivia.owner@contoso.com"))["id"]
        order = {"audience": stack.tenant.api_client_id, "clientId": stack.tenant.cli_client_id}
        order["username"] = "olivia.owner@contoso.com"
        token = httpx.post(f"{stack.simulator_url}/_sim/tokens", json=order).json()["access_token"]
        ours = asyncio.run(_ours(stack.host_url, group, token))
        loop = asyncio.run(_loop(stack, group))
    note = (
        f"{GUESTS} single guests from HTTP to member, {LATENCY_MS} ms Graph latency, 2 processes, pace raised; "
        f"against a sequential loop with msgraph-sdk ({LOOP_GUESTS} guests)"
    )
    return [Row("guests per second through the flow", ours, "guests/s", loop, ours / loop, None, None, note)]


async def _ours(host_url: str, group: str, token: str) -> float:
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=host_url, headers={"Authorization": f"Bearer {token}"}, timeout=120) as api:
        path = f"/api/groups/{group}/invitations"

        async def invite(address: str) -> None:
            async with gate:
                (await api.post(path, json={"address": address})).raise_for_status()

        await invite("warm-up@fabrikam.com")
        start = time.perf_counter()
        await asyncio.gather(*(invite(f"{uuid.uuid4().hex}@fabrikam.com") for _ in range(GUESTS)))
        while True:
            done, link = 0, f"{path}?state=member&limit=200"
            while link:
                page = (await api.get(link)).raise_for_status().json()
                done, link = done + len(page["value"]), page["nextLink"]
            if done >= GUESTS + 1:
                return GUESTS / (time.perf_counter() - start)
            await asyncio.sleep(0.1)


async def _loop(stack: Stack, group: str) -> float:
    os.environ |= {"IDENTITY_ENDPOINT": f"{stack.simulator_url}/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}
    from azure.identity.aio import ManagedIdentityCredential
    from msgraph.generated.models.invitation import Invitation
    from msgraph.generated.models.reference_create import ReferenceCreate
    from msgraph.graph_service_client import GraphServiceClient

    async with ManagedIdentityCredential() as credential:
        client = GraphServiceClient(credential, scopes=["https://graph.microsoft.com/.default"])
        url = f"{stack.simulator_url}/v1.0"
        client.request_adapter.base_url = url

        async def one() -> None:
            made = await client.invitations.post(
                Invitation(
                    invited_user_email_address=f"{uuid.uuid4().hex}@fabrikam.com",
                    invite_redirect_url="https://myapps.microsoft.com",
                    send_invitation_message=True,
                )
            )
            if made is None or made.invited_user is None:
                raise RuntimeError("the invitation has no user")
            reference = ReferenceCreate(odata_id=f"{url}/directoryObjects/{made.invited_user.id}")
            await client.groups.by_group_id(group).members.ref.post(reference)

        await one()
        start = time.perf_counter()
        for _ in range(LOOP_GUESTS):
            await one()
        return LOOP_GUESTS / (time.perf_counter() - start)
