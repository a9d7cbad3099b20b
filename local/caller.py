"""Calls Guestlist's API as a signed-in person, as any client of it would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import aiohttp

from local.guests import Guest


class CallFailed(Exception):
    """A service answered with something that nobody here can go on with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To a request for one invitation: its id, or the problem (RFC 9457) that the API answered with."""

    invitation: str | None
    problem: dict[str, Any] | None = None


async def sign_in(
    session: aiohttp.ClientSession, issuer: str, tenant: str, *, client: str, audience: str, person: dict[str, Any]
) -> str:
    """An access token for the API, by the password grant (only the local issuer's sample people have one).

    Raises:
        CallFailed: with the issuer's words.
    """
    form = {
        "grant_type": "password",
        "client_id": client,
        "username": person["userPrincipalName"],
        "password": person["password"],
        "scope": f"api://{audience}/access_as_user",
    }
    async with session.post(f"{issuer}/{tenant}/oauth2/v2.0/token", data=form) as answer:
        body = await answer.json()
        if answer.status != 200:
            raise CallFailed(f"Signing in as {person['userPrincipalName']}: {body.get('error_description', body)}")
        return str(body["access_token"])


class Caller:
    """One person's calls for one group."""

    def __init__(self, session: aiohttp.ClientSession, api: str, token: str, group: str) -> None:
        self._session = session
        self._invitations = f"{api}/api/groups/{group}/invitations"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def invite(self, guest: Guest, key: str) -> Answer:
        """Ask for one guest. The same key again gives the same answer.

        Raises:
            CallFailed: the answer is neither an acceptance nor a refusal.
        """
        body = {"address": guest.address}
        if guest.message:
            body["welcomeMessage"] = guest.message
        if guest.name:
            body["displayName"] = guest.name
        headers = self._headers | {"Idempotency-Key": key}
        async with self._session.post(self._invitations, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status == 202:
                return Answer((await answer.json())["id"])
            if answer.content_type == "application/problem+json" and answer.status < 500:
                return Answer(None, await answer.json(content_type=None))
            raise CallFailed(f"Inviting {guest.address}: {answer.status} {text[:1000]}")

    async def invitations(self) -> dict[str, dict[str, Any]]:
        """All invitations of the group by id.

        Raises:
            CallFailed: the API does not answer with a list.
        """
        found: dict[str, dict[str, Any]] = {}
        url: str | None = f"{self._invitations}?limit=200"
        while url:
            async with self._session.get(url, headers=self._headers) as answer:
                if answer.status != 200:
                    raise CallFailed(f"Listing invitations: {answer.status} {(await answer.text())[:1000]}")
                page = await answer.json()
            found |= {invitation["id"]: invitation for invitation in page["value"]}
            url = urljoin(self._invitations, page["nextLink"]) if page.get("nextLink") else None
        return found
