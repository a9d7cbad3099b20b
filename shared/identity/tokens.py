"""Callers by their access token. No header is trusted in its place: App Service strips forged ones only where
its authentication is switched on.

Sources: Microsoft identity platform, "Access tokens" and "Validate tokens" (v2.0 tokens); "Optional claims
reference": ``acct`` is 0 for a member of the tenant and 1 for a guest, and is there only where the API's registration
asks for it.
"""

from collections.abc import Collection
from typing import Any, Never

import jwt

from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.core.texts import one_line
from shared.identity.keys import ALGORITHM, FETCH_EVERY_S, IssuerKeys

SCOPE = "access_as_user"
"""Delegated permission that Guestlist's API exposes."""
LEEWAY_S = 60
_LONGEST = 16 * 1024
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
        """The caller that an ``Authorization`` header proves.

        Raises:
            Refused: `token-missing`, `token-invalid`, `client-not-allowed`, `guest-caller`, or `issuer-unreachable`
                where the issuer's published keys cannot be had.
        """
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
