"""The issuer's published keys: fetched once, again where a token names a key that is not known, at a bounded
rate. Source: Microsoft identity platform, "Access tokens": keys rotate at any time."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from shared.core.errors import Refused
from shared.core.reasons import Reason

log = logging.getLogger("guestlist")

ALGORITHM = "RS256"
FRESH_S = 86_400.0
STALE_S = 3 * 86_400.0
"""For how long after `FRESH_S` keys stay good while the issuer cannot be reached: one that was withdrawn must not
open the door for ever."""
FETCH_EVERY_S = 30.0
RETRY_S = 2.0
_TIMEOUT_S = 10.0


class IssuerKeys:
    """Keys by their id (``kid``).

    `fetch_every_s` bounds how often strangers with made-up key ids can make us ask the issuer. After a fetch
    that failed before any keys were had, the next one waits for `retry_s` only: until then nobody gets in.
    """

    def __init__(self, issuer: str, *, fetch_every_s: float = FETCH_EVERY_S, retry_s: float = RETRY_S) -> None:
        self._issuer = issuer
        self._every_s = fetch_every_s
        self._retry_s = min(retry_s, fetch_every_s)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._may_fetch_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The public key of that id, or None where the issuer publishes none. Callers at the same time share
        one fetch.

        Raises:
            Refused: `issuer-unreachable` where no keys are had, or none since `FRESH_S` and `STALE_S` ago.
        """
        if self._is_known(kid):
            return self._keys[kid]
        async with self._lock:
            if self._fetched_at is not None and time.monotonic() >= self._fetched_at + FRESH_S + STALE_S:
                self._keys, self._fetched_at = {}, None
            if not self._is_known(kid) and self._may_fetch():
                await self._fetch()
        if not self._keys:
            raise Refused(Reason.ISSUER_UNREACHABLE)
        # Keys that were had stay good for a while: an issuer that is down for hours locks nobody out.
        return self._keys.get(kid)

    def _is_known(self, kid: str) -> bool:
        fresh = self._fetched_at is not None and time.monotonic() < self._fetched_at + FRESH_S
        return kid in self._keys and fresh

    def _may_fetch(self) -> bool:
        return self._may_fetch_at is None or time.monotonic() >= self._may_fetch_at

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
                found = await self._published(http)
        except (httpx.HTTPError, httpx.InvalidURL, _Unusable, ValueError) as e:
            why = str(e) if isinstance(e, _Unusable) else type(e).__name__
            log.warning("the issuer's keys could not be fetched: %s", why)
        else:
            self._keys, self._fetched_at = found, time.monotonic()
        self._may_fetch_at = time.monotonic() + (self._every_s if self._keys else self._retry_s)

    async def _published(self, http: httpx.AsyncClient) -> dict[str, jwt.PyJWK]:
        address = f"{self._issuer}/.well-known/openid-configuration"
        configuration = (await http.get(address)).raise_for_status().json()
        if not isinstance(configuration, dict) or configuration.get("issuer") != self._issuer:
            raise _Unusable("its configuration names another issuer")
        keys_address = str(configuration.get("jwks_uri"))
        if urlsplit(keys_address)[:2] != urlsplit(address)[:2]:
            raise _Unusable("its keys are said to be on another host")
        document = (await http.get(keys_address)).raise_for_status().json()
        entries = document.get("keys") if isinstance(document, dict) else None
        keys = dict(_signing_keys(entries if isinstance(entries, list) else []))
        if not keys:
            raise _Unusable("it publishes no keys")
        return keys


class _Unusable(Exception):
    """What the issuer publishes is not what an issuer publishes; the text says how."""


def _signing_keys(entries: list[Any]) -> Iterator[tuple[str, jwt.PyJWK]]:
    """RSA keys for signatures, by their id; others are for somebody else."""
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str) or not kid:
            continue
        try:
            yield kid, jwt.PyJWK(entry, ALGORITHM)
        except jwt.PyJWTError as e:
            log.warning("one of the issuer's keys cannot be read: %s", type(e).__name__)
