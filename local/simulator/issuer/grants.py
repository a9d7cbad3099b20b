"""Grants of the token endpoint: who asks, with what right, for what, and which tokens they get for it.

The password grant (Entra's ROPC) is for development: sample people have published passwords.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from .issuer import GRAPH, Issuer, Kept
from .people import Client, People, Person
from .refusal import Refusal, missing

type Answer = dict[str, Any]
type Form = Mapping[str, str]

EXPIRES_IN_S = 3599
"""What Entra says of a token that is good for an hour."""

API_SCOPE = "access_as_user"
"""The one delegated permission that APIs of the tenant publish."""

_MICROSOFT = {
    GRAPH,
    *(f"https://{name}" for name in ("communication.azure.com", "database.windows.net", "management.azure.com")),
    *(f"https://{name}" for name in ("management.core.windows.net", "monitor.azure.com", "outlook.office365.com")),
    *(f"https://{name}" for name in ("servicebus.azure.net", "storage.azure.com", "vault.azure.net")),
}
"""Microsoft's own resources that a tenant with an Azure subscription has; a storage account has a name of its own as
well."""
_STORAGE = re.compile(r"https://[a-z0-9]{3,24}\.(?:blob|file|queue|table)\.core\.windows\.net")

_OPENID = ("openid", "profile", "email", "offline_access")
_DEFAULT = ".default"


def grant(issuer: Issuer, form: Form, authorization: str | None, base: str) -> Answer:
    """Answer a token request; `authorization` is its HTTP header, `base` the address the issuer is called by. Raises
    Refusal: with Entra's error and AADSTS number."""
    kind = form.get("grant_type")
    if not kind:
        raise missing("grant_type")
    client_id, secret = _client_of(form, authorization)
    client = issuer.need_client(client_id)
    answer = _GRANTS.get(kind)
    if answer is None:
        raise Refusal("grant unknown", kind=kind)
    _check_secret(client, secret, needed=kind == "client_credentials")
    return answer(issuer, client, form, base)


def sign_in(issuer: Issuer, username: str, password: str) -> Person:
    """The person with that password. Raises Refusal: there is none."""
    person = issuer.people.find_person(username)
    if person is None or not person.password or not same(person.password, password):
        raise Refusal("password wrong")
    return person


def same(a: str, b: str) -> bool:
    """Compares secrets in a time that tells nothing of them."""
    return hmac.compare_digest(a.encode(), b.encode())


def _client_credentials(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    audience = _app_audience(form.get("scope", ""), issuer.people)
    return _bearer(issuer.mint(issuer.app_claims(client, audience, base)))


def _bearer(token: str) -> Answer:
    times = {"expires_in": EXPIRES_IN_S, "ext_expires_in": EXPIRES_IN_S}
    return {"token_type": "Bearer", **times, "access_token": token}


def _password(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    person = sign_in(issuer, form.get("username", ""), form.get("password", ""))
    return _tokens(issuer, person, client, form, form.get("scope", ""), base)


def _authorization_code(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    code = issuer.codes.redeem(form, client)
    return _tokens(issuer, _person(issuer, code.username), client, form, code.scope, base, nonce=code.nonce)


def _device_code(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    device = issuer.devices.redeem(form, client)
    return _tokens(issuer, _person(issuer, device.username or ""), client, form, device.scope, base)


def _refresh_token(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    """The old refresh token stays good, as in Entra: a client may have lost the answer."""
    kept = issuer.refresh_tokens.get(form.get("refresh_token", ""))
    if kept is None or kept.client_id != client.client_id:
        raise Refusal("refresh token unknown")
    # What was consented to stays so, even where the request names one API alone.
    scope = " ".join(dict.fromkeys([*(form.get("scope") or kept.scope).split(), "offline_access"]))
    return _tokens(issuer, _person(issuer, kept.username), client, form, scope, base)


_GRANTS: dict[str, Callable[[Issuer, Client, Form, str], Answer]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": _device_code,
}


def _tokens(
    issuer: Issuer, person: Person, client: Client, form: Form, scope: str, base: str, *, nonce: str | None = None
) -> Answer:
    wanted = person_scope(scope, issuer.people)
    access = issuer.person_claims(person, client.client_id, wanted.audience, " ".join(wanted.names), base)
    answer: Answer = {**_bearer(issuer.mint(access)), "scope": scope}
    if "openid" in wanted.openid:
        claims = issuer.person_claims(person, client.client_id, client.client_id, "", base)
        for of_access_tokens in ("scp", "azp"):
            claims.pop(of_access_tokens)
        answer["id_token"] = issuer.mint(claims | ({"nonce": nonce} if nonce else {}))
    if "offline_access" in wanted.openid:
        token = secrets.token_urlsafe(32)
        issuer.refresh_tokens[token] = Kept(person.username, client.client_id, scope)
        answer["refresh_token"] = token
    if form.get("client_info") == "1":  # Microsoft's own libraries key their caches by it
        about = json.dumps({"uid": person.object_id, "utid": issuer.people.tenant_id})
        answer["client_info"] = base64.urlsafe_b64encode(about.encode()).rstrip(b"=").decode()
    return answer


def _person(issuer: Issuer, username: str) -> Person:
    person = issuer.people.find_person(username)
    if person is None:
        raise Refusal("person unknown", username=username)
    return person


def _client_of(form: Form, authorization: str | None) -> tuple[str, str | None]:
    if authorization and authorization.lower().startswith("basic "):
        try:
            name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except ValueError as e:
            raise Refusal("basic header wrong") from e
        return unquote(name), unquote(secret)
    if not form.get("client_id"):
        raise missing("client_id")
    return form["client_id"], form.get("client_secret")


def _check_secret(client: Client, secret: str | None, *, needed: bool) -> None:
    if client.secret is None and not needed:
        if secret:
            raise Refusal("client public")
    elif client.secret is None or secret is None:
        raise Refusal("secret missing")
    elif not same(client.secret, secret):
        raise Refusal("secret wrong")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`openid` are OpenID's scopes that were asked for, `names` the delegated permissions on `audience`."""

    audience: str
    names: tuple[str, ...]
    openid: tuple[str, ...]


def _app_audience(scope: str, people: People) -> str:
    """What an app wants for itself: all it was granted on one resource, ``{resource}/.default``. Raises Refusal: any
    other scope."""
    if not scope.strip():
        raise missing("scope")
    resource, _, name = scope.strip().rpartition("/")
    if " " in scope.strip() or not resource or name != _DEFAULT:
        raise Refusal("app scope wrong", scope=scope)
    return audience_of(resource, people)


def person_scope(scope: str, people: People) -> Wanted:
    """What an app wants on a person's behalf. OpenID's scopes alone are answered with a token for Graph. Raises
    Refusal: the scopes are of several resources, or unknown."""
    asked = scope.split()
    if not asked:
        raise missing("scope")
    openid = tuple(s for s in asked if s in _OPENID)
    split = [s.rpartition("/") for s in asked if s not in _OPENID]
    resources = {resource or GRAPH for resource, _, _ in split} or {GRAPH}
    names = tuple(name for _, _, name in split)
    if len(resources) > 1:
        raise Refusal("several resources")
    if _DEFAULT in names and len(names) > 1:
        raise Refusal("scope wrong", scope=scope)
    audience = audience_of(resources.pop(), people)
    if "://" in audience:  # another API of Microsoft's: it alone knows its permissions
        return Wanted(audience, tuple(n for n in names if n != _DEFAULT) or ("User.Read",), openid)
    for name in names:
        if name not in (_DEFAULT, API_SCOPE):
            raise Refusal("scope unknown", name=name, audience=audience)
    return Wanted(audience, (API_SCOPE,), openid)


def audience_of(resource: str, people: People) -> str:
    """A v2.0 token names an API of the tenant by its client id alone, however it was asked for. Raises Refusal: the
    tenant has no such resource (AADSTS500011, as reported for Entra)."""
    bare = resource.rstrip("/").lower()
    if bare in _MICROSOFT or _STORAGE.fullmatch(bare):
        return resource
    api = people.find_api(resource.removeprefix("api://")) or people.find_api(resource)
    if api is None:
        raise Refusal("resource unknown", resource=resource, tenant=people.tenant_id)
    return api
