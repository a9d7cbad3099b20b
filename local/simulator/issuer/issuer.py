"""The token issuer: makes tokens as Microsoft Entra ID does and reads its own, with its signing keys and the codes
that are out: authorization codes (with PKCE) and device codes."""

import base64
import hashlib
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from .people import Client, People, Person
from .refusal import Refusal

GRAPH = "https://graph.microsoft.com"
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


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey

    @classmethod
    def make(cls) -> "SigningKey":
        return cls(uuid.uuid4().hex, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def published(self) -> dict[str, Any]:
        """As JSON Web Key (RFC 7517), with the members Entra publishes."""
        made: dict[str, Any] = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {name: made[name] for name in ("kty", "n", "e")} | {"kid": self.kid, "use": "sig", "x5t": self.kid}


class KeyRing:
    """The current key, the one before it, and two that nobody publishes (for tokens that must be refused)."""

    def __init__(self) -> None:
        self.current = SigningKey.make()
        self.previous: SigningKey | None = None
        self._unknown: SigningKey | None = None

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays published."""
        self.previous, self.current = self.current, SigningKey.make()

    def published(self) -> dict[str, Any]:
        keys = [self.current] + ([self.previous] if self.previous else [])
        return {"keys": [key.published() for key in keys]}

    def find(self, kid: str) -> SigningKey | None:
        return next((k for k in (self.current, self.previous) if k is not None and k.kid == kid), None)

    def sign(self, claims: dict[str, Any], *, key: str, alg: str, headers: dict[str, Any] | None) -> str:
        """`key`: ``current``, ``unknown`` (a kid nobody publishes) or ``other`` (the current kid, another key)."""
        if alg == "none":
            return jwt.encode(claims, "", algorithm="none", headers=headers)
        if alg.startswith("HS"):
            secret = "a secret that is long enough for every HMAC there is, made up for tests of refusals"  # noqa: S105
            return jwt.encode(claims, secret, algorithm=alg, headers={"kid": self.current.kid} | (headers or {}))
        signer, kid = self.current, self.current.kid
        if key in ("unknown", "other"):
            self._unknown = self._unknown or SigningKey.make()
            signer = self._unknown
            kid = signer.kid if key == "unknown" else kid
        return jwt.encode(claims, signer.private, algorithm=alg, headers={"kid": kid} | (headers or {}))


_CODE_LIFETIME_S = 600
DEVICE_LIFETIME_S = 900
DEVICE_INTERVAL_S = 1
"""Entra says 5; nobody is to be spared here."""

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
"""Of user codes: none can be taken for another, and no words come of them."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a person has granted, until the app fetches the tokens."""

    client_id: str
    username: str
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None
    expires: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a refresh token stands for."""

    username: str
    client_id: str
    scope: str


class Codes:
    """Authorization codes that are out."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}

    def give(self, asked: Mapping[str, str], username: str) -> str:
        """A code for what the request to the authorization endpoint asked for."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(
            client_id=asked["client_id"],
            username=username,
            redirect_uri=asked["redirect_uri"],
            scope=asked["scope"],
            challenge=asked["code_challenge"],
            nonce=asked.get("nonce"),
            expires=time.monotonic() + _CODE_LIFETIME_S,
        )
        return code

    def redeem(self, form: Mapping[str, str], client: Client) -> Code:
        """Gives a code once: it is gone even where the rest of the request is wrong. Raises Refusal: it is unknown,
        old, another client's, or its redirect address or verifier does not match."""
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires < time.monotonic() or code.client_id.lower() != client.client_id.lower():
            raise Refusal("code unknown")
        if code.redirect_uri != form.get("redirect_uri"):
            raise Refusal("code elsewhere")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not secrets.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), code.challenge.encode()):
            raise Refusal("verifier wrong")
        return code


@dataclass(slots=True)
class Device:
    """A device that waits for a person; `username` is set once they have signed in elsewhere."""

    client_id: str
    scope: str
    user_code: str
    expires: float
    device_code: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    username: str | None = None


class Devices:
    """Device codes that are out."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def add(self, client: Client, scope: str) -> Device:
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        device = Device(client.client_id, scope, user_code, time.monotonic() + DEVICE_LIFETIME_S)
        self._devices[device.device_code] = device
        return device

    def approve(self, user_code: str, username: str) -> bool:
        """Whether a device waits with that code; it may then fetch tokens for the person."""
        wanted = user_code.strip().upper()
        for device in self._devices.values():
            if device.user_code == wanted and device.username is None and device.expires > time.monotonic():
                device.username = username
                return True
        return False

    def redeem(self, form: Mapping[str, str], client: Client) -> Device:
        """Raises Refusal: `authorization_pending` until a person has signed in, then gives the device once."""
        device = self._devices.get(form.get("device_code", ""))
        if device is None or device.client_id != client.client_id:
            raise Refusal("device unknown")
        if device.expires < time.monotonic():
            raise Refusal("device late")
        if device.username is None:
            raise Refusal("device pending")
        return self._devices.pop(device.device_code)
