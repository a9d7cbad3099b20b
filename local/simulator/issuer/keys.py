"""Signing keys: RSA, published while they are young; the previous key stays published after a rotation."""

import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


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
