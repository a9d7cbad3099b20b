"""HTTP triggers, over HTTP (checklist 3)."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest

from tests.platform.host_process import HostProcess

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def get(served: HostProcess, path: str, **more: Any) -> dict[str, Any]:
    response = served.http.get(f"/v1/api/{path}", **more)
    assert response.status_code == 200, response.text
    seen: dict[str, Any] = response.json()
    return seen


@pytest.mark.parametrize(
    ("path", "function", "route"),
    [
        ("items/special", "special_item", {}),
        ("items/SPECIAL", "special_item", {}),
        ("items/special/", "special_item", {}),
        (f"items/{GUID}", "item_by_guid", {"id": GUID}),
        ("items/other", "item", {"id": "other"}),
        ("items/a%20b%2Fc", "item", {"id": "a b/c"}),
        ("items/a/b/c", "deep_item", {"path": "a/b/c"}),
        ("items", "deep_item", {}),
        ("pages/3", "page", {"page": "3"}),
        ("pages/3/20", "page", {"page": "3", "size": "20"}),
        ("by-setting/here", "any_method", {}),
    ],
)
def test_the_most_specific_route_takes_the_request(
    served: HostProcess, path: str, function: str, route: dict[str, str]
) -> None:
    seen = get(served, path)
    assert (seen["function"], seen["route"]) == (function, route)


@pytest.mark.parametrize("path", ["/v1/api/nothing", "/v1/api/pages/0", "/v1/api/pages/x", "/api/echo", "/echo"])
def test_a_path_no_template_fits_is_not_found(served: HostProcess, path: str) -> None:
    assert served.http.get(path).status_code == 404


def test_functions_with_one_template_are_told_apart_by_method(served: HostProcess) -> None:
    assert served.http.delete("/v1/api/items/7").json()["function"] == "change_item"
    assert get(served, "items/7")["function"] == "item"


def test_a_method_no_function_takes_is_refused_with_those_it_may_use(served: HostProcess) -> None:
    response = served.http.patch("/v1/api/items/7")
    assert response.status_code == 405
    assert response.headers["Allow"] == "DELETE, GET, HEAD, PUT"
    assert served.http.head("/v1/api/only-post").headers["Allow"] == "POST"


def test_a_function_without_methods_takes_all(served: HostProcess) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        response = served.http.request(method, "/v1/api/by-setting/here")
        assert response.json()["method"] == method


def test_head_runs_the_function_and_sends_no_body(served: HostProcess) -> None:
    response = served.http.head("/v1/api/echo")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["X-Function"] == "echo"
    assert int(response.headers["Content-Length"]) > 0


def test_repeated_headers_and_query_parameters_arrive_joined(served: HostProcess) -> None:
    seen = get(
        served,
        "echo",
        params=[("q", "1"), ("q", "2"), ("empty", "")],
        headers=[("X-Many", "a"), ("x-many", "b"), ("X-One", "c")],
    )
    assert seen["query"] == {"q": "1,2", "empty": ""}
    assert seen["headers"]["x-many"] == "a,b"
    assert seen["headers"]["x-one"] == "c"
    assert seen["url"] == f"{served.ready['url']}/v1/api/echo?q=1&q=2&empty="


def test_a_binary_body_arrives_unchanged(served: HostProcess) -> None:
    body = bytes(range(256)) * 20_000
    response = served.http.post("/v1/api/echo", content=body)
    assert base64.b64decode(response.json()["body"]) == body


def test_a_body_over_a_hundred_megabytes_is_refused(served: HostProcess) -> None:
    # Content-Length alone would do for some servers: the host counts what comes.
    chunk = bytes(1024 * 1024)
    response = served.http.post("/v1/api/only-post", content=(chunk for _ in range(101)))
    assert response.status_code == 413


def test_status_cookies_and_binary_answers_reach_the_caller(served: HostProcess) -> None:
    response = served.http.get("/v1/api/cookies")
    assert (response.status_code, response.content) == (201, b"\x00\xff")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers.get_list("Set-Cookie") == ["first=1; HttpOnly; Path=/", "second=2; Secure"]


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


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("guarded", None, 401),
        ("guarded", "wrong", 401),
        ("guarded", "of-guarded", 200),
        ("guarded", "of-the-host", 200),
        ("guarded", "of-the-master", 200),
        ("ruled", None, 401),
        ("ruled", "of-the-host", 401),
        ("ruled", "of-the-master", 200),
        ("plain", "wrong", 200),
    ],
)
def test_a_function_opens_to_the_keys_of_its_level(
    served: HostProcess, path: str, key: str | None, status: int
) -> None:
    by_header = served.http.get(f"/v1/api/{path}", headers={"x-functions-key": key} if key else {})
    by_query = served.http.get(f"/v1/api/{path}", params={"code": key} if key else {})
    assert (by_header.status_code, by_query.status_code) == (status, status)


def test_the_root_says_that_the_app_runs(served: HostProcess) -> None:
    assert served.http.get("/").status_code == 200


def test_many_requests_run_at_once(served: HostProcess) -> None:
    with httpx.Client(base_url=served.ready["url"], trust_env=False) as other:
        seen = [client.get("/v1/api/echo").json()["invocation_id"] for client in (served.http, other) * 10]
    assert len(set(seen)) == 20


def test_a_queue_function_can_be_run_by_hand_with_the_master_key(served: HostProcess) -> None:
    path = "/admin/functions/take"
    key = {"x-functions-key": "of-the-master"}
    assert served.http.post(path, json={"input": "by hand"}).status_code == 401
    assert served.http.post(path, content=b"by hand", headers=key).status_code == 400
    assert served.http.get(path, headers=key).status_code == 405
    assert served.http.post("/admin/functions/nobody", headers=key).status_code == 404
    assert served.http.post("/admin/functions/echo", headers=key).status_code == 400
    assert served.http.post(path, json={"input": "by hand"}, headers=key).status_code == 202
    (note,) = [note for note in served.records("take") if note["body"] == "by hand"]
    assert note["dequeue_count"] == 1
