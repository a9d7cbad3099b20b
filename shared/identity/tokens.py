"""Callers by their access token. No header is trusted in its place: App Service strips forged ones only where
its authentication is switched on.

Sources: Microsoft identity platform, "Access tokens" (keys rotate at any time) and "Validate tokens" (v2.0 tokens);
"Optional claims reference": ``acct`` is 0 for a member of the tenant and 1 for a guest, and is there only where the
API's registration asks for it.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterator
from typing import Any, Never
from urllib.parse import urlsplit

import httpx
import jwt

from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.core.texts import one_line

log = logging.getLogger("guestlist")

SCOPE = "access_as_user"
"""Delegated permission that Guestlist's API exposes."""
LEEWAY_S = 60
_LONGEST = 16 * 1024
ALGORITHM = "RS256"
FRESH_S = 86_400.0
STALE_S = 3 * 86_400.0
"""For how long after `FRESH_S` keys stay good while the issuer cannot be reached: one that was withdrawn must not
open the door for ever."""
FETCH_EVERY_S = 30.0
RETRY_S = 2.0
_TIMEOUT_S = 10.0
_REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "tid", "oid"]


class TokenCallers:
    """Takes v2.0 tokens of one tenant, made for one audience by `authority`.

    A person's token carries the scope `access_as_user`, and is taken from the applications `clients` alone (ids in
    lower case): whichever other the person let act for them would have all of that person's rights here. Guests'
    tokens are taken with `guests`. An app that acts for itself has no scope and needs an app role: its assignment is
    what lists it. `fetch_every_s` bounds how often a token with an unknown key makes us ask the issuer.
    """

    def __init__(
        self,
        *,
        authority: str,
        tenant_id: str,
        audience: str,
        clients: Collection[str],
        guests: bool = False,
        fetch_every_s: float = FETCH_EVERY_S,
    ) -> None:
        self._tenant = tenant_id.lower()
        self._audience = audience
        self._clients = frozenset(clients)
        self._guests = guests
        self._issuer = f"{authority.rstrip('/')}/{self._tenant}/v2.0"
        self._keys = IssuerKeys(self._issuer, fetch_every_s=fetch_every_s)

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller that an ``Authorization`` header proves. Raises Refused `token-missing`, `token-invalid`,
        `client-not-allowed`, `guest-caller`; `issuer-unreachable`: the issuer's published keys cannot be had."""
        claims = await self._claims(_token(authorization))
        tenant, object_id = claims["tid"], claims["oid"]
        if not isinstance(tenant, str) or tenant.lower() != self._tenant:
            _refuse("it is of another tenant")
        if not isinstance(object_id, str) or not object_id:
            _refuse("it names nobody")
        if claims.get("ver") != "2.0":
            _refuse("it is not a v2.0 token")
        roles, scope = claims.get("roles", []), claims.get("scp", "")
        if not isinstance(roles, list) or not isinstance(scope, str):
            _refuse("its roles or scopes cannot be read")
        scopes = scope.split()
        is_app = not scopes
        if is_app:
            _check_app(claims, roles)
        elif claims.get("idtyp") == "app":
            _refuse("it says to be of an app and of a person")
        elif SCOPE not in scopes:
            _refuse(f"it lacks the scope {SCOPE}")
        client = str(claims.get("azp") or "").lower()
        if not is_app:
            self._check_person(claims, client)
        return Caller(
            object_id=UserId(object_id.lower()),
            name=one_line(str(claims.get("name") or claims.get("preferred_username") or "")),
            roles=frozenset(str(role) for role in roles),
            is_app=is_app,
            client=client,
        )

    def _check_person(self, claims: dict[str, Any], client: str) -> None:
        """Raises Refused `client-not-allowed`, `guest-caller`."""
        if client not in self._clients:
            named = one_line(client) or "that the token does not name"
            raise Refused(
                Reason.CLIENT_NOT_ALLOWED, f"The application {named} is not among those of GUESTLIST_CLIENTS"
            )
        account = claims.get("acct")
        if self._guests or (account in (0, "0") and account is not False):
            return
        if account is None:
            raise Refused(
                Reason.GUEST_CALLER,
                "The access token does not say whether its person is a member: the registration of Guestlist's API "
                "has to ask for the optional claim acct in access tokens",
            )
        raise Refused(Reason.GUEST_CALLER)

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError) as e:  # A header nested without end breaks the JSON reader.
            raise Refused(Reason.TOKEN_INVALID, "The access token cannot be read") from e
        if header.get("alg") != ALGORITHM:
            _refuse("it is not signed as it has to be")
        kid = header.get("kid")
        key = await self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            _refuse("its key is not published by the issuer")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except jwt.ExpiredSignatureError as e:
            raise Refused(Reason.TOKEN_INVALID, "The access token has expired") from e
        except jwt.PyJWTError as e:
            # The library's words name a claim, never a value.
            raise Refused(Reason.TOKEN_INVALID, f"The access token is not accepted: {type(e).__name__}") from e
        return claims


def _check_app(claims: dict[str, Any], roles: list[Any]) -> None:
    """A token without a scope is an app's own, or a person's ID token, which opens nothing and can carry the
    person's roles. Only the app's has one subject and object id; only access tokens name a client."""
    if claims.get("idtyp", "app") != "app" or claims.get("sub") != claims["oid"] or "azp" not in claims:
        _refuse("it is no access token")
    if "preferred_username" in claims or "nonce" in claims:
        _refuse("it is no access token")
    if not roles:
        _refuse("the app that asks has no role for this API")


def _token(authorization: str | None) -> str:
    if not authorization:
        raise Refused(Reason.TOKEN_MISSING)
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token or len(token) > _LONGEST:
        raise Refused(Reason.TOKEN_MISSING, "The Authorization header carries no bearer token")
    return token


def _refuse(why: str) -> Never:
    raise Refused(Reason.TOKEN_INVALID, f"The access token is not accepted: {why}")


class IssuerKeys:
    """The issuer's published keys by their id (``kid``): fetched once, again where a token names a key that is not
    known, at a bounded rate.

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
        """The public key of that id, or None where the issuer publishes none. Callers at the same time share one
        fetch. Raises Refused `issuer-unreachable`: no keys are had, or none since `FRESH_S` and `STALE_S` ago."""
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
