"""What is said, and what is tried again, when the API refuses, is busy or is not there."""

import json
import socket
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import APP_ID, DONE, REMOVAL, SETUP, an_app

PLAIN = ("setup", "create", "--app-name", "Contoso Travel", "--owner", "olivia@contoso.com")


def test_a_problem_is_title_detail_remedy_and_request_id(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", problem(403, "not-admin", field="app"))

    found = guestlist("app", "list")

    assert found.exit_code == 1
    assert found.stdout == ""
    assert found.stderr.splitlines() == [
        "Title of not-admin (app)",
        "Detail of not-admin",
        "→ Remedy of not-admin",
        "Request id: request-not-admin",
    ]


def test_as_json_it_is_the_problem_document(guestlist: Run, api: ApiServer) -> None:
    refused = problem(403, "not-admin")
    api.on("GET /api/apps", refused)

    found = guestlist("app", "list", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout) == refused.body


def test_a_request_id_that_only_the_header_has_is_told_too(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", Reply(500, {"title": "Internal"}, {"x-request-id": "abc"}))

    assert "Request id: abc" in guestlist("app", "list").stderr


@pytest.mark.parametrize(("status", "reason"), [(429, "busy"), (503, "storage-busy"), (409, "key-in-flight")])
def test_who_says_when_to_come_again_is_asked_again_with_the_same_key(
    guestlist: Run, api: ApiServer, status: int, reason: str
) -> None:
    api.on("POST /api/setups", problem(status, reason, retry_after=0), Reply(202, DONE))

    assert guestlist(*PLAIN).exit_code == 0

    one, two = api.calls_of("POST", "/api/setups")
    assert one.body == two.body
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"]


def test_a_time_to_come_again_may_be_a_date(guestlist: Run, api: ApiServer) -> None:
    api.on(
        "GET /api/apps",
        problem(503, "busy", retry_after=format_datetime(datetime.now(UTC), usegmt=True)),
        Reply(200, {"value": []}),
    )

    assert guestlist("app", "list").exit_code == 0


def test_patience_ends_with_the_timeout(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", problem(429, "busy", retry_after=3600))

    found = guestlist("app", "list")

    assert found.exit_code == 1
    assert "Remedy of busy" in found.stderr
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [409, 429, 503])
def test_a_refusal_that_names_no_time_is_final(guestlist: Run, api: ApiServer, status: int) -> None:
    api.on("GET /api/apps", problem(status, "refused"))

    assert guestlist("app", "list").exit_code == 1
    assert len(api.calls) == 1


def test_a_lost_answer_is_asked_for_again_where_a_key_makes_that_safe(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", Reply(cut=True), Reply(202, DONE))

    assert guestlist(*PLAIN).exit_code == 0

    keys = [call.headers["idempotency-key"] for call in api.calls]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_lost_answer_to_a_confirmation_is_not_repeated_blindly(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST /api/setups/{SETUP}/steps/verify/confirm", Reply(cut=True), Reply(200, DONE))

    found = guestlist("setup", "confirm", SETUP, "verify")

    assert found.exit_code == 1
    assert "not known" in found.stderr
    assert len(api.calls) == 1


def test_a_removal_whose_answer_was_lost_is_asked_for_again_with_its_tag(guestlist: Run, api: ApiServer) -> None:
    path = f"/api/apps/{APP_ID}"
    api.on(f"DELETE {path}?dryRun", Reply(200, REMOVAL, {"ETag": '"t"'}))
    api.on(f"DELETE {path}", Reply(cut=True), Reply(202, an_app(state="removing")))

    assert guestlist("app", "remove", APP_ID, "--yes", "--no-wait").exit_code == 0

    assert [call.headers.get("if-match") for call in api.calls] == [None, '"t"', '"t"']


def test_where_nobody_listens_it_says_so_in_plain_words(guestlist: Run) -> None:
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        found = guestlist("app", "list", "--url", url, "--timeout", "0")

    assert found.exit_code == 1
    assert f"{url} cannot be reached" in found.stderr
    assert "GUESTLIST_URL" in found.stderr


@pytest.mark.parametrize("answer", [Reply(200, "<html>Welcome"), Reply(404, "<html>"), Reply(502, "bad gateway")])
def test_another_kind_of_server_is_recognized(guestlist: Run, api: ApiServer, answer: Reply) -> None:
    api.on("GET /api/apps", answer)

    found = guestlist("app", "list", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["reason"] == "not-guestlist"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "GUESTLIST_URL"),
        ("guestlist.example", "https://"),
        ("ftp://guestlist.example", "https://"),
        ("http://guestlist.example", "https"),
    ],
)
def test_an_address_that_is_missing_or_unsafe_is_a_usage_error(guestlist: Run, url: str | None, words: str) -> None:
    found = guestlist("app", "list", GUESTLIST_URL=url)

    assert found.exit_code == 2
    assert words in found.stderr


def test_the_option_wins_over_the_environment_and_may_end_in_api(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", {"value": []})

    found = guestlist("--url", f"{api.url}/api/", "app", "list", GUESTLIST_URL="https://elsewhere.invalid")

    assert found.exit_code == 0
    assert [call.path for call in api.calls] == ["/api/apps"]
