"""Service principals, the applications behind them, and Microsoft's gallery."""

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shared.core.directory import Application, AppRole, Certificate, Template
from shared.core.ids import AppId, PrincipalId, is_guid
from shared.graph import batch
from shared.graph.batch import Part
from shared.graph.filters import equals, fits, literal
from shared.graph.on_graph import OnGraph
from shared.graph.pages import all_pages, made, one

READ, WRITE = "Directory.Read.All or Application.Read.All", "Application.ReadWrite.All"
_FIELDS = (
    "id,appId,displayName,accountEnabled,appRoles,preferredSingleSignOnMode,loginUrl,replyUrls,"
    "notificationEmailAddresses,keyCredentials,preferredTokenSigningKeyThumbprint,servicePrincipalNames,"
    "appOwnerOrganizationId"
)


class Applications(OnGraph):
    async def app_by_id(self, app_id: AppId) -> Application | None:
        response = await self._session.request(
            "GET", f"/servicePrincipals(appId='{quote(app_id, safe='')}')?$select={_FIELDS}"
        )
        return None if response.status == 404 else read_application(one(response, READ))

    async def apps_by_name(self, name: str, template: str | None = None) -> list[Application]:
        """Apps of exactly this name (names are not unique), with a template only those made from it."""
        condition = equals("displayName", name)
        if template is not None:
            condition += f" and {equals('applicationTemplateId', template)}"
        path = f"/servicePrincipals?$filter={quote(condition, safe='')}&$select={_FIELDS}"
        found = await self._list(path, READ)
        return [read_application(f) for f in found if fits(name) or f["displayName"].lower() == name.lower()]

    async def find_templates(self, name_or_id: str) -> list[Template]:
        """By id, where there is one of it; else by the exact name."""
        fields = "id,displayName"
        named = quote(f"displayName eq '{literal(name_or_id)}'", safe="")
        parts = [Part("GET", f"/applicationTemplates?$filter={named}&$select={fields}")]
        if is_guid(name_or_id):
            parts.append(Part("GET", f"/applicationTemplates/{name_or_id}?$select={fields}"))
        by_name, *by_id = await batch.send(self._session, parts)
        if by_id and by_id[0].status == 200:
            return [_template(one(by_id[0], READ))]
        return [_template(found) for found in await all_pages(self._session, by_name, READ)]

    async def instantiate(self, template: Template, name: str) -> AppId:
        """Add an app from the gallery. NOT safe to repeat: a repeat makes another."""
        path = f"/applicationTemplates/{template.id}/instantiate"
        response = await self._write("POST", path, {"displayName": name}, WRITE)
        return AppId(str(made(response)["servicePrincipal"]["appId"]).lower())


def read_application(found: dict[str, Any]) -> Application:
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
        thumbprint = thumbprint_of(key.get("customKeyIdentifier"))
        if thumbprint:
            found[thumbprint] = Certificate(thumbprint, datetime.fromisoformat(key["endDateTime"]).astimezone(UTC))
    return list(found.values())


def thumbprint_of(identifier: str | None) -> str | None:
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
