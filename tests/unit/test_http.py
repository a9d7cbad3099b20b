"""Routes: a path reaches its operation, nobody without a token gets past, and a signature is filled in."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_type_hints

import azure.functions as func
import pytest

from functions import http, workers
from functions.answers import Accepted, CsvFile, SeeOther, Tagged, answers_of, response
from functions.arguments import Body, Call, Continuation, DryRun, Page, paged
from functions.http import ROUTES, Route, Routes
from local.host.routes import Template
from shared import wiring
from shared.audits.schemas import Policy
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import GroupId
from shared.core.reasons import Reason
from shared.http.openapi import ANYBODY, SIGNED_IN
from shared.membership.model.access import Action
from tests.builders import OWNER

assert workers.PUBLIC, "importing the modules declares the routes"
GUID = "5a000000-0000-4000-8000-000000000001"


def path_of(route: Route) -> str:
    """With what is in braces filled in."""
    parts = [GUID if part.startswith("{") else part for part in route.path.split("/")]
    return "/".join(parts)


def request(
    method: str = "GET",
    path: str = "/api/x",
    /,
    *,
    params: dict[str, str] | None = None,
    body: bytes = b"",
    **more: Any,
) -> func.HttpRequest:
    return func.HttpRequest(
        method, f"https://guests.example{path}", params=params or {}, body=body, route_params=more
    )


class Callers:
    def __init__(self, *roles: str) -> None:
        self.roles = roles

    async def authenticate(self, authorization: str | None) -> Caller:
        if not self.roles:
            raise Refused(Reason.TOKEN_MISSING)
        return Caller(OWNER, "Olivia", frozenset(self.roles), is_app=False)


class App:
    """One that knows its callers and nothing else."""

    def __init__(self, *roles: str) -> None:
        self.callers = Callers(*roles)


@pytest.fixture
def kept() -> Iterator[None]:
    """What a test declares is gone after it."""
    before = list(ROUTES)
    yield
    ROUTES[:] = before


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    made = App()

    async def of_process() -> App:
        return made

    monkeypatch.setattr(wiring, "app", of_process)
    return made


# From a path to an operation


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
@pytest.mark.parametrize(
    "change", [str, str.upper, lambda path: f"{path.rstrip('/')}/"], ids=["as-is", "upper", "slash"]
)
async def test_a_path_reaches_its_operation_and_no_other(route: Route, change: Any) -> None:
    reached = []

    def recorder(of: Route) -> http.Run:
        async def run(req: func.HttpRequest) -> func.HttpResponse:
            reached.append(of.name)
            return func.HttpResponse()

        return run

    path = change(path_of(route))
    for template, routes in http.functions_of(ROUTES).items():
        values = Template.parse(template).match(path)
        if values is None or route.method not in {each.method for each in routes}:
            continue
        recording = [replace(each, run=recorder(each)) for each in routes]
        dispatch = http.dispatcher("f", template, recording)
        await dispatch(func.HttpRequest(route.method, path, body=b"", route_params=values))

    assert reached == [route.name]


def test_there_are_at_most_75_functions_with_all_that_listen_to_queues() -> None:
    import function_app

    assert len(function_app.app.get_functions()) <= 75


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("/api/stop", "stop"),
        ("/api/apps/{appId}", "apps_app"),
        ("/api/groups/{groupId}/imports/{importId}/{part}", "groups_group_imports_import_part"),
    ],
)
def test_a_function_with_several_operations_is_named_by_its_path(template: str, name: str) -> None:
    assert http.name_of(template) == name


@pytest.mark.parametrize(("method", "part"), [("GET", "unknown"), ("GET", "mail-preview"), ("POST", "guests")])
async def test_what_no_operation_is_meant_by_is_not_found(method: str, part: str) -> None:
    template = "/api/groups/{groupId}/{part}"
    run = http.dispatcher("f", template, http.functions_of(ROUTES)[template])

    answer = await run(request(method, f"/api/groups/{GUID}/{part}", groupId=GUID, part=part))

    assert (answer.status_code, answer.get_body()) == (404, b"")


# Who gets past


@pytest.mark.parametrize("route", [r for r in ROUTES if r.operation], ids=lambda r: r.name)
async def test_nobody_without_a_token_reaches_an_operation_that_is_not_for_anybody(route: Route, app: App) -> None:
    assert route.operation is not None
    if route.operation.is_open:
        return
    body = json.dumps({"nobody": "reads it"}).encode()
    answer = await route.run(request(route.method, path_of(route), body=body))

    assert (answer.status_code, json.loads(answer.get_body())["reason"]) == (401, "token-missing")


def test_what_is_for_anybody_is_written_here() -> None:
    is_open = {each.id for each in http.operations() if each.is_open}

    assert is_open == {
        *("get_sign_in", "get_health", "get_ready", "list_problems", "get_problem", "get_openapi"),
        *("post_request", "verify_request"),
    }
    assert {r.name for r in ROUTES if r.operation is None} == {
        *("home", "portal_files", "get_docs", "get_docs_css", "page_style"),
        *("page_request", "page_request_sent", "page_request_state", "page_invite", "page_invitation"),
    }


async def test_a_caller_is_authenticated_where_the_handler_does_not_ask_for_one(app: App, kept: None) -> None:
    @Routes("app")("GET /api/x", SIGNED_IN)
    async def asks_for_nothing() -> dict[str, bool]:
        return {"reached": True}

    assert (await ROUTES[-1].run(request())).status_code == 401
    app.callers.roles = ("Admin",)
    assert json.loads((await ROUTES[-1].run(request())).get_body()) == {"reached": True}


async def test_what_a_caller_may_comes_before_the_body(app: App) -> None:
    app.callers.roles = ("Admin",)
    [stop] = [r for r in ROUTES if r.name == "post_stop"]

    answer = await stop.run(request("POST", "/api/stop", body=b"no json"))

    assert (answer.status_code, json.loads(answer.get_body())["reason"]) == (403, "not-admin")


def test_a_route_for_anybody_has_no_caller(kept: None) -> None:
    with pytest.raises(TypeError, match="caller"):

        @Routes("app")("GET /api/x", ANYBODY)
        async def asks_for_a_caller(caller: Caller) -> None: ...


def test_a_parameter_that_nothing_fills_in_is_refused_when_the_app_starts(kept: None) -> None:
    async def asks_for_more(unknown: int) -> None: ...

    async def takes_no_body(body: bytes) -> None: ...

    with pytest.raises(TypeError, match="unknown"):
        Routes("app")("GET /api/x", SIGNED_IN)(asks_for_more)
    with pytest.raises(TypeError, match="body"):
        Routes("app")("GET /api/x", SIGNED_IN)(takes_no_body)
    with pytest.raises(TypeError, match="unknown"):
        http.page("/x")(asks_for_more)


# What a handler gets


async def test_a_signature_is_filled_in_from_path_query_headers_and_body(app: App, kept: None) -> None:
    app.callers.roles = ("Admin",)
    got: list[Any] = []

    @Routes("app")("POST /api/x/{groupId}", Action.LIST_ALL_GROUPS, body=Body(Any, {}, bytes))  # type: ignore[arg-type]
    async def takes_all(
        req: func.HttpRequest, caller: Caller, body: bytes, group: GroupId, dry_run: DryRun, page: Continuation
    ) -> Accepted[dict[str, str]]:
        got.extend([req.method, caller.object_id, body, group, dry_run, page.continuation])
        return Accepted({"a": "b"}, "/there")

    asked = request("POST", params={"dryRun": "TRUE", "continuation": "x"}, body=b"{}", groupId=GUID.upper())
    answer = await ROUTES[-1].run(asked)

    assert got == ["POST", OWNER, b"{}", GUID, True, "x"]
    assert (answer.status_code, answer.headers["Location"], answer.get_body()) == (202, "/there", b'{"a":"b"}')


@pytest.mark.parametrize("route", [r for r in ROUTES if r.operation and r.operation.body], ids=lambda r: r.name)
def test_a_body_is_decoded_into_what_the_handler_says(route: Route) -> None:
    handler, body = route.handler, route.body
    wanted = inspect.signature(handler).parameters["body"].annotation
    assert body is not None

    made = body.model if body.decode is None else body.decode
    assert wanted == (made if isinstance(made, type) else get_type_hints(made)["return"])


@pytest.mark.parametrize("given", ["0", "101", "1.5", "-1", "many", "٣"])
def test_a_page_is_as_long_as_its_list_allows(given: str) -> None:
    source = paged(100, 20)

    assert source.read(Call(request())).limit == 20
    assert source.read(Call(request(params={"limit": "100"}))).limit == 100
    with pytest.raises(Refused) as refused:
        source.read(Call(request(params={"limit": given})))
    assert (refused.value.reason, refused.value.field) == (Reason.PARAMETER_INVALID, "limit")


def test_the_link_to_the_next_page_has_the_filters_of_this_one() -> None:
    page: Page = paged(100, 20).read(Call(request(params={"limit": "5", "state": "failed", "continuation": "a"})))

    assert page.next("/api/x", "b&c") == "/api/x?limit=5&state=failed&continuation=b%26c"
    assert page.next("/api/x", None) is None


# Names of the version before


async def test_an_old_path_and_an_old_name_are_answered_with_a_header(app: App, kept: None) -> None:
    app.callers = Callers("Auditor")

    @Routes("app")("PUT /api/new", SIGNED_IN, body=Body(Policy, {}), was="/api/old")
    async def put_policy(body: Policy) -> Policy:
        """Put it."""
        return body

    new, old = ROUTES[-2:]
    assert [(each.path, each.is_old) for each in (new, old)] == [("/api/new", False), ("/api/old", True)]
    assert [each.path for each in http.operations()][-1] == "/api/new"
    said = {}
    for route, body in ((new, b'{"maxGuests": 7}'), (new, b'{"mostGuests": 7}'), (old, b'{"maxGuests": 7}')):
        answer = await route.run(request("PUT", route.path, body=body))
        assert (answer.status_code, json.loads(answer.get_body())["maxGuests"]) == (200, 7)
        said[route.path, body] = answer.headers.get("Deprecation")
    assert said.pop(("/api/new", b'{"maxGuests": 7}')) is None
    assert set(said.values()) == {"@1795996800"}


async def test_a_refusal_has_the_header_as_well(app: App, kept: None) -> None:
    @Routes("app")("GET /api/new", SIGNED_IN, was="/api/old")
    async def get_it() -> dict[str, bool]:
        """Get it."""
        return {}

    answer = await ROUTES[-1].run(request("GET", "/api/old"))

    assert (answer.status_code, answer.headers["Deprecation"]) == (401, "@1795996800")


# What it answers


def test_answers_are_described_by_what_a_handler_returns() -> None:
    either = Tagged[int] | Accepted[str] | SeeOther  # as `inspect` gives it

    assert answers_of(either) == {200: int, 202: str, 303: None}
    assert answers_of(None) == {204: None}
    assert answers_of(CsvFile) == {200: "text/csv"}
    assert answers_of(dict[str, Any]) == {200: dict[str, Any]}


def test_a_piece_of_a_file_links_to_the_next() -> None:
    answer = response(CsvFile(b"a", "gäste.csv", "/api/x?continuation=b"))

    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''g%C3%A4ste.csv"
    assert answer.headers["Link"] == '</api/x?continuation=b>; rel="next"'
    assert response(None).status_code == 204
    assert response(Tagged({}, "t")).headers["ETag"] == '"t"'
    assert response(SeeOther("/x")).headers["Location"] == "/x"
