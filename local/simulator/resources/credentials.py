"""What applications and service principals prove themselves with: passwords, and self-signed certificates for SAML
tokens (``addTokenSigningCertificate``, graph contract "App access").

One certificate is three credentials with the same ``customKeyIdentifier``: a private key that signs, the password
that opens it (same ``keyId`` as the private key), and the public key that verifies (addTokenSigningCertificate in
Microsoft's v1.0 reference).
"""

import base64
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import now, stamp
from ..errors import bad_request, invalid_value
from ..objects import DirectoryObject
from .lookup import need_service_principal

_LONGEST_YEARS: Final = 3
_DAY: Final = timedelta(days=1)
_LIFETIME: Final = timedelta(days=730)
_HINT, _SECRET_BYTES = 3, 30


def add_token_signing_certificate(call: Call) -> Answer:
    """A new certificate each time: a repeat adds another one. Raises GraphError: 400 for a name without ``CN=``, or
    an end that is past or more than three years away."""
    principal, body = need_service_principal(call), call.json()
    unknown = {name for name in body if "@" not in name} - {"displayName", "endDateTime"}
    if unknown and call.world.settings.odata.reject_unknown_properties:
        raise bad_request(f"Invalid property '{min(unknown)}'.")
    name = body.get("displayName")
    if not isinstance(name, str) or not name.startswith("CN=") or len(name) == len("CN="):
        raise bad_request("Invalid value specified for property 'displayName': it must start with CN=.")
    start = now().replace(microsecond=0)
    end = _end(start, body.get("endDateTime"))
    der, thumbprint = _certificate(name.removeprefix("CN="), start, end)
    common: Json = {
        "customKeyIdentifier": base64.b64encode(thumbprint).decode(),
        "displayName": name,
        "endDateTime": stamp(end),
        "startDateTime": stamp(start),
    }
    private_id, public_id = str(uuid.uuid4()), str(uuid.uuid4())
    public = base64.b64encode(der).decode()
    verify = {**common, "key": public, "keyId": public_id, "type": "AsymmetricX509Cert", "usage": "Verify"}
    # What signs never leaves the directory: its key stays null even where keys are selected.
    sign = {**common, "key": None, "keyId": private_id, "type": "X509CertAndPassword", "usage": "Sign"}
    password = {**common, "hint": None, "keyId": private_id, "secretText": None}
    keys = [*(principal.get("keyCredentials") or []), sign, verify]
    passwords = [*(principal.get("passwordCredentials") or []), password]
    call.world.directory.change(principal, {"keyCredentials": keys, "passwordCredentials": passwords})
    context = f"{call.base_url}/$metadata#microsoft.graph.selfSignedCertificate"
    return Answer(200, {"@odata.context": context, **verify, "thumbprint": thumbprint.hex().upper()})


def _end(start: datetime, asked: object) -> datetime:
    latest = _years_later(start)
    end = _moment(asked, latest, "endDateTime")
    if not start < end <= latest + _DAY:
        raise bad_request(
            f"Invalid value specified for property 'endDateTime': it must be in the future and within "
            f"{_LONGEST_YEARS} years."
        )
    return end


def _years_later(start: datetime) -> datetime:
    try:
        return start.replace(year=start.year + _LONGEST_YEARS)
    except ValueError:  # the 29th of February
        return start.replace(year=start.year + _LONGEST_YEARS, day=28)


def _certificate(common_name: str, start: datetime, end: datetime) -> tuple[bytes, bytes]:
    """The certificate in DER and its SHA-1 thumbprint. Raises GraphError: 400 for a name X.509 cannot hold."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    try:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    except ValueError as error:
        raise bad_request("Invalid value specified for property 'displayName'.") from error
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.DER), certificate.fingerprint(hashes.SHA1())  # noqa: S303 - theirs


def add_password(call: Call, object_: DirectoryObject) -> Answer:
    """The text is in this answer only; the directory keeps its first characters as a hint. The issuer takes it from
    nobody: who signs in is in the seed."""
    asked = call.json().get("passwordCredential") or {}
    if not isinstance(asked, dict):
        raise bad_request("Invalid value specified for property 'passwordCredential'.")
    password = new_password(asked)
    credentials = [*(object_.get("passwordCredentials") or []), {**password, "secretText": None}]
    call.world.directory.change(object_, {"passwordCredentials": credentials})
    type_ = f"{call.base_url}/$metadata#microsoft.graph.passwordCredential"
    return Answer(200, {"@odata.context": type_, **password})


def remove_password(call: Call, object_: DirectoryObject) -> Answer:
    """Raises GraphError: 400 for a key the object does not have (reported)."""
    key = call.json().get("keyId")
    credentials: list[Json] = object_.get("passwordCredentials") or []
    rest = [credential for credential in credentials if str(credential["keyId"]).lower() != str(key).lower()]
    if len(rest) == len(credentials):
        raise bad_request(f"No password credential found with keyId '{key}'.")
    call.world.directory.change(object_, {"passwordCredentials": rest})
    return NO_CONTENT


def new_password(asked: Json) -> Json:
    """A new one. Raises GraphError: 400 for what the directory makes itself (ansible-collections/azure #2250)."""
    for name in ("hint", "keyId", "secretText"):
        if asked.get(name) is not None:
            raise invalid_value(name, "PasswordCredential")
    start = _moment(asked.get("startDateTime"), now())
    text = secrets.token_urlsafe(_SECRET_BYTES)
    return {
        "customKeyIdentifier": None,
        "displayName": asked.get("displayName"),
        "endDateTime": stamp(_moment(asked.get("endDateTime"), start + _LIFETIME)),
        "hint": text[:_HINT],
        "keyId": str(uuid.uuid4()),
        "secretText": text,
        "startDateTime": stamp(start),
    }


def _moment(value: object, otherwise: datetime, name: str = "passwordCredential") -> datetime:
    if value is None:
        return otherwise.replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_request(f"Invalid value specified for property '{name}'.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
