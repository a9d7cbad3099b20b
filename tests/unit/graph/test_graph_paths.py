"""Where Guestlist's token is sent: whatever a caller hands in, and whatever links the directory gives, a request lies
below what the call was for."""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import pytest
from azure.core.credentials import AccessToken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.addresses import parse_address
from shared.core.directory import LinkExpired
from shared.core.errors import Refused, Unavailable
from shared.core.ids import AppId, GroupId, UserId, group_id
from shared.graph import batch, paths
from shared.graph.app_directory import GraphAppDirectory
from shared.graph.batch import Part
from shared.graph.changes import GraphChanges
from shared.graph.directory import GraphDirectory
from shared.graph.guests import GraphGuestReader
from shared.graph.principals import GraphPrincipals
from shared.graph.session import GraphSession
from shared.mail.graph_mailbox import GraphMailbox
from shared.mail.ports import Mail
from shared.pace.pacing import Pace

BASE = "https://graph.microsoft.com/v1.0"
GROUP, OTHER = (f"60000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
KEY = bytes(range(32))
PACE = Pace(600, timedelta(minutes=1), 10)
MAIL = Mail("key", "ada@fabrikam.com", None, "Welcome", "Welcome!", "<p>Welcome!</p>")


class Credential:
    async def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken("token", 4_000_000_000)

    async def get_token_info(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken("token", 4_000_000_000)


class Wire:
    """Takes the place of the network: notes each address, parts of batches included, and answers everything."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.next_link: str | None = None
        self.location: str | None = None

    async def answer(self, _transport: object, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer token"
        self.seen.append(str(request.url))
        if self.location:
            location, self.location = self.location, None
            return httpx.Response(302, headers={"Location": location}, request=request)
        if request.url.path.endswith("/$batch"):
            parts = msgspec.json.decode(await request.aread())["requests"]
            self.seen += [BASE + part["url"] for part in parts]
            answers = [{"id": part["id"], "status": 200, "headers": {}, "body": self._body()} for part in parts]
            return httpx.Response(200, json={"responses": answers}, request=request)
        return httpx.Response(200, json=self._body(), request=request)

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"id": GROUP, "appId": GROUP, "value": [], "isDraft": True}
        link, self.next_link = self.next_link, None
        return body | (
            {"@odata.nextLink": link} if link else {"@odata.deltaLink": f"{BASE}/users/delta?$deltatoken=x"}
        )


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()

    async def answer(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await wire.answer(transport, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    return wire


@pytest.fixture
async def session(wire: Wire) -> AsyncIterator[GraphSession]:
    session = GraphSession(base_url=BASE, credential=Credential())  # type: ignore[arg-type]
    yield session
    await session.close()


async def key() -> bytes:
    return KEY


def hostile() -> st.SearchStrategy[str]:
    """Texts made of what resolves to another path somewhere."""
    pieces = st.sampled_from(
        ["..", ".", "/", "//", "\\", "%2e", "%2E%2e", "%2f", "%5c", "%252e", "%00", "?", "#", "&", "'", ")", "(", ";",
         "@", ":", "=", " ", "\t", "\n", "users", "members", "owners", "messages", "beta", "v1.0", GROUP, OTHER,
         "$skiptoken=x", "$expand=manager", BASE, "https://evil.example", "．．", "／", "ﬀ", "\udcff"]
    )  # fmt: skip
    return st.one_of(st.lists(pieces, max_size=12).map("".join), st.text(max_size=40))


def continuation() -> st.SearchStrategy[str]:
    """Hostile ones as they are, in base64, and behind a link that looks right."""
    below = hostile().map(lambda text: f"{BASE}/groups/{GROUP}/members{text}")
    plain = st.one_of(hostile(), below)
    return st.one_of(
        plain, plain.map(lambda text: base64.urlsafe_b64encode(text.encode(errors="ignore")).decode().rstrip("="))
    )


def links() -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), hostile(), hostile().map(lambda text: f"{BASE}{text}"))


def below(address: str, allowed: tuple[str, ...]) -> bool:
    """Whether an address lies below one of the paths, in any reading that a server may have of it."""
    assert address.startswith(f"{BASE}/")
    path = urlsplit(address).path
    for _ in range(3):
        assert not re.search(r"/\.{1,2}(/|$)|//|\\", path), path
        path = unquote(path)
    return any(path == f"/v1.0{a}" or path.startswith((f"/v1.0{a}/", f"/v1.0{a}(")) for a in allowed)


def an_id(text: str) -> GroupId:
    return group_id(text)


type Call = Callable[[GraphSession, str, str], Awaitable[object]]
BATCH = "/$batch"
DELTA = tuple(f"/{of}/{name}delta" for of in ("users", "groups") for name in ("", "microsoft.graph."))
GROUPS, USERS = ((BATCH, f"/{of}/{GROUP}", f"/{of}/{OTHER}") for of in ("groups", "users"))


def _user(text: str) -> UserId:
    return UserId(an_id(text))


CALLS: dict[str, tuple[Call, tuple[str, ...]]] = {
    "guests": (
        lambda s, a, b: GraphGuestReader(s, key, sign_ins=False).guests(GroupId(GROUP), a, b or None),
        (f"/groups/{GROUP}/members",),
    ),
    "search": (
        lambda s, a, b: GraphGuestReader(s, key, sign_ins=False).guests(GroupId(GROUP), None, a + b),
        (f"/groups/{GROUP}/members",),
    ),
    "guest": (
        lambda s, a, b: GraphGuestReader(s, key).guest(an_id(a), _user(b)),
        USERS,
    ),
    "group": (
        lambda s, a, b: GraphDirectory(s).read_group(an_id(a)),
        GROUPS,
    ),
    "owned": (lambda s, a, b: GraphGuestReader(s, key).owned_groups(_user(a)), USERS),
    "find": (lambda s, a, b: GraphDirectory(s).find([parse_address(a), parse_address(b)]), (BATCH, "/users")),
    "find one": (lambda s, a, b: GraphDirectory(s).find([parse_address(f"{a}@fabrikam.com")]), ("/users",)),
    "people": (lambda s, a, b: GraphAppDirectory(s).find_people([a, b]), (BATCH, "/users")),
    "app": (lambda s, a, b: GraphAppDirectory(s).app_by_id(AppId(a)), ("/servicePrincipals",)),
    "apps": (lambda s, a, b: GraphAppDirectory(s).apps_by_name(a, b), ("/servicePrincipals",)),
    "templates": (lambda s, a, b: GraphAppDirectory(s).find_templates(a), (BATCH, "/applicationTemplates")),
    "made group": (lambda s, a, b: GraphAppDirectory(s).find_group(a), ("/groups",)),
    "standing": (
        lambda s, a, b: GraphPrincipals(s, GROUP).standing([_user(a), _user(b)]),
        (BATCH, "/users", "/servicePrincipals"),
    ),
    "roles": (lambda s, a, b: GraphPrincipals(s, b).roles_of(_user(GROUP)), (BATCH, "/servicePrincipals", "/groups")),
    "users that changed": (
        lambda s, a, b: GraphChanges(s).users(a),
        DELTA,
    ),
    "members that changed": (
        lambda s, a, b: GraphChanges(s).members([GroupId(GROUP)], a),
        DELTA,
    ),
    "mail": (
        lambda s, a, b: GraphMailbox(s, OTHER, pace=PACE).dispatch([(a, MAIL)], again=True),
        (f"/users/{OTHER}/messages",),
    ),
}


@pytest.mark.parametrize("call", CALLS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(a=st.one_of(continuation(), st.sampled_from([GROUP, OTHER])), b=hostile(), link=links())
async def test_every_request_lies_below_what_its_call_was_for(
    wire: Wire, session: GraphSession, call: str, a: str, b: str, link: str | None
) -> None:
    wire.seen.clear()
    wire.next_link = link
    do, allowed = CALLS[call]

    with suppress(ValueError, Refused, Unavailable, LinkExpired):
        await do(session, a, b)

    for address in wire.seen:
        assert below(address, allowed), address


@pytest.mark.parametrize(
    "path",
    [
        "users", "", "/", "//users", "/users/", "/users//x", "/users/.", "/users/../groups", "/users/..",
        "/users/%2e%2e/x", "/users/.%2E", "/users/a%2fb", "/users/a%5cb", "/users/a\\b", "/users/a%252fb",
        "/users/a#b", "/users?x#y",
        "/users?$filter=a b", "/users\n", "/users/a%00", "/users/ä", "/users/%zz", "/users/%",
        "https://evil.example/users", "/users/a b", "/users/%0d%0a", "/users?\r\nX: y",
    ],
)  # fmt: skip
async def test_a_path_that_could_lead_elsewhere_is_not_sent(wire: Wire, session: GraphSession, path: str) -> None:
    with pytest.raises(Refused, match="asks for no such path"):
        await session.request("GET", path)
    with pytest.raises(Refused, match="asks for no such path"):
        await batch.send(session, [Part("GET", "/users"), Part("GET", path)])

    assert wire.seen == []


ASSIGNED = f"/servicePrincipals(appId='{GROUP}')/appRoleAssignedTo"
ASKED = f"/groups/{GROUP}/members/microsoft.graph.user?$select=id"


@pytest.mark.parametrize(
    ("asked", "link"),
    [
        (ASKED, f"/groups/{GROUP}/members/microsoft.graph.user?$select=id&$skiptoken=a'b%20c"),
        (ASKED, f"/groups('{GROUP}')/members/Microsoft.Graph.User?$skiptoken=x"),
        (ASKED, f"/Groups/{GROUP}/Members/user?$skiptoken=x y"),
        ("/users/delta?$select=id", "/users/delta?$deltatoken=x"),
        ("/users/delta?$select=id", "/users/microsoft.graph.delta()?$deltatoken=x"),
        (ASSIGNED, f"/servicePrincipals/{OTHER}/appRoleAssignedTo?$skiptoken=x"),
        (ASSIGNED, f"/servicePrincipals('{OTHER}')/appRoleAssignedTo?$skiptoken=x"),
    ],
)  # fmt: skip
def test_a_link_may_spell_the_same_in_another_way(asked: str, link: str) -> None:
    assert paths.followed(f"{BASE}{link}", BASE, asked).partition("?")[0] == link.partition("?")[0]


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}/groups/{OTHER}/members/microsoft.graph.user?$skiptoken=x",
        f"{BASE}/groups/{GROUP}/owners/microsoft.graph.user?$skiptoken=x",
        f"{BASE}/groups/{GROUP}/members?$skiptoken=x",
        f"{BASE}/groups/{GROUP}/members/microsoft.graph.user/x?$skiptoken=x",
        f"{BASE}/groups/{GROUP}/members/../members/microsoft.graph.user",
        f"{BASE}/users",
        f"{BASE}",
        f"https://graph.microsoft.com/beta/groups/{GROUP}/members/microsoft.graph.user",
        f"https://graph.microsoft.com/v1.00/groups/{GROUP}/members/microsoft.graph.user",
        f"https://graph.microsoft.com.evil.example/v1.0/groups/{GROUP}/members/microsoft.graph.user",
        f"https://evil@graph.microsoft.com/v1.0/groups/{GROUP}/members/microsoft.graph.user",
        f"https://graph.microsoft.com:444/v1.0/groups/{GROUP}/members/microsoft.graph.user",
        f"http://graph.microsoft.com/v1.0/groups/{GROUP}/members/microsoft.graph.user",
        f"/groups/{GROUP}/members/microsoft.graph.user",
        "https://[evil",
        "",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(wire: Wire, session: GraphSession, link: str) -> None:
    with pytest.raises(Refused):
        await session.follow(link, ASKED)

    assert wire.seen == []


@pytest.mark.parametrize("link", ["https://evil.example/users/delta", f"{BASE}/groups/delta?$deltatoken=x", "x"])
async def test_a_kept_link_that_leads_elsewhere_is_as_one_that_expired(
    wire: Wire, session: GraphSession, link: str
) -> None:
    with pytest.raises(LinkExpired):
        await GraphChanges(session).users(link)

    assert wire.seen == []


@pytest.mark.parametrize("to", ["https://evil.example/x", f"{BASE}/users"])
async def test_the_token_follows_no_redirection(wire: Wire, session: GraphSession, to: str) -> None:
    wire.location = to

    assert (await session.request("GET", f"/groups/{GROUP}")).status == 302
    assert wire.seen == [f"{BASE}/groups/{GROUP}"]


@pytest.mark.parametrize("name", ["..", "Trips/Costs", "../users", f"{GROUP}/instantiate"])
async def test_what_is_no_id_of_a_template_is_looked_for_by_name_alone(
    wire: Wire, session: GraphSession, name: str
) -> None:
    assert await GraphAppDirectory(session).find_templates(name) == []

    assert [a.partition("?")[0] for a in wire.seen] == [f"{BASE}/applicationTemplates"]
