"""Callers by their access token, examined against the issuer over HTTP."""

import asyncio
import base64
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from aiohttp import web

from local.simulator.issuer import Client, Issuer, Person, add_routes
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.identity.tokens import TokenCallers

TENANT = "0aaf1c8e-6f4d-4c3c-9f3c-6d5f3d9c1a01"
OTHER_TENANT = "0aaf1c8e-6f4d-4c3c-9f3c-6d5f3d9c1a02"
AUDIENCE = "7d0f7b52-0a3b-4f0e-9f55-0a3c5b9e1b10"
OLIVIA = Person("A1B2C3D4-0000-4000-8000-000000000001", "olivia@contoso.com", "Olivia Owner", "pw", ("Auditor",))
ROBOT = Client(
    "c0000000-0000-4000-8000-000000000001",
    "c0000000-0000-4000-8000-0000000000ff",
    "Robot",
    "s",
    app_roles=("Inviter",),
)
API = Client(AUDIENCE, "7d0f7b52-0a3b-4f0e-9f55-0a3c5b9e1bff", "Guestlist", None, optional_claims=("acct",))


class Tenant:
    tenant_id = TENANT

    def find_person(self, username: str) -> Person | None:
        return OLIVIA if username == OLIVIA.username else None

    def find_client(self, client_id: str) -> Client | None:
        return next((c for c in (ROBOT, API) if c.client_id == client_id), None)

    def find_api(self, identifier: str) -> str | None:
        client = self.find_client(identifier)
        return None if client is None else client.client_id

    def managed_identity(self, name: str | None) -> Client | None:
        return None


@dataclass
class Service:
    """The issuer on a port of its own, which can be stopped and started again."""

    issuer: Issuer
    asked: Counter[str] = field(default_factory=Counter)
    configuration: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        @web.middleware
        async def count(request: web.Request, handler: Any) -> web.StreamResponse:
            self.asked[request.path.rpartition("/")[2]] += 1
            if self.configuration and request.path.endswith("openid-configuration"):
                return web.json_response(self.configuration)
            answer: web.StreamResponse = await handler(request)
            return answer

        app = web.Application(middlewares=[count])
        add_routes(app, self.issuer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def person(self, **changes: Any) -> dict[str, Any]:
        return self.issuer.person_claims(OLIVIA, ROBOT.client_id, AUDIENCE, "access_as_user", self.url) | changes

    def app(self, **changes: Any) -> dict[str, Any]:
        return self.issuer.app_claims(ROBOT, AUDIENCE, self.url) | {"roles": ["Inviter"]} | changes

    def callers(self, fetch_every_s: float = 30) -> TokenCallers:
        return TokenCallers(
            authority=self.url,
            tenant_id=TENANT,
            audience=AUDIENCE,
            clients={ROBOT.client_id},
            fetch_every_s=fetch_every_s,
        )


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(Tenant(), identity_header="secret")


@pytest.fixture
async def service(issuer: Issuer) -> AsyncIterator[Service]:
    running = Service(issuer)
    await running.start()
    yield running
    await running.stop()


async def refusal(callers: TokenCallers, authorization: str | None) -> Refused:
    with pytest.raises(Refused) as caught:
        await callers.authenticate(authorization)
    return caught.value


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in claims.items() if k != name}


async def test_a_person_is_known_by_their_token(service: Service) -> None:
    caller = await service.callers().authenticate(f"Bearer {service.issuer.mint(service.person())}")

    assert caller == Caller(
        UserId(OLIVIA.object_id.lower()), "Olivia Owner", frozenset({"Auditor"}), False, ROBOT.client_id
    )


async def test_an_app_is_known_by_its_token_and_its_role(service: Service) -> None:
    caller = await service.callers().authenticate(f"Bearer {service.issuer.mint(service.app())}")

    assert caller == Caller(UserId(ROBOT.object_id), "", frozenset({"Inviter"}), True, ROBOT.client_id)


PASSWORD = {"grant_type": "password", "username": OLIVIA.username, "password": OLIVIA.password}


@pytest.mark.parametrize(
    ("form", "caller"),
    [
        (PASSWORD | {"scope": f"api://{AUDIENCE}/access_as_user"}, OLIVIA.object_id.lower()),
        ({"grant_type": "client_credentials", "scope": f"api://{AUDIENCE}/.default"}, ROBOT.object_id),
    ],
)
async def test_a_token_from_the_token_endpoint_is_taken(service: Service, form: dict[str, str], caller: str) -> None:
    client = {"client_id": ROBOT.client_id, "client_secret": ROBOT.secret}
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{service.url}/{TENANT}/oauth2/v2.0/token", data=form | client)

    assert (await service.callers().authenticate(f"Bearer {answer.json()['access_token']}")).object_id == caller


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_may_be_written_in_any_case(service: Service, scheme: str) -> None:
    assert await service.callers().authenticate(f"{scheme} {service.issuer.mint(service.person())}")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic b2xpdmlhOnB3", "Bearer a.b.c d.e.f", "Bearer a.b.c, Bearer d.e.f"],
)
async def test_a_header_without_exactly_one_bearer_token_is_nobody(service: Service, header: str | None) -> None:
    assert (await refusal(service.callers(), header)).reason is Reason.TOKEN_MISSING


async def test_a_header_too_long_to_be_a_token_is_not_looked_at(service: Service) -> None:
    token = service.issuer.mint(service.person(padding="x" * 20_000))

    assert (await refusal(service.callers(), f"Bearer {token}")).reason is Reason.TOKEN_MISSING
    assert not service.asked


type Forge = Callable[[Service], str]
WRONG: dict[str, Forge] = {
    "nonsense": lambda s: "nonsense",
    "not signed": lambda s: s.issuer.mint(s.person(), alg="none"),
    "not signed, with the current key's id": lambda s: s.issuer.mint(
        s.person(), alg="none", headers={"kid": s.issuer.keys.current.kid}
    ),
    "signed with a secret": lambda s: s.issuer.mint(s.person(), alg="HS256"),
    "signed with RS512": lambda s: s.issuer.mint(s.person(), alg="RS512"),
    "signed with PS256": lambda s: s.issuer.mint(s.person(), alg="PS256"),
    "signed by another key under a known id": lambda s: s.issuer.mint(s.person(), key="other"),
    "signed by a key nobody publishes": lambda s: s.issuer.mint(s.person(), key="unknown"),
    "a key's id that is no text": lambda s: _forged_header(s, kid=7),
    "no key's id": lambda s: _forged_header(s),
    "a header nested without end": lambda s: f"{_b64('[' * 9000)}.e30.e30",
    "a header that is no text": lambda s: "__8.e30.e30",
    "a critical extension nobody knows": lambda s: s.issuer.mint(s.person(), headers={"crit": ["x"], "x": 1}),
    "the public key as a secret": lambda s: _signed_with_public_key(s),
    "its key in its own header": lambda s: s.issuer.mint(
        s.person(), key="unknown", headers={"jwk": s.issuer.keys.published()["keys"][0], "jku": s.url}
    ),
    "changed after signing": lambda s: _changed(s.issuer.mint(s.person()), {"oid": ROBOT.object_id}),
    "another audience": lambda s: s.issuer.mint(s.person(aud="https://graph.microsoft.com")),
    "several audiences": lambda s: s.issuer.mint(s.person(aud=[AUDIENCE, "https://graph.microsoft.com"])),
    "the audience as an address": lambda s: s.issuer.mint(s.person(aud=f"api://{AUDIENCE}")),
    "another issuer": lambda s: s.issuer.mint(s.person(iss=f"https://sts.windows.net/{TENANT}/")),
    "the issuer of another tenant": lambda s: s.issuer.mint(s.person(iss=f"{s.url}/{OTHER_TENANT}/v2.0")),
    "the issuer with a slash": lambda s: s.issuer.mint(s.person(iss=f"{s.url}/{TENANT}/v2.0/")),
    "another tenant": lambda s: s.issuer.mint(s.person(tid=OTHER_TENANT)),
    "another version": lambda s: s.issuer.mint(s.person(ver="1.0")),
    "expired": lambda s: s.issuer.mint(s.person(), lifetime_s=-120),
    "not valid yet": lambda s: s.issuer.mint(s.person(nbf=int(time.time()) + 300)),
    "issued in the future": lambda s: s.issuer.mint(s.person(iat=int(time.time()) + 300)),
    "no scope of ours": lambda s: s.issuer.mint(s.person(scp="User.Read profile")),
    "a scope that is like ours": lambda s: s.issuer.mint(s.person(scp="access_as_user2")),
    "a scope that is no text": lambda s: s.issuer.mint(s.person(scp=["access_as_user"])),
    "roles that are no list": lambda s: s.issuer.mint(s.person(roles="Admin")),
    "an app without a role": lambda s: s.issuer.mint(s.app(roles=[])),
    "an app and a person at once": lambda s: s.issuer.mint(s.person(idtyp="app")),
    "a person's ID token": lambda s: s.issuer.mint(without(s.person(nonce="n", roles=["Admin"]), "scp")),
    "an ID token as Entra makes it": lambda s: s.issuer.mint(
        {k: v for k, v in s.person(sub="pairwise", roles=["Admin"]).items() if k not in ("scp", "azp")}
    ),
    "nobody's object id": lambda s: s.issuer.mint(s.person(oid="")),
    "an object id that is no text": lambda s: s.issuer.mint(s.person(oid=7)),
}
REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "tid", "oid", "ver"]


@pytest.mark.parametrize("kind", WRONG)
async def test_a_token_that_is_not_right_in_every_respect_is_refused(service: Service, kind: str) -> None:
    token = WRONG[kind](service)

    refused = await refusal(service.callers(), f"Bearer {token}")

    assert refused.reason is Reason.TOKEN_INVALID
    assert token not in str(refused)
    assert OLIVIA.username not in str(refused)


@pytest.mark.parametrize("claim", REQUIRED)
async def test_a_token_without_a_required_claim_is_refused(service: Service, claim: str) -> None:
    now = int(time.time())
    claims = without({"iat": now, "nbf": now, "exp": now + 60} | service.person(), claim)
    current = service.issuer.keys.current
    token = jwt.encode(claims, current.private, algorithm="RS256", headers={"kid": current.kid})

    assert (await refusal(service.callers(), f"Bearer {token}")).reason is Reason.TOKEN_INVALID


async def test_clocks_may_differ_by_less_than_a_minute(service: Service) -> None:
    callers = service.callers()

    assert await callers.authenticate(f"Bearer {service.issuer.mint(service.person(), lifetime_s=-20)}")
    assert await callers.authenticate(f"Bearer {service.issuer.mint(service.person(nbf=int(time.time()) + 20))}")


async def test_after_a_rotation_tokens_of_both_keys_are_taken(service: Service) -> None:
    callers = service.callers(fetch_every_s=0)
    before = service.issuer.mint(service.person())
    await callers.authenticate(f"Bearer {before}")

    service.issuer.keys.rotate()
    after = service.issuer.mint(service.person())

    assert await callers.authenticate(f"Bearer {after}")
    assert await callers.authenticate(f"Bearer {before}")


async def test_keys_are_fetched_once_for_many_callers_at_one_time(service: Service) -> None:
    callers = service.callers()
    token = service.issuer.mint(service.person())

    await asyncio.gather(*(callers.authenticate(f"Bearer {token}") for _ in range(20)))

    assert service.asked == {"openid-configuration": 1, "keys": 1}


async def test_made_up_key_ids_do_not_make_us_ask_the_issuer_each_time(service: Service) -> None:
    callers = service.callers(fetch_every_s=60)
    await callers.authenticate(f"Bearer {service.issuer.mint(service.person())}")

    for _ in range(20):
        token = service.issuer.mint(service.person(), headers={"kid": uuid.uuid4().hex})
        assert (await refusal(callers, f"Bearer {token}")).reason is Reason.TOKEN_INVALID

    assert service.asked["keys"] == 1


async def test_known_keys_stay_good_while_the_issuer_is_down(service: Service) -> None:
    callers = service.callers(fetch_every_s=0)
    token = service.issuer.mint(service.person())
    await callers.authenticate(f"Bearer {token}")

    await service.stop()
    unknown = service.issuer.mint(service.person(), key="unknown")

    assert (await refusal(callers, f"Bearer {unknown}")).reason is Reason.TOKEN_INVALID
    assert await callers.authenticate(f"Bearer {token}")


async def test_an_issuer_never_reached_is_no_fault_of_the_caller(service: Service) -> None:
    token = service.issuer.mint(service.person())
    callers = service.callers(fetch_every_s=0)
    await service.stop()

    assert (await refusal(callers, f"Bearer {token}")).reason is Reason.ISSUER_UNREACHABLE

    await service.start()
    assert await callers.authenticate(f"Bearer {token}")


@pytest.mark.parametrize("wrong", ["issuer", "jwks_uri", "both"])
async def test_keys_of_another_issuer_or_host_are_not_fetched(service: Service, wrong: str) -> None:
    good = f"{service.url}/{TENANT}"
    service.configuration = {
        "issuer": f"{good}/v2.0" if wrong == "jwks_uri" else "https://evil.example/v2.0",
        "jwks_uri": f"{good}/discovery/v2.0/keys" if wrong == "issuer" else "http://localhost:1/keys",
    }
    token = service.issuer.mint(service.person())

    assert (await refusal(service.callers(), f"Bearer {token}")).reason is Reason.ISSUER_UNREACHABLE
    assert service.asked == {"openid-configuration": 1}


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _forged_header(service: Service, **header: Any) -> str:
    _, payload, signature = service.issuer.mint(service.person()).split(".")
    return f"{_b64(json.dumps({'alg': 'RS256', 'typ': 'JWT'} | header))}.{payload}.{signature}"


def _changed(token: str, claims: dict[str, Any]) -> str:
    header, payload, signature = token.split(".")
    old = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{_b64(json.dumps(old | claims))}.{signature}"


def _signed_with_public_key(service: Service) -> str:
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    current = service.issuer.keys.current
    pem = current.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = service.issuer.mint(service.person()).split(".")
    signed = f"{_b64(json.dumps({'alg': 'HS256', 'kid': current.kid}))}.{payload}"
    signature = base64.urlsafe_b64encode(hmac.new(pem, signed.encode(), hashlib.sha256).digest())
    return f"{signed}.{signature.rstrip(b'=').decode()}"
