"""Grants of the token endpoint: client credentials, password (sample people), code with PKCE, refresh."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from local.issuer.people import Client, Person

if TYPE_CHECKING:
    from local.issuer.issuer import Issuer

_OPENID = {"openid", "profile", "email", "offline_access"}


class Refusal(Exception):
    """An answer of the token endpoint that is no token; `code` is Entra's AADSTS number."""

    def __init__(self, error: str, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.code, self.text, self.status = error, code, text, status


def grant(issuer: "Issuer", form: Mapping[str, str], authorization: str | None, base: str) -> dict[str, Any]:
    """Answer a token request.

    Raises:
        Refusal: with Entra's error and AADSTS number.
    """
    client_id, secret = _client_of(form, authorization)
    client = issuer.people.find_client(client_id)
    if client is None:
        raise Refusal("unauthorized_client", 700016, f"Application '{client_id}' was not found.", 400)
    match form.get("grant_type"):
        case "client_credentials":
            _check_secret(client, secret, needed=True)
            audience = _resource(form.get("scope", ""), app_only=True)
            token = issuer.mint(issuer.app_claims(client, audience, base))
            return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}
        case "password":
            _check_secret(client, secret, needed=False)
            person = issuer.people.find_person(form.get("username", ""))
            if person is None or not person.password or not _same(person.password, form.get("password", "")):
                raise Refusal(
                    "invalid_grant", 50126, "Error validating credentials due to invalid username or password."
                )
            return _tokens(issuer, person, client, form.get("scope", ""), base, None)
        case "authorization_code":
            _check_secret(client, secret, needed=False)
            asked = issuer.codes.pop(form.get("code", ""), None)
            if asked is None or asked["expires"] < time.time() or asked["client_id"] != client.client_id:
                raise Refusal("invalid_grant", 70008, "The provided authorization code is expired or was used.")
            if asked["redirect_uri"] != form.get("redirect_uri"):
                raise Refusal("invalid_grant", 50011, "The redirect URI does not match.")
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not _same(challenge, asked["code_challenge"]):
                raise Refusal("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.")
            person = issuer.people.find_person(asked["username"])
            if person is None:
                raise Refusal("invalid_grant", 50034, "The user account does not exist in the directory.")
            return _tokens(issuer, person, client, asked.get("scope", ""), base, asked.get("nonce"))
        case "refresh_token":
            kept = issuer.refresh_tokens.pop(form.get("refresh_token", ""), None)
            person = issuer.people.find_person(kept["username"]) if kept else None
            if kept is None or person is None or kept["client_id"] != client.client_id:
                raise Refusal("invalid_grant", 70000, "The refresh token is not valid.")
            return _tokens(issuer, person, client, form.get("scope") or kept["scope"], base, None)
        case other:
            raise Refusal("unsupported_grant_type", 70003, f"The grant type '{other}' is not supported.")


def _tokens(
    issuer: "Issuer", person: Person, client: Client, scope: str, base: str, nonce: str | None
) -> dict[str, Any]:
    wanted = scope.split()
    openid = [s for s in wanted if s in _OPENID]
    audience = _resource(" ".join(s for s in wanted if s not in _OPENID), app_only=False)
    access = issuer.person_claims(person, client.client_id, audience, "access_as_user", base)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": 3599,
        "access_token": issuer.mint(access),
    }
    if "openid" in openid:
        claims = issuer.person_claims(person, client.client_id, client.client_id, "", base)
        del claims["scp"]
        answer["id_token"] = issuer.mint(claims | ({"nonce": nonce} if nonce else {}))
    if "offline_access" in openid:
        token = secrets.token_urlsafe(32)
        kept = {"username": person.username, "client_id": client.client_id, "scope": scope}
        issuer.refresh_tokens[token] = kept
        answer["refresh_token"] = token
    return answer


def _resource(scope: str, *, app_only: bool) -> str:
    """The audience of a scope: ``{resource}/.default``, or a delegated ``api://{client}/access_as_user``."""
    resource, _, name = scope.strip().rpartition("/")
    if not resource or " " in scope.strip() or (app_only and name != ".default"):
        raise Refusal(
            "invalid_scope", 1002012 if app_only else 70011, f"The provided value for scope '{scope}' is not valid."
        )
    # A v2.0 token names the API by its client id alone.
    return resource.removeprefix("api://")


def _client_of(form: Mapping[str, str], authorization: str | None) -> tuple[str, str | None]:
    if authorization and authorization.lower().startswith("basic "):
        try:
            name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except ValueError as e:
            raise Refusal("invalid_client", 7000218, "The Authorization header is not valid.", 401) from e
        return unquote(name), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret")


def _check_secret(client: Client, secret: str | None, *, needed: bool) -> None:
    if client.secret is None:
        if needed:
            raise Refusal("invalid_client", 7000218, "The request body must contain 'client_secret'.", 401)
        return
    if secret is None or not _same(client.secret, secret):
        raise Refusal("invalid_client", 7000215, "Invalid client secret provided.", 401)


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())
