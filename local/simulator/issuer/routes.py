"""The issuer over HTTP: discovery, keys, tokens, and the managed identity endpoint of App Service."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import hdrs, web

from .grants import audience_of, grant, person_scope, same
from .issuer import DEVICE_INTERVAL_S, DEVICE_LIFETIME_S, Issuer
from .refusal import Refusal, missing
from .sign_in import SignIn, read_form

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ANY_TENANT = ("common", "organizations")
_ANYBODY = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
_NOT_KEPT = {hdrs.CACHE_CONTROL: "no-store, no-cache", hdrs.PRAGMA: "no-cache"}
_DISCOVERY = Path(__file__).with_name("openid_configuration.json")
_IDENTIFIERS = {
    "client_id": "client_id",
    "principal_id": "object_id",
    "object_id": "object_id",
    "mi_res_id": "resource_id",
}
"""Parameters of the managed identity endpoint -> the attribute of a `Client` that they name."""
_MSI_LIFETIME_S = 86_400
"""Of tokens for managed identities: the host caches them for a day."""


def add_routes(app: web.Application, issuer: Issuer) -> None:
    """Source of the paths: Entra's own openid-configuration."""
    endpoints, sign_in = _Endpoints(issuer), SignIn(issuer)
    for method, path, handler in (
        ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", endpoints.discovery),
        ("GET", "/{tenant}/discovery/v2.0/keys", endpoints.keys),
        ("POST", "/{tenant}/oauth2/v2.0/token", endpoints.token),
        ("OPTIONS", "/{tenant}/oauth2/v2.0/token", endpoints.preflight),
        ("POST", "/{tenant}/oauth2/v2.0/devicecode", endpoints.device_code),
        ("GET", "/{tenant}/oauth2/v2.0/authorize", sign_in.authorize),
        ("POST", "/{tenant}/oauth2/v2.0/authorize", sign_in.authorize),
        ("GET", "/{tenant}/oauth2/deviceauth", sign_in.device),
        ("POST", "/{tenant}/oauth2/deviceauth", sign_in.device),
        ("GET", "/{tenant}/oauth2/v2.0/logout", sign_in.sign_out),
    ):
        app.router.add_route(method, path, _of_tenant(issuer, handler))
    app.router.add_get("/msi/token", endpoints.managed_identity)


def _of_tenant(issuer: Issuer, handler: Handler) -> Handler:
    """Other tenants are refused, and what a handler refuses becomes Entra's JSON."""

    async def answer(request: web.Request) -> web.StreamResponse:
        tenant = request.match_info["tenant"]
        try:
            if tenant.lower() not in (issuer.people.tenant_id.lower(), *_ANY_TENANT):
                raise Refusal("tenant unknown", tenant=tenant)
            return await handler(request)
        except Refusal as refusal:
            return web.json_response(refusal.body(), status=refusal.status, headers=_ANYBODY | _NOT_KEPT)

    return answer


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


class _Endpoints:
    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer

    async def discovery(self, request: web.Request) -> web.Response:
        """Source of the members: Entra's openid-configuration (v2.0); only what is served here is claimed."""
        base = _base(request)
        root, issuer = f"{base}/{self.issuer.people.tenant_id}", self.issuer.issuer_url(base)
        document = json.loads(_DISCOVERY.read_text(encoding="utf-8"))
        for name, value in document.items():
            if isinstance(value, str):
                document[name] = value.format(root=root, issuer=issuer)
        return web.json_response(document, headers=_ANYBODY)

    async def keys(self, request: web.Request) -> web.Response:
        return web.json_response(self.issuer.keys.published(), headers=_ANYBODY)

    async def preflight(self, request: web.Request) -> web.Response:
        """Lets pages of any origin call the token endpoint; Entra allows those registered as single-page apps."""
        asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        allow = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST, OPTIONS",
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: asked,
            hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
        }
        return web.Response(status=204, headers=_ANYBODY | allow)

    async def token(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        answer = grant(self.issuer, form, request.headers.get(hdrs.AUTHORIZATION), _base(request))
        return web.json_response(answer, headers=_ANYBODY | _NOT_KEPT)

    async def device_code(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        if not form.get("client_id"):
            raise missing("client_id")
        client = self.issuer.need_client(form["client_id"])
        scope = form.get("scope", "")
        person_scope(scope, self.issuer.people)  # refused now, not after somebody has signed in
        device = self.issuer.devices.add(client, scope)
        address = f"{_base(request)}/{self.issuer.people.tenant_id}/oauth2/deviceauth"
        answer = {
            "user_code": device.user_code,
            "device_code": device.device_code,
            "verification_uri": address,
            "expires_in": DEVICE_LIFETIME_S,
            "interval": DEVICE_INTERVAL_S,
            "message": (
                f"To sign in, use a web browser to open the page {address} and enter the code "
                f"{device.user_code} to authenticate."
            ),
        }
        return web.json_response(answer, headers=_ANYBODY | _NOT_KEPT)

    async def managed_identity(self, request: web.Request) -> web.Response:
        """Source: App Service, "Use managed identities", REST endpoint reference, 2019-08-01. One identifier at the
        most may be given; the text for one that finds nothing is reported."""
        if not same(self.issuer.identity_header, request.headers.get("X-IDENTITY-HEADER", "")):
            return _identity_error(401, "No or wrong X-IDENTITY-HEADER.")
        resource = request.query.get("resource")
        if request.query.get("api-version") != "2019-08-01":
            return _identity_error(400, "The api-version is not supported.")
        if not resource:
            return _identity_error(400, "The resource is missing.")
        given = {name: request.query[name] for name in _IDENTIFIERS if name in request.query}
        if len(given) > 1:
            return _identity_error(400, f"Only one of {', '.join(_IDENTIFIERS)} may be given.")
        name, wanted = next(iter(given.items()), ("client_id", None))
        client = self.issuer.people.managed_identity(wanted)
        if client is None or (wanted is not None and not _same(getattr(client, _IDENTIFIERS[name]), wanted)):
            return _identity_error(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        try:
            audience = audience_of(resource, self.issuer.people)
        except Refusal as refusal:  # UNVERIFIED: in which words App Service passes Entra's refusal on
            return _identity_error(400, refusal.description)
        expires = int(time.time()) + _MSI_LIFETIME_S
        claims = self.issuer.app_claims(client, audience, _base(request)) | {"exp": expires}
        answer = {
            "access_token": self.issuer.mint(claims),
            "client_id": client.client_id,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(answer, headers=_NOT_KEPT)


def _same(value: str | None, wanted: str) -> bool:
    return value is not None and value.lower() == wanted.lower()


def _identity_error(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
