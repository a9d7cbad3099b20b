"""SAML of an app: part of it stands on the service principal, part on the application behind it.

Source: Microsoft Graph, "Configure SAML-based single sign-on for an application".
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shared.adapters.directory import batch, errors
from shared.adapters.directory.batch import Part
from shared.adapters.directory.pages import made, one
from shared.adapters.directory.session import GraphSession
from shared.adapters.directory.setup.applications import READ, WRITE
from shared.domain.applications import Application, Certificate
from shared.domain.errors import DirectoryLagging
from shared.domain.setup.plan import Saml


async def saml_differences(session: GraphSession, app: Application, saml: Saml) -> list[str]:
    behind = await _application(session, app)
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


async def set_saml(session: GraphSession, app: Application, saml: Saml) -> None:
    """Two PATCHes: each is as good twice as once."""
    behind = await _application(session, app)
    principal: dict[str, Any] = {"preferredSingleSignOnMode": "saml"}
    if saml.sign_on_url is not None:
        principal["loginUrl"] = saml.sign_on_url
    if saml.notification_emails:
        principal["notificationEmailAddresses"] = list(saml.notification_emails)
    changes = {"identifierUris": list(saml.identifiers), "web": {"redirectUris": list(saml.reply_urls)}}
    for response in await batch.send(
        session,
        [
            Part("PATCH", f"/servicePrincipals/{app.service_principal}", principal),
            Part("PATCH", f"/applications/{behind['id']}", changes),
        ],
    ):
        errors.need_written(response, WRITE)


async def add_certificate(session: GraphSession, app: Application, until: datetime) -> Certificate:
    body = {
        "displayName": f"CN={_common_name(app.name)}",
        "endDateTime": until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    path = f"/servicePrincipals/{app.service_principal}/addTokenSigningCertificate"
    response = await session.request("POST", path, body=body)
    errors.need_written(response, WRITE)
    certificate = made(response)
    ends_at = datetime.fromisoformat(certificate["endDateTime"]).astimezone(UTC)
    return Certificate(str(certificate["thumbprint"]).upper(), ends_at)


async def use_certificate(session: GraphSession, app: Application, certificate: Certificate) -> None:
    body = {"preferredTokenSigningKeyThumbprint": certificate.thumbprint}
    response = await session.request("PATCH", f"/servicePrincipals/{app.service_principal}", body=body)
    errors.need_written(response, WRITE)


async def _application(session: GraphSession, app: Application) -> dict[str, Any]:
    path = f"/applications(appId='{quote(app.app_id, safe='')}')?$select=id,identifierUris,web"
    response = await session.request("GET", path)
    if response.status == 404:
        raise DirectoryLagging("the directory does not show the application behind the app")
    return one(response, READ)


def _differs(what: str, there: list[str] | None, wanted: tuple[str, ...]) -> list[str]:
    return [] if set(there or ()) == set(wanted) else [f"{what} {', '.join(wanted)}"]


def _common_name(name: str) -> str:
    """A certificate's subject takes no separators; Graph refuses them."""
    return "".join(c for c in name if c.isalnum() or c in " .-").strip()[:60] or "Guestlist"
