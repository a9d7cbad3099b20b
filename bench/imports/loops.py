"""What an import is compared with: the loop that people write, and the least that a fast program has to send."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

from bench.imports.scene import graph_token, group_of
from local.stack import Stack

CHUNK = 20
_REDIRECT = "https://myapps.microsoft.com"


async def sequential(stack: Stack, addresses: Sequence[str]) -> float:
    """Guests per second of a plain loop with msgraph-sdk: for each guest one invite call, then one add call."""
    token = await graph_token(stack)  # sets the environment of the credential below
    del token
    from azure.identity.aio import ManagedIdentityCredential
    from msgraph.generated.models.invitation import Invitation
    from msgraph.generated.models.reference_create import ReferenceCreate
    from msgraph.graph_service_client import GraphServiceClient

    group, url = group_of(stack), f"{stack.simulator_url}/v1.0"
    async with ManagedIdentityCredential() as credential:
        client = GraphServiceClient(credential, scopes=["https://graph.microsoft.com/.default"])
        client.request_adapter.base_url = url
        since = 0.0
        for number, address in enumerate(addresses):
            if number == 1:  # the first one loads the SDK's models and gets the token
                since = time.perf_counter()
            made = await client.invitations.post(
                Invitation(
                    invited_user_email_address=address,
                    invite_redirect_url=_REDIRECT,
                    send_invitation_message=True,
                )
            )
            if made is None or made.invited_user is None:
                raise RuntimeError("the invitation has no user")
            reference = ReferenceCreate(odata_id=f"{url}/directoryObjects/{made.invited_user.id}")
            await client.groups.by_group_id(group).members.ref.post(reference)
        return (len(addresses) - 1) / (time.perf_counter() - since)


async def bare(stack: Stack, addresses: Sequence[str], *, in_flight: int) -> float:
    """Guests per second of a loop that sends what an import sends and keeps nothing: a batch of look-ups, a batch of
    invitations, one change of the group for twenty guests; so many times twenty at once."""
    group, url = group_of(stack), f"{stack.simulator_url}/v1.0"
    gate = asyncio.Semaphore(in_flight)
    headers = {"Authorization": f"Bearer {await graph_token(stack)}"}
    limits = httpx.Limits(max_connections=in_flight)
    async with httpx.AsyncClient(headers=headers, timeout=120, limits=limits) as graph:

        async def batch(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
            numbered = [{"id": str(n), **request} for n, request in enumerate(requests)]
            answer = await graph.post(f"{url}/$batch", json={"requests": numbered})
            return list(answer.raise_for_status().json()["responses"])

        async def chunk(few: Sequence[str]) -> None:
            async with gate:
                found = await batch([_look_up(address) for address in few])
                if any(f["status"] != 200 or f["body"]["value"] for f in found):
                    raise RuntimeError("a look-up failed, or found a guest who should be new")
                made = await batch([_invitation(address) for address in few])
                users = [m["body"]["invitedUser"]["id"] for m in made]
                members = {"members@odata.bind": [f"{url}/directoryObjects/{user}" for user in users]}
                (await graph.patch(f"{url}/groups/{group}", json=members)).raise_for_status()

        since = time.perf_counter()
        await asyncio.gather(*(chunk(addresses[n : n + CHUNK]) for n in range(0, len(addresses), CHUNK)))
        return len(addresses) / (time.perf_counter() - since)


def _look_up(address: str) -> dict[str, Any]:
    clauses = (
        f"mail eq '{address}'",
        f"otherMails/any(o:o eq '{address}')",
        f"proxyAddresses/any(p:p eq 'SMTP:{address}')",
        f"proxyAddresses/any(p:p eq 'smtp:{address}')",
    )
    select = "id,userType,accountEnabled,externalUserState,mail,otherMails,proxyAddresses"
    return {"method": "GET", "url": f"/users?$filter={quote(' or '.join(clauses), safe='')}&$select={select}"}


def _invitation(address: str) -> dict[str, Any]:
    body = {
        "invitedUserEmailAddress": address,
        "inviteRedirectUrl": _REDIRECT,
        "sendInvitationMessage": True,
        "invitedUserDisplayName": f"Guest {address.partition('@')[0]}",
        "invitedUserMessageInfo": {"messageLanguage": "en-US"},
    }
    return {
        "method": "POST",
        "url": "/invitations",
        "headers": {"Content-Type": "application/json"},
        "body": body,
    }
