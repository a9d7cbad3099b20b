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
    """Answer a token request; `authorization` is its HTTP header, `base` the address the issuer is called by.

    Raises:
        Refusal: with Entra's error and AADSTS number.
    """
    kind = form.get("grant_type")
    if not kind:
        raise missing("grant_type")
    client_id, secret = _client_of(form, authorization)
    client = issuer.people.find_client(client_id)
    if client is None:
        raise Refusal(
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{issuer.people.tenant_id}'.",
        )
    answer = _GRANTS.get(kind)
    if answer is None:
        raise Refusal("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{kind}'.")
    _check_secret(client, secret, needed=kind == "client_credentials")
    return answer(issuer, client, form, base)


def sign_in(issuer: Issuer, username: str, password: str) -> Person:
    """The person with that password.

    Raises:
        Refusal: there is none.
    """
    person = issuer.people.find_person(username)
    if person is None or not person.password or not same(person.password, password):
        raise Refusal("invalid_grant", 50126, "Error validating credentials due to invalid username or password.")
    return person


def same(a: str, b: str) -> bool:
    """Compares secrets in a time that tells nothing of them."""
    return hmac.compare_digest(a.encode(), b.encode())


def _client_credentials(issuer: Issuer, client: Client, form: Form, base: str) -> Answer:
    wanted = scopes.of_app(form.get("scope", ""), issuer.people)
    token = issuer.mint(issuer.app_claims(client, wanted.audience, base))
    return {
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN_S,
        "ext_expires_in": EXPIRES_IN_S,
        "access_token": token,
    }


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
        raise Refusal("invalid_grant", 9002313, "Invalid request. The refresh token is malformed or invalid.")
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
    answer: Answer = {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": EXPIRES_IN_S,
        "ext_expires_in": EXPIRES_IN_S,
        "access_token": issuer.mint(access),
    }
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
        raise Refusal("invalid_grant", 50034, f"The user account {username} does not exist in the directory.")
    return person


def _client_of(form: Form, authorization: str | None) -> tuple[str, str | None]:
    if authorization and authorization.lower().startswith("basic "):
        try:
            name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except ValueError as e:
            raise Refusal("invalid_client", 7000218, "The Authorization header is not valid.", 401) from e
        return unquote(name), unquote(secret)
    if not form.get("client_id"):
        raise missing("client_id")
    return form["client_id"], form.get("client_secret")


def _check_secret(client: Client, secret: str | None, *, needed: bool) -> None:
    if client.secret is None:
        if needed:
            raise Refusal(
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                401,
            )
        if secret:
            raise Refusal(
                "invalid_client",
                700025,
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                401,
            )
        return
    if secret is None:
        raise Refusal(
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            401,
        )
    if not same(client.secret, secret):
        raise Refusal("invalid_client", 7000215, "Invalid client secret provided.", 401)
