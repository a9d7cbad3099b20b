"""The issuer's published keys: fetched once, again where a token names a key that is not known, at a bounded
rate. Source: Microsoft identity platform, "Access tokens": keys rotate at any time."""

import asyncio
import logging
import time
from urllib.parse import urlsplit

import httpx
import jwt

from shared.domain.errors import Refused
from shared.domain.reasons import Reason

log = logging.getLogger("guestlist")

DAY_S = 86_400.0
FETCH_EVERY_S = 30.0


class IssuerKeys:
    """`fetch_every_s` bounds how often strangers with made-up key ids can make us ask the issuer."""

    def __init__(self, configuration_url: str, *, fetch_every_s: float = FETCH_EVERY_S) -> None:
        self._url = configuration_url
        self._every_s = fetch_every_s
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of that id, or None where the issuer publishes none.

        Raises:
            Refused: `issuer-unreachable` where no keys were ever had.
        """
        if self._is_known(kid):
            return self._keys[kid]
        async with self._lock:
            if not self._is_known(kid) and self._may_fetch():
                await self._fetch()
        if not self._keys:
            raise Refused(Reason.ISSUER_UNREACHABLE)
        return self._keys.get(kid)

    def _is_known(self, kid: str) -> bool:
        fresh = self._fetched_at is not None and time.monotonic() < self._fetched_at + DAY_S
        return kid in self._keys and fresh

    def _may_fetch(self) -> bool:
        return self._tried_at is None or time.monotonic() >= self._tried_at + self._every_s

    async def _fetch(self) -> None:
        self._tried_at = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=10) as http:
                configuration = (await http.get(self._url)).raise_for_status().json()
                address = str(configuration["jwks_uri"])
                if urlsplit(address)[:2] != urlsplit(self._url)[:2]:
                    log.error("the issuer names keys on another host; they are not fetched")
                    return
                found = (await http.get(address)).raise_for_status().json()
            keys = {k.key_id: k for k in jwt.PyJWKSet.from_dict(found).keys if k.key_id}
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, KeyError) as e:
            # Keys that were had stay good: an issuer that is down for a while locks nobody out.
            log.warning("the issuer's keys could not be fetched: %s", type(e).__name__)
            self._tried_at = None if not self._keys else self._tried_at
            return
        self._keys, self._fetched_at = keys, time.monotonic()
