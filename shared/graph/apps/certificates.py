"""Self-signed certificates for the signing of SAML tokens."""

import base64
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_BITS = 2048
"""Of the RSA key: what Microsoft's own certificates for this have."""
_BACKDATED = timedelta(minutes=5)
"""Clocks differ: a certificate that begins this moment is not valid yet elsewhere."""


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """`pfx` holds the private key, protected by `password`; `public` is the certificate alone, in DER."""

    name: str
    thumbprint: str
    starts_at: datetime
    ends_at: datetime
    public: bytes
    pfx: bytes
    password: str

    def credentials(self) -> dict[str, Any]:
        """As a service principal takes it."""
        identifier = base64.b64encode(bytes.fromhex(self.thumbprint)).decode()
        signing = str(uuid.uuid4())
        times = {"startDateTime": _stamp(self.starts_at), "endDateTime": _stamp(self.ends_at)}
        head = {"customKeyIdentifier": identifier, "displayName": self.name, **times}
        keys = [
            {**head, "keyId": signing, "type": "X509CertAndPassword", "usage": "Sign", "key": _text(self.pfx)},
            {
                **head,
                "keyId": str(uuid.uuid4()),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": _text(self.public),
            },
        ]
        password = {"customKeyIdentifier": identifier, "keyId": signing, "secretText": self.password, **times}
        return {"keyCredentials": keys, "passwordCredentials": [password]}


def make_certificate(app_name: str, until: datetime) -> SigningCertificate:
    """A certificate with a key of its own, for nothing but signing the tokens of one app."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import NameOID

    now, name = datetime.now(UTC).replace(microsecond=0), _common_name(app_name)
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    starts_at, ends_at = now - _BACKDATED, until.astimezone(UTC).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(ends_at)
        .sign(key, hashes.SHA256())
    )
    password = secrets.token_urlsafe(32)
    pfx = pkcs12.serialize_key_and_certificates(
        name.encode(), key, certificate, None, serialization.BestAvailableEncryption(password.encode())
    )
    return SigningCertificate(
        name=f"CN={name}",
        # SHA-1 names a certificate everywhere in Entra; nothing is signed with it.
        thumbprint=certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303
        starts_at=starts_at,
        ends_at=ends_at,
        public=certificate.public_bytes(serialization.Encoding.DER),
        pfx=pfx,
        password=password,
    )


def _common_name(name: str) -> str:
    """A subject without separators, and not longer than X.509 allows."""
    return "".join(c for c in name if c.isalnum() or c in " .-").strip()[:60] or "Guestlist"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
