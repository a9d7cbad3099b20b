"""Grants of the token endpoint: who asks, with what right, and which tokens they get for it.

The password grant (Entra's ROPC) is for development: sample people have published passwords.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from . import scopes
from .codes import Kept
from .issuer import Issuer
from .people import Client, Person
from .refusal import Refusal, missing

type Answer = dict[str, Any]
type Form = Mapping[str, str]

EXPIRES_IN_S = 3599
"""What Entra says of a token that is good for an hour."""


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
    wanted = scopes.of_app(form.get("scope", ""), issuer.people)
    return _bearer(issuer.mint(issuer.app_claims(client, wanted.audience, base)))


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
    wanted = scopes.of_person(scope, issuer.people)
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
