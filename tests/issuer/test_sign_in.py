"""People sign in on a page, for apps that use the code flow with PKCE or a device code."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import ClientResponse

from tests.issuer.forms import forms
from tests.issuer.tenant import API_SCOPE, OLIVIA, SPA, Running

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "https://portal.example/signed-in"


def request(**changes: str) -> dict[str, str]:
    asked = {
        "client_id": SPA.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": f"openid offline_access {API_SCOPE}",
        "state": "a state & more",
        "nonce": "a nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in asked.items() if value}


async def page_of(running: Running, asked: dict[str, str]) -> str:
    async with running.http.get(running.url("oauth2/v2.0/authorize"), params=asked) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["X-Frame-Options"] == "DENY"
        return await answer.text()


async def post(running: Running, form: dict[str, str]) -> ClientResponse:
    return await running.http.post(running.url("oauth2/v2.0/authorize"), data=form, allow_redirects=False)


async def signed_in(running: Running, asked: dict[str, str]) -> str:
    """The address the browser is sent to after Olivia has signed in."""
    form = forms(await page_of(running, asked))[-1] | {"username": OLIVIA.username, "password": OLIVIA.password or ""}
    answer = await post(running, form)
    assert answer.status == 302, await answer.text()
    return answer.headers["Location"]


def redemption(code: str, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": SPA.client_id,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    } | changes


def values(address: str, part: str = "query") -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(getattr(urlsplit(address), part)).items()}


async def test_a_person_signs_in_and_the_app_gets_tokens_for_the_code(running: Running) -> None:
    address = await signed_in(running, request())
    found = values(address)
    assert address.startswith(f"{REDIRECT}?")
    assert found["state"] == "a state & more"

    tokens = await running.granted(redemption(found["code"]))

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["nonce"], claims["aud"], claims["oid"]) == ("a nonce", SPA.client_id, OLIVIA.object_id)
    assert {"access_token", "refresh_token"} <= tokens.keys()


@pytest.mark.parametrize("changes", [{"code_verifier": "w" * 64}, {"redirect_uri": "https://evil.example"}])
async def test_a_code_is_good_once_and_only_with_its_verifier_and_address(
    running: Running, changes: dict[str, str]
) -> None:
    code = values(await signed_in(running, request()))["code"]

    status, refused = await running.token(redemption(code, **changes))
    after, _ = await running.token(redemption(code))

    assert (status, refused["error"]) == (400, "invalid_grant")
    assert after == 400


async def test_the_page_offers_the_sample_people_with_one_click(running: Running) -> None:
    page = await page_of(running, request())
    offered = next(form for form in forms(page) if form["username"] == OLIVIA.username)
    assert "Olivia &lt;Owner&gt;" in page

    answer = await post(running, offered)

    assert answer.status == 302
    assert "code" in values(answer.headers["Location"])


async def test_a_wrong_password_shows_the_page_again_and_gives_no_code(running: Running) -> None:
    answer = await post(running, request() | {"username": OLIVIA.username, "password": "wrong"})

    text = await answer.text()
    assert answer.status == 200
    assert 'role="alert"' in text
    assert f'value="{OLIVIA.username}"' in text
    assert "wrong" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example"},
        {"redirect_uri": f"{REDIRECT}/"},
        {"redirect_uri": "http://localhost@evil.example/"},
        {"redirect_uri": "http://localhost.evil.example"},
        {"redirect_uri": ""},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    running: Running, method: str, changes: dict[str, str]
) -> None:
    asked: dict[str, Any] = {"params" if method == "GET" else "data": request(**changes)}
    url = running.url("oauth2/v2.0/authorize")
    async with running.http.request(method, url, allow_redirects=False, **asked) as answer:
        assert answer.status == 400
        assert "AADSTS" in await answer.text()
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "api://nobody/all"}, "invalid_resource"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_the_app_is_told_what_it_must_mend(running: Running, changes: dict[str, str], error: str) -> None:
    url = running.url("oauth2/v2.0/authorize")
    async with running.http.get(url, params=request(**changes), allow_redirects=False) as answer:
        found = values(answer.headers["Location"])
    assert (answer.status, found["error"], found["state"]) == (302, error, "a state & more")
    assert found["error_description"].startswith("AADSTS")


async def test_a_desktop_app_may_listen_on_any_port_of_this_machine(running: Running) -> None:
    asked = request(redirect_uri="http://localhost:53682")

    address = await signed_in(running, asked)

    assert address.startswith("http://localhost:53682?code=")
    await running.granted(redemption(values(address)["code"], redirect_uri="http://localhost:53682"))


async def test_the_code_comes_in_the_way_the_app_asked_for(running: Running) -> None:
    fragment = await signed_in(running, request(response_mode="fragment"))
    assert "code" in values(fragment, "fragment")

    with_query = await signed_in(running, request(redirect_uri="https://portal.example/?from=sign-in"))
    assert values(with_query)["from"] == "sign-in"
    assert "code" in values(with_query)

    form = request(response_mode="form_post") | {"username": OLIVIA.username, "password": OLIVIA.password or ""}
    page = await (await post(running, form)).text()
    assert f'action="{REDIRECT}"' in page
    assert forms(page)[0]["state"] == "a state & more"
    await running.granted(redemption(forms(page)[0]["code"]))


async def test_a_device_waits_until_a_person_has_entered_its_code(running: Running) -> None:
    asked = {"client_id": SPA.client_id, "scope": f"offline_access {API_SCOPE}"}
    async with running.http.post(running.url("oauth2/v2.0/devicecode"), data=asked) as answer:
        device = await answer.json()
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": SPA.client_id,
        "device_code": device["device_code"],
    }
    _, waiting = await running.token(form)
    assert waiting["error"] == "authorization_pending"

    login = {"username": OLIVIA.username, "password": OLIVIA.password or ""}
    async with running.http.post(device["verification_uri"], data=login | {"user_code": "WRONG"}) as answer:
        assert 'role="alert"' in await answer.text()
    assert (await running.token(form))[1]["error"] == "authorization_pending"
    async with running.http.post(
        device["verification_uri"], data=login | {"user_code": device["user_code"].lower()}
    ) as answer:
        assert "You have signed in" in await answer.text()

    tokens = await running.granted(form)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["oid"] == OLIVIA.object_id
    assert (await running.token(form))[0] == 400


async def test_signing_out_returns_to_a_registered_address_only(running: Running) -> None:
    url = running.url("oauth2/v2.0/logout")
    asked = {"client_id": SPA.client_id, "post_logout_redirect_uri": REDIRECT}
    async with running.http.get(url, params=asked, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, REDIRECT)
    asked["post_logout_redirect_uri"] = "https://evil.example"
    async with running.http.get(url, params=asked, allow_redirects=False) as answer:
        assert answer.status == 200
