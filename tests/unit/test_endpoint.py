"""What every HTTP handler does before and after its own work, and when the session of somebody acts."""

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from functions.answers import json_response
from functions.callers import EASY_AUTH, caller_of
from functions.http import Run, endpoint
from shared.core.errors import Refused

HERE = "https://guests.example/api/groups"


def request(
    url: str = HERE, *, method: str = "POST", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> func.HttpRequest:
    return func.HttpRequest(method, url, headers=headers or {}, body=body)


class Body(bytes):
    """One that nobody may read."""

    def decode(self, *_: Any) -> str:
        raise AssertionError("the body was read")


@endpoint
async def small(req: func.HttpRequest) -> func.HttpResponse:
    return json_response({"length": len(req.get_body())})


@partial(endpoint, most=10)
async def tiny(req: func.HttpRequest) -> func.HttpResponse:
    return json_response({"length": len(req.get_body())})


@endpoint
async def breaks(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("of ada@fabrikam.com")


@endpoint
async def page(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("<p>", headers={"Cache-Control": "public"}, mimetype="text/html")


@pytest.mark.parametrize(("handler", "most"), [(small, 64 * 1024), (tiny, 10)], ids=["small", "tiny"])
async def test_a_body_is_as_long_as_its_route_takes(handler: Run, most: int) -> None:
    taken = await handler(request(body=bytes(most)))
    assert json.loads(taken.get_body()) == {"length": most}

    for refused in (
        await handler(request(body=Body(most + 1))),
        await handler(request(body=b"", headers={"content-length": str(most + 1)})),
        await handler(request(method="GET", body=Body(most + 1))),
    ):
        document = json.loads(refused.get_body())
        assert (refused.status_code, document["reason"]) == (413, "body-too-large")
        assert f"{most:,} are taken" in document["detail"]
        assert refused.mimetype == "application/problem+json"


@pytest.mark.parametrize("said", ["", "many", "-5", "٣"])
async def test_a_length_that_is_none_says_nothing(said: str) -> None:
    assert (await small(request(body=b"x", headers={"content-length": said}))).status_code == 200


@pytest.mark.parametrize("handler", [small, tiny, breaks, page], ids=lambda h: h.__name__)
async def test_every_answer_says_https_alone_and_that_its_type_is_its_type(handler: Run) -> None:
    for asked in (
        request(),
        request(body=Body(100_000)),
        request(method="GET"),
        request(method="GET", url=f"{HERE}?a="),
    ):
        headers = (await handler(asked)).headers
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_so_does_an_answer_that_was_not_sent_again() -> None:
    tag = (await small(request(method="GET"))).headers["ETag"]
    answer = await small(request(method="GET", headers={"if-none-match": tag}))

    assert answer.status_code == 304
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" in answer.headers


@pytest.mark.parametrize("query", ["dryRun", "dryRun=", "a=1&state=", "limit=5&=", "%61="])
async def test_a_parameter_without_a_value_is_refused(query: str) -> None:
    """The platform drops it: whoever wrote ``?dryRun`` would have had it done."""
    answer = await small(request(f"{HERE}?{query}"))

    assert (answer.status_code, json.loads(answer.get_body())["reason"]) == (400, "parameter-invalid")


@pytest.mark.parametrize(
    "url", [HERE, f"{HERE}?", f"{HERE}?dryRun=true&a=%20", "https://guests.example/portal/?code=x&session_state="]
)
async def test_others_are_taken_and_the_pages_take_all(url: str) -> None:
    assert (await small(request(url))).status_code == 200


class Callers:
    async def authenticate(self, authorization: str | None) -> str | None:
        return authorization


async def acts(method: str = "POST", url: str = HERE, **headers: str) -> bool:
    """Whether a session acts for a request."""
    app: Any = SimpleNamespace(callers=Callers())
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = request(url, method=method, headers={EASY_AUTH: "t"} | named)
    with suppress(Refused):
        return str(await caller_of(app, asked)) == "Bearer t"
    return False


async def test_a_session_acts_for_a_page_of_the_same_origin() -> None:
    assert await acts(sec_fetch_site="same-origin")
    assert await acts(sec_fetch_site="same-origin", origin="https://guests.example")
    assert await acts(origin="https://guests.example")  # A browser from before Fetch Metadata.
    assert await acts(url="http://localhost:7071/api/groups", origin="http://localhost:7071")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://guests.example"},
        {"origin": "http://guests.example", "sec_fetch_site": "cross-site"},
        {"origin": "http://guests.example", "sec_fetch_site": "same-origin"},
        {"origin": "https://guests.example", "sec_fetch_site": "cross-site"},
        {"origin": "https://guests.example", "sec_fetch_site": "same-site"},
        {"origin": "https://guests.example:8443"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
        {"origin": "null", "sec_fetch_site": "same-origin"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_no_other_page_acts_with_somebodys_session(method: str, headers: dict[str, str]) -> None:
    assert not await acts(method, **headers)


async def test_a_session_reads_wherever_the_link_stood() -> None:
    assert await acts("GET", sec_fetch_site="cross-site")
