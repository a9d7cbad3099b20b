"""Callers are known by a token that the issuer signed for this API, and by nothing else. The issuer is real HTTP."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession, web

from local.simulator.issuer import Client, Issuer, Person, add_routes
from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.identity.tokens import TokenCallers

TENANT = "11111111-1111-4111-8111-111111111111"
AUDIENCE = "aaaaaaaa-0000-4000-8000-000000000001"
OLIVIA = Person("AAAAAAAA-0000-4000-8000-00000000000F", "olivia.owner@contoso.com", "Olivia Owner", "pass-word")
ADMIN = Person(str(uuid.uuid4()), "adam.admin@contoso.com", "Adam Admin", "pass-word", ("Admin",))
GUS = Person(str(uuid.uuid4()), "gus@fabrikam.com", "Gus Guest", "pass-word", is_guest=True)
API = Client(AUDIENCE, str(uuid.uuid4()), "guestlist-api", None, optional_claims=("acct",))
CLI = Client("cli", str(uuid.uuid4()), "guestlist-cli", None)
OTHER = Client("9b1e5b5e-0000-4000-8000-0000000000aa", str(uuid.uuid4()), "somebody's app", None)
DAEMON = Client("daemon", str(uuid.uuid4()), "daemon", "secret", app_roles=("Inviter",))
POWERLESS = Client("powerless", str(uuid.uuid4()), "powerless", "secret")


class People:
    tenant_id = TENANT

    def find_person(self, username: str) -> Person | None:
        return next((p for p in (OLIVIA, ADMIN, GUS) if p.username == username), None)

    def find_client(self, client_id: str) -> Client | None:
        return next((c for c in (API, CLI, OTHER, DAEMON, POWERLESS) if c.client_id == client_id), None)

    def find_api(self, identifier: str) -> str | None:
        client = self.find_client(identifier)
        return None if client is None else client.client_id

    def managed_identity(self, name: str | None) -> Client | None:
        return None


@dataclass
class Running:
    issuer: Issuer
    base: str
    requests: list[str]

    def callers(self, **changes: Any) -> TokenCallers:
        wanted: dict[str, Any] = {
            "authority": self.base,
            "tenant_id": TENANT,
            "audience": AUDIENCE,
            "clients": {"cli"},
        }
        return TokenCallers(**(wanted | changes))

    def bearer(self, *, mint: dict[str, Any] | None = None, **claims: Any) -> str:
        good = self.issuer.person_claims(OLIVIA, "cli", AUDIENCE, "access_as_user", self.base)
        wanted = {k: v for k, v in (good | claims).items() if v is not None}
        return f"Bearer {self.issuer.mint(wanted, **(mint or {}))}"

    async def token(self, **form: str) -> str:
        async with (
            ClientSession() as http,
            http.post(f"{self.base}/{TENANT}/oauth2/v2.0/token", data=form) as answer,
        ):
            body = await answer.json()
            assert answer.status == 200, body
            return f"Bearer {body['access_token']}"


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    requests: list[str] = []

    @web.middleware
    async def count(request: web.Request, handler: Any) -> web.StreamResponse:
        requests.append(request.path)
        answer: web.StreamResponse = await handler(request)
        return answer

    app = web.Application(middlewares=[count])
    issuer = Issuer(People(), identity_header="header")
    add_routes(app, issuer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Running(issuer, f"http://127.0.0.1:{runner.addresses[0][1]}", requests)
    await runner.cleanup()


async def refused(callers: TokenCallers, header: str | None) -> Refused:
    with pytest.raises(Refused) as found:
        await callers.authenticate(header)
    return found.value


async def test_a_person_is_known_by_their_token(running: Running) -> None:
    header = await running.token(
        grant_type="password",
        client_id="cli",
        username=OLIVIA.username,
        password="pass-word",
        scope=f"openid api://{AUDIENCE}/access_as_user",
    )

    caller = await running.callers().authenticate(header)

    assert (caller.object_id, caller.name, caller.is_app) == (OLIVIA.object_id.lower(), "Olivia Owner", False)
    assert caller.roles == frozenset()


async def test_app_roles_of_people_and_of_apps_are_read(running: Running) -> None:
    person = await running.callers().authenticate(
        await running.token(
            grant_type="password",
            client_id="cli",
            username=ADMIN.username,
            password="pass-word",
            scope=f"{AUDIENCE}/access_as_user",
        )
    )
    app = await running.callers().authenticate(
        await running.token(
            grant_type="client_credentials",
            client_id="daemon",
            client_secret="secret",
            scope=f"api://{AUDIENCE}/.default",
        )
    )

    assert (person.roles, person.is_app) == (frozenset({"Admin"}), False)
    assert (app.roles, app.is_app, app.object_id) == (frozenset({"Inviter"}), True, DAEMON.object_id)


async def test_an_app_without_a_role_is_refused(running: Running) -> None:
    header = await running.token(
        grant_type="client_credentials",
        client_id="powerless",
        client_secret="secret",
        scope=f"{AUDIENCE}/.default",
    )

    assert (await refused(running.callers(), header)).reason is Reason.TOKEN_INVALID


async def token_of(running: Running, person: Person, client: Client = CLI) -> str:
    """A person's token, got with an application."""
    return await running.token(
        grant_type="password",
        client_id=client.client_id,
        username=person.username,
        password="pass-word",
        scope=f"{AUDIENCE}/access_as_user",
    )


async def test_an_application_that_is_not_listed_may_not_act_for_a_person(running: Running) -> None:
    header = await token_of(running, ADMIN, OTHER)

    found = await refused(running.callers(), header)

    assert found.reason is Reason.CLIENT_NOT_ALLOWED
    assert OTHER.client_id in str(found)
    assert "GUESTLIST_CLIENTS" in str(found)
    caller = await running.callers(clients={"cli", OTHER.client_id}).authenticate(header)
    assert (caller.object_id, caller.client) == (ADMIN.object_id, OTHER.client_id)


@pytest.mark.parametrize("azp", [None, "", "CLI2", f"{OTHER.client_id} "])
async def test_a_persons_token_that_names_no_listed_application_is_refused(running: Running, azp: str | None) -> None:
    found = await refused(running.callers(), running.bearer(azp=azp))

    assert found.reason is Reason.CLIENT_NOT_ALLOWED


async def test_an_id_of_an_application_counts_in_any_case(running: Running) -> None:
    assert await running.callers().authenticate(running.bearer(azp="CLI"))


async def test_an_app_that_calls_for_itself_is_listed_by_its_role(running: Running) -> None:
    header = await running.token(
        grant_type="client_credentials",
        client_id="daemon",
        client_secret="secret",
        scope=f"{AUDIENCE}/.default",
    )

    caller = await running.callers(clients=set()).authenticate(header)

    assert (caller.is_app, caller.client) == (True, "daemon")


async def test_a_guest_is_refused_unless_guests_are_let_in(running: Running) -> None:
    header = await token_of(running, GUS)

    assert (await refused(running.callers(), header)).reason is Reason.GUEST_CALLER
    assert (await running.callers(guests=True).authenticate(header)).object_id == GUS.object_id


@pytest.mark.parametrize("acct", [1, "1", 2, True, False, "", [0], 0.5])
async def test_whoever_is_not_said_to_be_a_member_is_refused(running: Running, acct: Any) -> None:
    assert (await refused(running.callers(), running.bearer(acct=acct))).reason is Reason.GUEST_CALLER


async def test_a_token_that_does_not_say_who_is_a_guest_is_refused_with_what_is_missing(running: Running) -> None:
    found = await refused(running.callers(), running.bearer(acct=None))

    assert found.reason is Reason.GUEST_CALLER
    assert "optional claim acct" in str(found)
    assert await running.callers(guests=True).authenticate(running.bearer(acct=None))


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer a b", "Bearer " + "x" * 20_000])
async def test_no_bearer_token_is_nobody(running: Running, header: str | None) -> None:
    assert (await refused(running.callers(), header)).reason is Reason.TOKEN_MISSING


@pytest.mark.parametrize(
    ("mint", "claims"),
    [
        ({"lifetime_s": -120}, {}),
        ({"key": "unknown"}, {}),
        ({"key": "other"}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": "RS512"}, {}),
        ({}, {"nbf": 4_000_000_000}),
        ({}, {"aud": "somebody-else"}),
        ({}, {"aud": f"api://{AUDIENCE}"}),
        ({}, {"aud": [AUDIENCE, "somebody-else"]}),
        ({}, {"iss": "https://login.microsoftonline.com/other/v2.0"}),
        ({}, {"tid": "99999999-1111-4111-8111-111111111111"}),
        ({}, {"tid": None}),
        ({}, {"oid": None}),
        ({}, {"ver": "1.0"}),
        ({}, {"scp": "something_else"}),
        ({}, {"scp": None}),
        ({}, {"idtyp": "app"}),
        ({}, {"scp": None, "roles": "Admin"}),
    ],
    ids=str,
)
async def test_a_token_that_is_wrong_in_one_way_is_refused(
    running: Running, mint: dict[str, Any], claims: dict[str, Any]
) -> None:
    callers = running.callers()
    assert await callers.authenticate(running.bearer())

    header = running.bearer(mint=mint, **claims)

    found = await refused(callers, header)
    assert found.reason is Reason.TOKEN_INVALID
    assert header.removeprefix("Bearer ") not in str(found)


async def test_the_issuers_new_key_is_fetched_when_a_token_names_it(running: Running) -> None:
    callers = running.callers(fetch_every_s=0)
    old = running.bearer()
    await callers.authenticate(old)

    running.issuer.keys.rotate()

    assert await callers.authenticate(running.bearer())
    assert await callers.authenticate(old)


async def test_made_up_keys_do_not_make_us_ask_the_issuer_again_and_again(running: Running) -> None:
    callers = running.callers()
    await callers.authenticate(running.bearer())
    before = len(running.requests)

    for _ in range(5):
        await refused(callers, running.bearer(mint={"key": "unknown"}))

    assert len(running.requests) == before


async def test_where_the_issuer_cannot_be_reached_the_answer_says_so(running: Running) -> None:
    callers = running.callers(authority="http://127.0.0.1:9")

    assert (await refused(callers, running.bearer())).reason is Reason.ISSUER_UNREACHABLE
