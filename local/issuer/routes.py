"""The issuer over HTTP: discovery, keys, tokens, sign-in and the managed identity endpoint of App Service."""

import hmac
import html
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from local.issuer.grants import Refusal, grant

if TYPE_CHECKING:
    from local.issuer.issuer import Issuer

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, issuer: "Issuer") -> None:
    routes = _Routes(issuer)
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", routes.discovery)
    app.router.add_get("/{tenant}/discovery/v2.0/keys", routes.keys)
    app.router.add_post("/{tenant}/oauth2/v2.0/token", routes.token)
    app.router.add_options("/{tenant}/oauth2/v2.0/token", routes.preflight)
    app.router.add_get("/{tenant}/oauth2/v2.0/authorize", routes.authorize)
    app.router.add_post("/{tenant}/oauth2/v2.0/authorize", routes.sign_in)
    app.router.add_get("/msi/token", routes.managed_identity)


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _refused(refusal: Refusal) -> web.Response:
    body = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.code}: {refusal.text}",
        "error_codes": [refusal.code],
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()),
    }
    return web.json_response(body, status=refusal.status, headers=_CORS)


_CORS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


class _Routes:
    def __init__(self, issuer: "Issuer") -> None:
        self.issuer = issuer

    def _check_tenant(self, request: web.Request) -> None:
        if request.match_info["tenant"] not in (self.issuer.people.tenant_id, "organizations", "common"):
            raise Refusal("invalid_request", 90002, f"Tenant '{request.match_info['tenant']}' not found.")

    async def discovery(self, request: web.Request) -> web.Response:
        try:
            self._check_tenant(request)
        except Refusal as e:
            return _refused(e)
        base, tenant = _base(request), self.issuer.people.tenant_id
        root = f"{base}/{tenant}"
        document = {
            "issuer": self.issuer.issuer_url(base),
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_modes_supported": ["query"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid"],
        }
        return web.json_response(document, headers={"Access-Control-Allow-Origin": "*"})

    async def keys(self, request: web.Request) -> web.Response:
        return web.json_response(self.issuer.keys.published(), headers={"Access-Control-Allow-Origin": "*"})

    async def preflight(self, request: web.Request) -> web.Response:
        allow = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
        return web.Response(status=204, headers=_CORS | allow)

    async def token(self, request: web.Request) -> web.Response:
        form = {k: str(v) for k, v in (await request.post()).items()}
        try:
            self._check_tenant(request)
            answer = grant(self.issuer, form, request.headers.get("Authorization"), _base(request))
        except Refusal as e:
            return _refused(e)
        return web.json_response(answer, headers=_CORS)

    async def authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        client = self.issuer.people.find_client(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            return _refused(Refusal("invalid_request", 50011, "The redirect URI does not match those registered."))
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return _refused(Refusal("invalid_request", 9002325, "Proof Key for Code Exchange is required."))
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in asked.items()
        )
        page = (
            f"<!doctype html><html lang=en><title>Sign in</title><h1>Sign in to {html.escape(client.name)}</h1>"
            "<p>A sign-in page for development.</p>"
            f"<form method=post>{hidden}"
            "<p><label>User name <input name=username autocomplete=username autofocus></label></p>"
            "<p><label>Password <input name=password type=password autocomplete=current-password></label></p>"
            "<p><button>Sign in</button></p></form></html>"
        )
        return web.Response(text=page, content_type="text/html")

    async def sign_in(self, request: web.Request) -> web.Response:
        form = {k: str(v) for k, v in (await request.post()).items()}
        client = self.issuer.people.find_client(form.get("client_id", ""))
        redirect = form.get("redirect_uri", "")
        if client is None or redirect not in client.redirect_uris:
            return _refused(Refusal("invalid_request", 50011, "The redirect URI does not match those registered."))
        person = self.issuer.people.find_person(form.get("username", ""))
        if person is None or not person.password or not _same(person.password, form.get("password", "")):
            return _refused(Refusal("access_denied", 50126, "Invalid username or password."))
        code = secrets.token_urlsafe(24)
        self.issuer.codes[code] = form | {"expires": time.time() + 600}
        query = urlencode({"code": code} | ({"state": form["state"]} if "state" in form else {}))
        raise web.HTTPFound(f"{redirect}{'&' if '?' in redirect else '?'}{query}")

    async def managed_identity(self, request: web.Request) -> web.Response:
        """Source: App Service, "Use managed identities", REST endpoint reference, 2019-08-01."""
        header = request.headers.get("X-IDENTITY-HEADER", "")
        if not _same(self.issuer.identity_header, header):
            return web.json_response({"statusCode": 401, "message": "No or wrong X-IDENTITY-HEADER"}, status=401)
        resource = request.query.get("resource")
        if not resource or request.query.get("api-version") != "2019-08-01":
            return web.json_response({"statusCode": 400, "message": "resource and api-version"}, status=400)
        client = self.issuer.people.managed_identity(request.query.get("client_id"))
        if client is None:
            return web.json_response({"statusCode": 400, "message": "No managed identity"}, status=400)
        claims: dict[str, Any] = self.issuer.app_claims(client, resource, _base(request))
        answer = {
            "access_token": self.issuer.mint(claims, lifetime_s=86_400),
            "client_id": client.client_id,
            "expires_on": str(int(time.time()) + 86_400),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(answer)


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())
