"""HTTP triggers, over HTTP (checklist 3)."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import HostProcess

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@dataclass(frozen=True)
class Raw:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def raw(served: HostProcess, request: str) -> Raw:
    """Sends what is written and reads until the host closes the connection."""
    with socket.create_connection(("127.0.0.1", served.ready["port"]), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
        assert not connection.recv(1)
        return Raw(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def get(served: HostProcess, path: str, **more: Any) -> dict[str, Any]:
    response = served.http.get(f"/v1/api/{path}", **more)
    assert response.status_code == 200, response.text
    seen: dict[str, Any] = response.json()
    return seen


@pytest.mark.parametrize(
    ("path", "function", "route"),
    [
        ("items/special", "a_special_item", {}),
        ("items/SPECIAL", "a_special_item", {}),
        ("items/special/", "a_special_item", {}),
        ("items/sp%65cial", "a_special_item", {}),
        ("items/./other/../special", "a_special_item", {}),
        ("items/shadowed", "item", {"id": "shadowed"}),
        (f"items/{GUID}", "item", {"id": GUID}),
        ("items/other", "item", {"id": "other"}),
        ("items/a%20b%2Fc%2fd%C3%A9%E9", "item", {"id": "a b%2Fc%2fdé%E9"}),
        ("items/a/b/c", "wide_item", {"path": "a/b/c"}),
        ("items/a/b%2Fc/", "wide_item", {"path": "a/b%2Fc/"}),
        ("items", "wide_item", {}),
        ("pages/3/20", "page", {"page": "3", "size": "20"}),
        ("by-setting/here", "any_method", {}),
    ],
)
def test_the_function_whose_name_comes_first_takes_the_request(
    served: HostProcess, path: str, function: str, route: dict[str, str]
) -> None:
    # Not through httpx: it normalises paths before it sends them.
    answer = raw(served, f"GET /v1/api/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert (seen["function"], seen["route"]) == (function, route)


@pytest.mark.parametrize("path", ["/v1/api/nothing", "/v1/api/pages/0", "/v1/api/pages/x", "/api/echo", "/echo"])
def test_a_path_no_template_fits_is_not_found(served: HostProcess, path: str) -> None:
    assert served.http.get(path).status_code == 404


def test_functions_with_one_template_are_told_apart_by_method(served: HostProcess) -> None:
    assert served.http.delete("/v1/api/items/7").json()["function"] == "change_item"
    assert get(served, "items/7")["function"] == "item"


def test_a_method_no_function_takes_is_not_found(served: HostProcess) -> None:
    for answer in (served.http.patch("/v1/api/items/7"), served.http.get("/v1/api/only-post")):
        assert (answer.status_code, answer.content, answer.headers.get("Allow")) == (404, b"", None)


def test_head_is_no_get(served: HostProcess) -> None:
    assert served.http.head("/v1/api/echo").status_code == 404


def test_head_sends_no_body_where_a_function_takes_every_method(served: HostProcess) -> None:
    response = served.http.head("/v1/api/by-setting/here")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["X-Function"] == "any_method"


def test_a_function_without_methods_takes_all(served: HostProcess) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        response = served.http.request(method, "/v1/api/by-setting/here")
        assert response.json()["method"] == method


def test_repeated_headers_and_query_parameters_arrive_joined(served: HostProcess) -> None:
    assert get(served, "echo?a=1&z")["query"] == {"a": "1"}
    seen = get(
        served,
        "echo",
        params=[("q", "1"), ("q", "2"), ("empty", ""), ("last", "é")],
        headers=[("X-Many", "a"), ("x-many", "b"), ("X-One", "c")],
    )
    assert seen["query"] == {"q": "1,2", "last": "é"}
    assert seen["headers"]["x-many"] == "a,b"
    assert seen["headers"]["x-one"] == "c"
    assert seen["url"] == f"{served.ready['url']}/v1/api/echo?q=1&q=2&empty=&last=%C3%A9"


def test_a_binary_body_arrives_unchanged(served: HostProcess) -> None:
    body = bytes(range(256)) * 20_000
    response = served.http.post("/v1/api/echo", content=body)
    assert base64.b64decode(response.json()["body"]) == body


def test_a_body_over_the_limit_is_an_error_at_once_and_ends_the_connection(served: HostProcess) -> None:
    # Nothing of the body is sent: the host answers by the length alone.
    head = "POST /v1/api/only-post HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    answer = raw(served, head.format(length=100 * 1024 * 1024 + 1))
    assert (answer.status, answer.body) == (500, b"")


def test_the_limit_of_bodies_is_a_setting(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SLOW), {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10"})
    assert host.http.request("GET", "/api/wait?for=0", content=b"x" * 10).text == "done"
    assert host.http.request("GET", "/api/wait?for=0", content=b"x" * 11).status_code == 500
    assert "The max request body size is 10 bytes." in host.output


def test_a_limit_of_bodies_that_is_no_number_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SLOW), {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10 MB"}, ready=False)
    assert host.wait_for_exit() == 1
    assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is '10 MB': a number of bytes is expected." in host.output


def test_an_answer_with_cookies_is_refused_for_they_would_not_be_sent(served: HostProcess) -> None:
    response = served.http.get("/v1/api/cookie")
    assert (response.status_code, response.content) == (500, b"")
    assert "the answer sets cookies, which this host does not send" in served.output


def test_a_body_without_a_length_does_not_reach_the_function(served: HostProcess) -> None:
    chunks = iter([b"a", b"b"])
    assert served.http.post("/v1/api/only-post", content=chunks).json()["body"] == ""
    assert "POST /v1/api/only-post: a body without Content-Length does not reach the function." in served.output


def test_answers_come_in_chunks_and_say_no_length(served: HostProcess) -> None:
    headers = served.http.get("/v1/api/plain").headers
    assert (headers.get("Transfer-Encoding"), headers.get("Content-Length")) == ("chunked", None)
    assert served.http.get("/v1/api/nothing").headers["Content-Length"] == "0"


@pytest.mark.parametrize(("value", "status"), [("Bern ~", 200), ("Zürich", 500), ("a\x07b", 500)])
def test_a_header_that_is_not_ascii_text_cannot_be_sent(served: HostProcess, value: str, status: int) -> None:
    assert served.http.get("/v1/api/header", params={"bytes": value.encode().hex()}).status_code == status


def test_status_and_binary_answers_reach_the_caller(served: HostProcess) -> None:
    response = served.http.get("/v1/api/binary")
    assert (response.status_code, response.content) == (201, b"\x00\xff")
    assert response.headers["Content-Type"] == "application/octet-stream"


def test_a_returned_text_is_a_plain_answer(served: HostProcess) -> None:
    response = served.http.get("/v1/api/plain")
    assert (response.text, response.headers["Content-Type"]) == ("just a text", "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", ["broken", "wrong-return"])
def test_a_failing_handler_is_a_500_that_tells_nothing(served: HostProcess, path: str) -> None:
    response = served.http.get(f"/v1/api/{path}")
    assert (response.status_code, response.content) == (500, b"")


def test_the_developer_sees_what_the_caller_does_not(served: HostProcess) -> None:
    served.http.get("/v1/api/broken")
    assert "ValueError: a secret of the app" in served.output
    assert re.search(r"Executed 'Functions\.broken' \(Failed, Id=[0-9a-f-]{36}, Duration=\d+ms\)", served.output)


def test_the_callers_trace_goes_on_in_the_handler(served: HostProcess) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert get(served, "echo", headers={"traceparent": parent})["trace"] == parent


@pytest.mark.parametrize("given", [None, "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
def test_a_request_without_a_valid_trace_begins_one(served: HostProcess, given: str | None) -> None:
    headers = {"traceparent": given} if given else {}
    traces = {get(served, "echo", headers=headers)["trace"] for _ in range(2)}
    assert len(traces) == 2
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace) for trace in traces)


def test_the_root_is_the_hosts_own_page(served: HostProcess) -> None:
    answer = served.http.get("/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert "Your Azure Function App is up and running" in answer.text


def test_the_hosts_page_can_be_switched_off(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SLOW), {"AzureWebJobsDisableHomepage": "True"})
    answer = host.http.get("/")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_function_on_the_root_answers_instead_of_the_hosts_page(make_app: MakeApp, start_host: StartHost) -> None:
    own = """
@app.route("/", methods=["GET"])
async def root(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("my own")
"""
    host = start_host(make_app(own, host_json=NO_PREFIX))
    assert host.http.get("/").text == "my own"
    assert "up and running" in host.http.post("/").text


SLOW = """
@app.route("wait", methods=["GET"])
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    note("began")
    await asyncio.sleep(float(req.params["for"]))
    note("ended")
    return func.HttpResponse("done")

@app.route("other")
async def other(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")

@app.route("/admin/mine")
async def mine(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never")
"""
NO_PREFIX = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'


def test_a_caller_gets_502_when_the_answer_takes_too_long_and_the_function_goes_on(
    make_app: MakeApp, start_host: StartHost
) -> None:
    host = start_host(make_app(SLOW), arguments=["--answer-seconds", "0.5"])
    assert host.http.get("/api/wait?for=2").status_code == 502
    assert not host.records("ended")
    host.wait_for_records("ended", 1)
    assert host.http.get("/api/wait?for=0").text == "done"


def test_without_a_key_administration_is_closed(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SLOW, host_json=NO_PREFIX))
    assert host.http.post("/admin/functions/wait", json={"input": ""}).status_code == 401
    assert host.http.get("/admin/nothing", params={"code": "any"}).status_code == 401
    assert host.http.get("/admin/nothing").status_code == 401
    assert host.http.get("/admin/host/ping").status_code == 200


def test_a_function_that_is_disabled_is_not_found_by_who_has_not_the_master_key(
    make_app: MakeApp, start_host: StartHost
) -> None:
    off = {"AzureWebJobs.wait.Disabled": "true", "AzureWebJobs.other.Disabled": "true"}
    host = start_host(make_app(SLOW), off, arguments=["--master-key", "of-the-master"])
    assert host.http.get("/api/wait?for=0").status_code == 404
    assert host.http.get("/api/other", headers={"x-functions-key": "wrong"}).status_code == 404
    assert host.http.get("/api/other?code=of-the-master").text == "open"
    assert host.http.get("/api/other", headers={"x-functions-key": "of-the-master"}).text == "open"


def test_a_route_of_the_hosts_own_is_an_error_of_its_function_alone(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SLOW, host_json=NO_PREFIX))
    assert host.http.get("/admin/mine").status_code == 401
    assert host.http.get("/wait?for=0").text == "done"
    words = "The 'mine' function is in error: The specified route conflicts with one or more built in routes."
    assert words in host.output


def test_many_requests_run_at_once(served: HostProcess) -> None:
    with httpx.Client(base_url=served.ready["url"], trust_env=False) as other:
        seen = [client.get("/v1/api/echo").json()["invocation_id"] for client in (served.http, other) * 10]
    assert len(set(seen)) == 20


def test_only_a_timer_can_be_run_by_hand_and_only_with_the_master_key(served: HostProcess) -> None:
    path = "/admin/functions/take"
    key = {"x-functions-key": "of-the-master"}
    assert served.http.post(path, json={"input": "by hand"}).status_code == 401
    assert served.http.post(path, json={"input": "by hand"}, params={"code": "of-the-host"}).status_code == 401
    assert served.http.post("/admin/functions/nobody", headers=key).status_code == 404
    for name in ("take", "echo"):
        assert served.http.post(f"/admin/functions/{name}", json={"input": ""}, headers=key).status_code == 400
