"""Enterprise applications: service principals, the applications behind them, Microsoft's gallery, and SAML with its
certificates, of which part stands on the service principal and part on the application.

Source of SAML: Microsoft Graph, "Configure SAML-based single sign-on for an application".
"""

import base64
import binascii
import secrets
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from shared.core.directory import Application, AppRole, Certificate, Saml, Template
from shared.core.errors import DirectoryLagging
from shared.core.ids import AppId, PrincipalId, is_guid
from shared.graph import batch
from shared.graph.batch import Part
from shared.graph.queries import OnGraph, all_pages, equals, fits, literal, made, one, where

_READ, _WRITE = "Directory.Read.All or Application.Read.All", "Application.ReadWrite.All"
_FIELDS = (
    "id,appId,displayName,accountEnabled,appRoles,preferredSingleSignOnMode,loginUrl,replyUrls,"
    "notificationEmailAddresses,keyCredentials,preferredTokenSigningKeyThumbprint,servicePrincipalNames,"
    "appOwnerOrganizationId"
)
_BITS = 2048
"""Of the RSA key: what Microsoft's own certificates for this have."""
_BACKDATED = timedelta(minutes=5)
"""Clocks differ: a certificate that begins this moment is not valid yet elsewhere."""


class Applications(OnGraph):
    async def app_by_id(self, app_id: AppId) -> Application | None:
        found = await self._find(f"/servicePrincipals(appId='{quote(app_id, safe='')}')?$select={_FIELDS}", _READ)
        return _application(found) if found is not None else None

    async def apps_by_name(self, name: str, template: str | None = None) -> list[Application]:
        """Apps of exactly this name (names are not unique), with a template only those made from it."""
        condition = equals("displayName", name)
        if template is not None:
            condition += f" and {equals('applicationTemplateId', template)}"
        found = await self._list(f"/servicePrincipals?{where(condition)}&$select={_FIELDS}", _READ)
        return [_application(f) for f in found if fits(name) or f["displayName"].lower() == name.lower()]

    async def find_templates(self, name_or_id: str) -> list[Template]:
        """By id, where there is one of it; else by the exact name."""
        fields = "id,displayName"
        named = where(f"displayName eq '{literal(name_or_id)}'")
        parts = [Part("GET", f"/applicationTemplates?{named}&$select={fields}")]
        if is_guid(name_or_id):
            parts.append(Part("GET", f"/applicationTemplates/{name_or_id}?$select={fields}"))
        by_name, *by_id = await batch.send(self._session, parts)
        if by_id and by_id[0].status == 200:
            return [_template(one(by_id[0], _READ))]
        return [_template(found) for found in await all_pages(self._session, by_name, _READ)]

    async def instantiate(self, template: Template, name: str) -> AppId:
        """Add an app from the gallery. NOT safe to repeat: a repeat makes another."""
        path = f"/applicationTemplates/{template.id}/instantiate"
        response = await self._write("POST", path, {"displayName": name}, _WRITE)
        return AppId(str(made(response)["servicePrincipal"]["appId"]).lower())

    async def saml_differences(self, app: Application, saml: Saml) -> list[str]:
        """What is not as asked for, in a person's words; empty where all is."""
        behind = await self._behind(app)
        found = []
        if app.sign_on_mode != "saml":
            found.append("mode SAML")
        found += _differs("identifiers", behind.get("identifierUris"), saml.identifiers)
        found += _differs("reply addresses", (behind.get("web") or {}).get("redirectUris"), saml.reply_urls)
        if saml.sign_on_url is not None and app.login_url != saml.sign_on_url:
            found.append(f"sign-on address {saml.sign_on_url}")
        if saml.notification_emails:
            found += _differs("notification addresses", list(app.notification_emails), saml.notification_emails)
        return found

    async def set_saml(self, app: Application, saml: Saml) -> None:
        """Mode, identifiers, reply addresses, sign-on address, notification addresses, in two PATCHes: each is as
        good twice as once."""
        behind = await self._behind(app)
        principal: dict[str, Any] = {"preferredSingleSignOnMode": "saml"}
        if saml.sign_on_url is not None:
            principal["loginUrl"] = saml.sign_on_url
        if saml.notification_emails:
            principal["notificationEmailAddresses"] = list(saml.notification_emails)
        changes = {"identifierUris": list(saml.identifiers), "web": {"redirectUris": list(saml.reply_urls)}}
        # The mode first: until it is SAML, an identifier of a domain that is not verified is refused.
        for path, body in (
            (f"/servicePrincipals/{app.service_principal}", principal),
            (f"/applications/{behind['id']}", changes),
        ):
            await self._write("PATCH", path, body, _WRITE)

    async def add_certificate(self, app: Application, until: datetime) -> Certificate:
        """A self-signed certificate of our own making, in place of those that are there: a repeat makes another. It
        is uploaded: Graph keeps it as the key that signs, the key that verifies, and the password of the first. The
        private key is known to this call alone and to Graph.

        Source: Microsoft Graph, "Configure SAML-based single sign-on", custom signing certificate.
        """
        certificate, credentials = make_certificate(app.name, until)
        await self._write("PATCH", f"/servicePrincipals/{app.service_principal}", credentials, _WRITE)
        return certificate

    async def use_certificate(self, app: Application, certificate: Certificate) -> None:
        """Sign with this one. Safe to repeat."""
        body = {"preferredTokenSigningKeyThumbprint": certificate.thumbprint}
        await self._write("PATCH", f"/servicePrincipals/{app.service_principal}", body, _WRITE)

    async def _behind(self, app: Application) -> dict[str, Any]:
        condition = where(f"appId eq '{app.app_id}'")
        found = await self._list(f"/applications?{condition}&$select=id,identifierUris,web", _READ)
        if not found:
            raise DirectoryLagging("the directory does not show the application behind the app")
        return found[0]


def _application(found: dict[str, Any]) -> Application:
    """A service principal as Graph gives it. `thumbprint` is the key's ``customKeyIdentifier``."""
    thumbprint = found.get("preferredTokenSigningKeyThumbprint")
    return Application(
        app_id=AppId(str(found["appId"]).lower()),
        name=found.get("displayName") or found["appId"],
        service_principal=PrincipalId(str(found["id"]).lower()),
        enabled=found.get("accountEnabled") is not False,
        roles=tuple(
            AppRole(str(role["id"]).lower(), role.get("displayName") or role["id"], role.get("value"))
            for role in found.get("appRoles") or ()
            if role.get("isEnabled", True) and "User" in (role.get("allowedMemberTypes") or ())
        ),
        sign_on_mode=found.get("preferredSingleSignOnMode"),
        login_url=found.get("loginUrl"),
        reply_urls=tuple(found.get("replyUrls") or ()),
        notification_emails=tuple(found.get("notificationEmailAddresses") or ()),
        certificates=tuple(_certificates(found.get("keyCredentials") or ())),
        active_thumbprint=thumbprint.upper() if thumbprint else None,
        identifiers=tuple(
            n for n in found.get("servicePrincipalNames") or () if n.lower() != str(found["appId"]).lower()
        ),
        owner_tenant=str(found.get("appOwnerOrganizationId") or "").lower() or None,
    )


def _certificates(keys: Iterable[dict[str, Any]]) -> list[Certificate]:
    """Each certificate once: it stands there as the key that signs and as the one that verifies."""
    found = {}
    for key in keys:
        if key.get("type") not in ("AsymmetricX509Cert", "X509CertAndPassword") or not key.get("endDateTime"):
            continue
        thumbprint = _thumbprint(key.get("customKeyIdentifier"))
        if thumbprint:
            found[thumbprint] = Certificate(thumbprint, datetime.fromisoformat(key["endDateTime"]).astimezone(UTC))
    return list(found.values())


def _thumbprint(identifier: str | None) -> str | None:
    """The thumbprint in hex. Graph shows the identifier in base64, of the digest or of its hex text: both are
    seen in the documentation's samples."""
    if not identifier:
        return None
    try:
        raw = base64.b64decode(identifier, validate=True)
    except binascii.Error:
        return identifier.upper()
    if len(raw) in (20, 32):
        return raw.hex().upper()
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return identifier.upper()
    return text.upper() if len(text) in (40, 64) else identifier.upper()


def _template(found: dict[str, Any]) -> Template:
    return Template(str(found["id"]).lower(), found.get("displayName") or found["id"])


def _differs(what: str, there: list[str] | None, wanted: tuple[str, ...]) -> list[str]:
    return [] if set(there or ()) == set(wanted) else [f"{what} {', '.join(wanted)}"]


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
