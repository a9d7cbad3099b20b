"""The token endpoint: what is in tokens, and Entra's words where there is none."""

import base64
from typing import Any

import jwt
import pytest
from azure.identity.aio import ManagedIdentityCredential

from local.simulator.issuer import GRAPH, BadToken
from tests.issuer.tenant import ADAM, API, API_SCOPE, API_URI, DAEMON, HEADER, IDENTITY, OLIVIA, SPA, TENANT, Running


async def verified(running: Running, token: str, audience: str) -> dict[str, Any]:
    """The claims, checked as any other party would: by the published keys alone."""
    async with running.http.get(running.url("v2.0/.well-known/openid-configuration")) as answer:
        document = await answer.json()
    async with running.http.get(document["jwks_uri"]) as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience)
    if claims["ver"] == "2.0":
        assert claims["iss"] == document["issuer"]
    return claims


async def test_a_persons_token_for_the_api_has_entras_v2_claims(running: Running) -> None:
    body = await running.granted(running.as_olivia())

    claims = await verified(running, body["access_token"], API.client_id)

    assert {name: claims[name] for name in ("tid", "oid", "azp", "scp", "name", "preferred_username", "ver")} == {
        "tid": TENANT,
        "oid": OLIVIA.object_id,
        "azp": SPA.client_id,
        "scp": "access_as_user",
        "name": OLIVIA.name,
        "preferred_username": OLIVIA.username,
        "ver": "2.0",
    }
    assert claims["iss"] == f"{running.base}/{TENANT}/v2.0"
    assert claims["exp"] - claims["iat"] == 3600
    assert "roles" not in claims
    assert "idtyp" not in claims
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3599


@pytest.mark.parametrize(
    "scope", [API_SCOPE, f"{API.client_id}/.default", f"api://{API.client_id}/.default", f"{API_URI}/.default"]
)
async def test_each_way_to_name_the_api_gives_the_same_audience(running: Running, scope: str) -> None:
    person = await running.granted(running.as_olivia(scope=scope))
    assert (await verified(running, person["access_token"], API.client_id))["scp"] == "access_as_user"


async def test_app_roles_of_a_person_are_in_the_token(running: Running) -> None:
    body = await running.granted(running.as_olivia(username=ADAM.username, password=ADAM.password or ""))
    assert (await verified(running, body["access_token"], API.client_id))["roles"] == ["Admin"]


async def test_an_apps_token_for_graph_carries_its_permissions(running: Running) -> None:
    body = await running.granted(running.as_daemon())

    claims = await verified(running, body["access_token"], GRAPH)

    assert claims["roles"] == ["User.Invite.All", "User.Read.All"]
    assert (claims["appid"], claims["oid"], claims["tid"]) == (DAEMON.client_id, DAEMON.object_id, TENANT)
    assert claims["idtyp"] == "app"
    assert running.issuer.verify(body["access_token"], audience=GRAPH)["appid"] == DAEMON.client_id


async def test_an_apps_token_for_the_api_carries_its_app_roles(running: Running) -> None:
    body = await running.granted(running.as_daemon(scope=f"api://{API.client_id}/.default"))

    claims = await verified(running, body["access_token"], API.client_id)

    assert (claims["roles"], claims["idtyp"], claims["azp"]) == (["Inviter"], "app", DAEMON.client_id)
    assert "scp" not in claims


async def test_a_secret_may_come_in_the_authorization_header(running: Running) -> None:
    secret = "daemons%20secret%3A%20%2B%2F%25"
    basic = base64.b64encode(f"{DAEMON.client_id}:{secret}".encode()).decode()
    form = running.as_daemon()
    del form["client_id"], form["client_secret"]

    body = await running.granted(form, Authorization=f"Basic {basic}")

    assert (await verified(running, body["access_token"], GRAPH))["appid"] == DAEMON.client_id


async def test_a_persons_token_for_graph_has_the_scopes_and_no_roles(running: Running) -> None:
    body = await running.granted(
        running.as_olivia(username=ADAM.username, password=ADAM.password or "", scope="User.Read")
    )

    claims = await verified(running, body["access_token"], GRAPH)

    assert (claims["scp"], claims["idtyp"]) == ("User.Read", "user")
    assert "roles" not in claims


async def test_an_id_token_and_a_refresh_token_come_only_where_they_are_asked_for(running: Running) -> None:
    plain = await running.granted(running.as_olivia())
    assert not {"id_token", "refresh_token"} & plain.keys()

    full = await running.granted(running.as_olivia(scope=f"openid profile offline_access {API_SCOPE}"))

    claims = await verified(running, full["id_token"], SPA.client_id)
    assert (claims["oid"], claims["preferred_username"]) == (OLIVIA.object_id, OLIVIA.username)
    assert "scp" not in claims


async def test_a_refresh_token_gives_new_tokens_more_than_once_and_only_to_its_client(running: Running) -> None:
    first = await running.granted(running.as_olivia(scope=f"offline_access {API_SCOPE}"))
    form = {
        "grant_type": "refresh_token",
        "client_id": SPA.client_id,
        "refresh_token": first["refresh_token"],
        "scope": API_SCOPE,
    }

    for _ in range(2):
        again = await running.granted(form)
        claims = await verified(running, again["access_token"], API.client_id)
        assert claims["oid"] == OLIVIA.object_id
        assert again["refresh_token"] != first["refresh_token"]
    status, refused = await running.token({**form, "client_id": API.client_id})

    assert (status, refused["error"]) == (400, "invalid_grant")


REFUSALS: dict[str, tuple[dict[str, str], int, str, int]] = {
    "wrong password": ({"password": "wrong"}, 400, "invalid_grant", 50126),
    "person without a password": ({"username": "lou@contoso.com", "password": ""}, 400, "invalid_grant", 50126),
    "unknown person": ({"username": "nobody@contoso.com"}, 400, "invalid_grant", 50126),
    "unknown client": ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
    "no client": ({"client_id": ""}, 400, "invalid_request", 900144),
    "no grant": ({"grant_type": ""}, 400, "invalid_request", 900144),
    "unknown grant": ({"grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
    "no scope": ({"scope": ""}, 400, "invalid_request", 900144),
    "unknown scope of the API": ({"scope": f"api://{API.client_id}/everything"}, 400, "invalid_client", 650053),
    "unknown API": ({"scope": "api://nobody/.default"}, 400, "invalid_resource", 500011),
    "unknown address": ({"scope": "https://nobody.example/.default"}, 400, "invalid_resource", 500011),
    "nearly Graph": ({"scope": f"{GRAPH}.example/.default"}, 400, "invalid_resource", 500011),
    "two resources": ({"scope": f"{API_SCOPE} {GRAPH}/User.Read"}, 400, "invalid_scope", 28000),
    "default and more": ({"scope": f"{API_SCOPE} {API.client_id}/.default"}, 400, "invalid_scope", 28000),
    "a secret of a public client": ({"client_secret": "s"}, 401, "invalid_client", 700025),
    "made-up code": ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant", 70008),
    "made-up refresh token": ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", 9002313),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_a_person_is_refused_for_is_said_in_entras_words(running: Running, case: str) -> None:
    changes, status, error, code = REFUSALS[case]

    found, body = await running.token(running.as_olivia(**changes))

    assert (found, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["correlation_id"] in body["error_description"]
    assert body["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": ""}, 401, 7000215),
        ({"client_id": SPA.client_id}, 401, 7000218),
        ({"client_id": IDENTITY.client_id}, 401, 7000218),
        ({"scope": API_SCOPE}, 400, 1002012),
        ({"scope": f"{GRAPH}/.default {API.client_id}/.default"}, 400, 1002012),
    ],
)
async def test_an_app_needs_its_secret_and_a_default_scope(
    running: Running, changes: dict[str, str], status: int, code: int
) -> None:
    found, body = await running.token(running.as_daemon(**changes))
    assert (found, body["error_codes"]) == (status, [code])


async def test_another_tenant_is_refused_and_common_is_this_one(running: Running) -> None:
    async with running.http.post(running.url("oauth2/v2.0/token", "contoso.com"), data=running.as_daemon()) as answer:
        assert (answer.status, (await answer.json())["error_codes"]) == (400, [90002])
    async with running.http.post(
        running.url("oauth2/v2.0/token", "organizations"), data=running.as_daemon()
    ) as answer:
        assert answer.status == 200


async def test_pages_of_any_origin_may_call_the_token_endpoint(running: Running) -> None:
    asked = {"Origin": "https://portal.example", "Access-Control-Request-Headers": "x-client-sku"}
    async with running.http.options(running.url("oauth2/v2.0/token"), headers=asked) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "x-client-sku"
    for form in (running.as_olivia(), running.as_olivia(password="wrong")):
        async with running.http.post(running.url("oauth2/v2.0/token"), data=form) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "no-store" in answer.headers["Cache-Control"]


async def test_after_a_rotation_old_tokens_still_verify_and_new_ones_have_a_new_key(running: Running) -> None:
    before = (await running.granted(running.as_olivia()))["access_token"]

    running.issuer.keys.rotate()

    after = (await running.granted(running.as_olivia()))["access_token"]
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    assert await verified(running, before, API.client_id)
    assert await verified(running, after, API.client_id)
    running.issuer.keys.rotate()
    with pytest.raises(KeyError):
        await verified(running, before, API.client_id)


async def test_only_public_parts_of_keys_are_published(running: Running) -> None:
    async with running.http.get(running.url("discovery/v2.0/keys")) as answer:
        keys = (await answer.json())["keys"]
    assert [set(key) for key in keys] == [{"kty", "use", "kid", "x5t", "n", "e"}]


WRONG_TOKENS: dict[str, dict[str, Any]] = {
    "expired": {"lifetime_s": -10},
    "a key nobody publishes": {"key": "unknown"},
    "another key under the published id": {"key": "other"},
    "no signature": {"alg": "none"},
    "signed with a shared secret": {"alg": "HS256"},
}


@pytest.mark.parametrize("case", WRONG_TOKENS)
def test_tokens_minted_wrong_are_not_accepted(running: Running, case: str) -> None:
    claims = running.issuer.app_claims(DAEMON, GRAPH, running.base)
    assert running.issuer.verify(running.issuer.mint(claims), audience=GRAPH)

    wrong = running.issuer.mint(claims, **WRONG_TOKENS[case])

    with pytest.raises(BadToken):
        running.issuer.verify(wrong, audience=GRAPH)


@pytest.mark.parametrize("changes", [{"aud": "api://other"}, {"tid": "22222222-2222-4222-8222-222222222222"}])
def test_tokens_for_others_are_not_accepted(running: Running, changes: dict[str, str]) -> None:
    claims = running.issuer.app_claims(DAEMON, GRAPH, running.base) | changes
    with pytest.raises(BadToken):
        running.issuer.verify(running.issuer.mint(claims), audience=GRAPH)


@pytest.fixture
def on_app_service(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that App Service gives a function app with a managed identity."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{running.base}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)


@pytest.mark.usefixtures("on_app_service")
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"client_id": IDENTITY.client_id},
        {"principal_id": IDENTITY.object_id},
        {"object_id": IDENTITY.object_id},
        {"mi_res_id": str(IDENTITY.resource_id)},
    ],
)
async def test_azure_identity_gets_a_managed_identitys_token(running: Running, config: dict[str, str]) -> None:
    async with ManagedIdentityCredential(identity_config=config) as credential:
        token = await credential.get_token(f"{GRAPH}/.default")

    claims = running.issuer.verify(token.token, audience=GRAPH)
    assert (claims["appid"], claims["roles"], claims["idtyp"]) == (IDENTITY.client_id, ["User.Invite.All"], "app")
    assert token.expires_on == claims["exp"]


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ({"resource": GRAPH, "api-version": "2019-08-01"}, "wrong", 401),
        ({"resource": GRAPH, "api-version": "2017-09-01"}, HEADER, 400),
        ({"api-version": "2019-08-01"}, HEADER, 400),
        ({"resource": GRAPH, "api-version": "2019-08-01", "client_id": DAEMON.client_id}, HEADER, 400),
        ({"resource": GRAPH, "api-version": "2019-08-01", "principal_id": DAEMON.object_id}, HEADER, 400),
        ({"resource": GRAPH, "api-version": "2019-08-01", "principal_id": IDENTITY.client_id}, HEADER, 400),
        ({"resource": GRAPH, "api-version": "2019-08-01", "client_id": IDENTITY.object_id}, HEADER, 400),
        ({"resource": GRAPH, "api-version": "2019-08-01", "mi_res_id": "/subscriptions/other"}, HEADER, 400),
        (
            {
                "resource": GRAPH,
                "api-version": "2019-08-01",
                "client_id": IDENTITY.client_id,
                "principal_id": IDENTITY.object_id,
            },
            HEADER,
            400,
        ),
        ({"resource": "https://nobody.example", "api-version": "2019-08-01"}, HEADER, 400),
    ],
)
async def test_the_identity_endpoint_refuses_what_app_service_refuses(
    running: Running, query: dict[str, str], header: str, status: int
) -> None:
    url = f"{running.base}/msi/token"
    async with running.http.get(url, params=query, headers={"X-IDENTITY-HEADER": header}) as answer:
        assert answer.status == status
        assert "access_token" not in await answer.json()
