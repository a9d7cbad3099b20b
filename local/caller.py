"""Calls Guestlist's API as a signed-in person, as any client of it would."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import aiohttp

from local.guests import Guest


class CallFailed(Exception):
    """A service answered with something that nobody here can go on with."""


async def sign_in(
    session: aiohttp.ClientSession, issuer: str, tenant: str, *, client: str, audience: str, person: dict[str, Any]
) -> str:
    """An access token for the API, by the password grant (only the local issuer's sample people have one). Raises
    CallFailed: with the issuer's words."""
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
    """One person's calls."""

    def __init__(self, session: aiohttp.ClientSession, api: str, token: str) -> None:
        self._session = session
        self._api = api
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, expected: int, body: Any = None) -> dict[str, Any]:
        """Raises CallFailed where the API answers with another status than the expected one."""
        url = urljoin(self._api, path)
        async with self._session.request(method, url, json=body, headers=self._headers) as answer:
            if answer.status != expected:
                raise CallFailed(f"{method} {path}: {answer.status} {(await answer.text())[:1000]}")
            found: dict[str, Any] = await answer.json()
            return found

    async def invite(self, group: str, guest: Guest, key: str) -> tuple[str | None, dict[str, Any] | None]:
        """Ask for one guest: the invitation's id, or the problem (RFC 9457) that the API answered with. The same key
        again gives the same answer. Raises CallFailed: the answer is neither an acceptance nor a refusal."""
        fields = {"address": guest.address, "welcomeMessage": guest.message, "displayName": guest.name}
        body = {name: value for name, value in fields.items() if value}
        url, headers = f"{self._api}/api/groups/{group}/invitations", self._headers | {"Idempotency-Key": key}
        async with self._session.post(url, json=body, headers=headers) as answer:
            if answer.status == 202:
                return str((await answer.json())["id"]), None
            if answer.content_type == "application/problem+json" and answer.status < 500:
                return None, await answer.json(content_type=None)
            raise CallFailed(f"Inviting {guest.address}: {answer.status} {(await answer.text())[:1000]}")

    async def invitations(self, group: str) -> dict[str, dict[str, Any]]:
        """All invitations of the group by id. Raises CallFailed."""
        found: dict[str, dict[str, Any]] = {}
        path: str | None = f"/api/groups/{group}/invitations?limit=200"
        while path:
            page = await self.call("GET", path, 200)
            found |= {invitation["id"]: invitation for invitation in page["value"]}
            path = page.get("nextLink")
        return found
