"""SAML of an app: part of it stands on the service principal, part on the application behind it.

Source: Microsoft Graph, "Configure SAML-based single sign-on for an application".
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.core.directory import Application, Certificate, Saml
from shared.core.errors import DirectoryLagging
from shared.graph.apps.applications import READ, WRITE
from shared.graph.apps.certificates import make_certificate
from shared.graph.on_graph import OnGraph


class SignOn(OnGraph):
    async def saml_differences(self, app: Application, saml: Saml) -> list[str]:
        """What is not as asked for, in a person's words; empty where all is."""
        behind = await self._application(app)
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
        behind = await self._application(app)
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
            await self._write("PATCH", path, body, WRITE)

    async def add_certificate(self, app: Application, until: datetime) -> Certificate:
        """A self-signed certificate of our own making, in place of those that are there: a repeat makes another. It
        is uploaded: Graph keeps it as the key that signs, the key that verifies, and the password of the first. The
        private key is known to this call alone and to Graph.

        Source: Microsoft Graph, "Configure SAML-based single sign-on", custom signing certificate.
        """
        certificate, credentials = make_certificate(app.name, until)
        await self._write("PATCH", f"/servicePrincipals/{app.service_principal}", credentials, WRITE)
        return certificate

    async def use_certificate(self, app: Application, certificate: Certificate) -> None:
        """Sign with this one. Safe to repeat."""
        body = {"preferredTokenSigningKeyThumbprint": certificate.thumbprint}
        await self._write("PATCH", f"/servicePrincipals/{app.service_principal}", body, WRITE)

    async def _application(self, app: Application) -> dict[str, Any]:
        condition = quote(f"appId eq '{app.app_id}'", safe="")
        path = f"/applications?$filter={condition}&$select=id,identifierUris,web"
        found = await self._list(path, READ)
        if not found:
            raise DirectoryLagging("the directory does not show the application behind the app")
        return found[0]


def _differs(what: str, there: list[str] | None, wanted: tuple[str, ...]) -> list[str]:
    return [] if set(there or ()) == set(wanted) else [f"{what} {', '.join(wanted)}"]
