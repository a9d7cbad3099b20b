"""Self-signed certificates for the signing of SAML tokens."""

import base64
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.core.directory import Certificate

_BITS = 2048
"""Of the RSA key: what Microsoft's own certificates for this have."""
_BACKDATED = timedelta(minutes=5)
"""Clocks differ: a certificate that begins this moment is not valid yet elsewhere."""


def make_certificate(app_name: str, until: datetime) -> tuple[Certificate, dict[str, Any]]:
    """A certificate with a key of its own, for nothing but signing the tokens of one app; and both, with the private
    key and what protects it, as a service principal takes them."""
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
    # SHA-1 names a certificate everywhere in Entra; nothing is signed with it.
    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303
    of_all = {
        "customKeyIdentifier": _text(digest),
        "startDateTime": starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endDateTime": ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    of_keys = {**of_all, "displayName": f"CN={name}"}
    signs = {"keyId": str(uuid.uuid4()), "type": "X509CertAndPassword", "usage": "Sign", "key": _text(pfx)}
    public = _text(certificate.public_bytes(serialization.Encoding.DER))
    verifies = {"keyId": str(uuid.uuid4()), "type": "AsymmetricX509Cert", "usage": "Verify", "key": public}
    return Certificate(digest.hex().upper(), ends_at), {
        "keyCredentials": [of_keys | signs, of_keys | verifies],
        "passwordCredentials": [{**of_all, "keyId": signs["keyId"], "secretText": password}],
    }


def _common_name(name: str) -> str:
    """A subject without separators, and not longer than X.509 allows."""
    return "".join(c for c in name if c.isalnum() or c in " .-").strip()[:60] or "Guestlist"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
