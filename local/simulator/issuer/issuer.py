"""The token issuer: makes tokens as Microsoft Entra ID does and reads its own."""

import time
import uuid
from typing import Any

import jwt

from .codes import Codes, Devices, Kept
from .keys import KeyRing
from .people import Client, People, Person
from .refusal import Refusal
from .scopes import GRAPH

LIFETIME_S = 3600


class BadToken(Exception):
    """A token that is not accepted; the message says why."""


class Issuer:
    """`identity_header` is the secret that the managed identity endpoint asks for."""

    def __init__(self, people: People, *, identity_header: str) -> None:
        self.people = people
        self.identity_header = identity_header
        self.keys = KeyRing()
        self.codes = Codes()
        self.devices = Devices()
        self.refresh_tokens: dict[str, Kept] = {}

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; the one before stays published."""
        self.keys.rotate()

    def need_client(self, client_id: str) -> Client:
        """Raises Refusal: nobody knows it."""
        client = self.people.find_client(client_id)
        if client is None:
            raise Refusal("client unknown", client=client_id, tenant=self.people.tenant_id)
        return client

    def issuer_url(self, base: str) -> str:
        return f"{base}/{self.people.tenant_id}/v2.0"

    def mint(
        self,
        claims: dict[str, Any],
        *,
        lifetime_s: int = LIFETIME_S,
        key: str = "current",
        alg: str = "RS256",
        headers: dict[str, Any] | None = None,
    ) -> str:
        """Sign claims; times are filled in where they are missing. A negative lifetime makes an old token."""
        now = int(time.time())
        start = now if lifetime_s > 0 else now + lifetime_s - LIFETIME_S
        times = {"iat": start, "nbf": start, "exp": now + lifetime_s}
        return self.keys.sign(times | claims, key=key, alg=alg, headers=headers)

    def verify(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token of this issuer's own for that audience (with or without a slash at its end). Raises
        BadToken: any other."""
        try:
            key = self.keys.find(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise BadToken("the key is not known")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                audience=[audience.rstrip("/"), audience.rstrip("/") + "/"],
                options={"require": ["exp", "aud", "tid"]},
            )
        except jwt.PyJWTError as e:
            raise BadToken(str(e)) from e
        if claims["tid"] != self.people.tenant_id:
            raise BadToken("the token is of another tenant")
        return claims

    def app_claims(self, client: Client, audience: str, base: str) -> dict[str, Any]:
        """Claims of an app that acts for itself: a v1.0 token for Graph, a v2.0 token for other APIs."""
        common = self._claims(client.object_id, client.client_id, audience, base) | {"idtyp": "app"}
        if common["ver"] == "1.0":
            return common | {"app_displayname": client.name, "roles": list(client.graph_permissions)}
        return common | ({"roles": list(client.app_roles)} if client.app_roles else {}) | {"azpacr": "1"}

    def person_claims(self, person: Person, client_id: str, audience: str, scope: str, base: str) -> dict[str, Any]:
        """Claims of a person who uses an app: a v1.0 token for Graph, a v2.0 token for other APIs."""
        common = self._claims(person.object_id, client_id, audience, base) | {"scp": scope, "name": person.name}
        if common["ver"] == "1.0":
            return common | {"idtyp": "user", "upn": person.username, "unique_name": person.username}
        roles = {"roles": list(person.app_roles)} if person.app_roles else {}
        return common | roles | self._optional(person, audience) | {"preferred_username": person.username}

    def _claims(self, object_id: str, client_id: str, audience: str, base: str) -> dict[str, Any]:
        tenant = self.people.tenant_id
        common = {"tid": tenant, "oid": object_id, "sub": object_id, "uti": uuid.uuid4().hex[:22], "aud": audience}
        if audience.rstrip("/") == GRAPH:
            return common | {"iss": f"https://sts.windows.net/{tenant}/", "appid": client_id, "ver": "1.0"}
        return common | {"iss": self.issuer_url(base), "azp": client_id, "ver": "2.0"}

    def _optional(self, person: Person, audience: str) -> dict[str, Any]:
        """The optional claims that the API's registration asks for; this issuer knows `acct` alone.

        Source: Microsoft identity platform, "Optional claims reference".
        """
        api = self.people.find_client(audience)
        asked = () if api is None else api.optional_claims
        return {"acct": int(person.is_guest)} if "acct" in asked else {}
