"""`guestlist invitation`."""

import json

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import APP_ID, GROUP, an_app, an_invitation

INVITATIONS = f"/api/groups/{GROUP}/invitations"
ADA, BOB = "ada@fabrikam.com", "bob@fabrikam.com"


def accepted(id_: str) -> Reply:
    return Reply(202, {"id": id_, "state": "accepted"}, {"Location": f"/api/invitations/{id_}"})


def test_each_guest_is_asked_for_once_and_followed_to_the_end(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {INVITATIONS}", accepted("i-1"), accepted("i-2"))
    api.on("GET /api/invitations/i-1", an_invitation("i-1", ADA, "inviting"), an_invitation("i-1", ADA, "mailed"))
    api.on("GET /api/invitations/i-2", an_invitation("i-2", BOB, "member"))

    found = guestlist(
        "invitation", "create", ADA, BOB, ADA, "--group", GROUP, "--message", "Welcome!", "--language", "de"
    )

    assert found.exit_code == 0
    assert f"{ADA}: inviting" in found.stdout
    assert "2 of 2 guests at their end" in found.stdout
    one, two = api.calls_of("POST", INVITATIONS)
    assert one.body == {"address": ADA, "welcomeMessage": "Welcome!", "language": "de"}
    assert two.body["address"] == BOB
    assert one.headers["idempotency-key"] != two.headers["idempotency-key"]


def test_a_guest_who_is_refused_does_not_stop_the_others(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {INVITATIONS}", problem(422, "address-invalid"), accepted("i-2"))
    api.on("GET /api/invitations/i-2", an_invitation("i-2", BOB, "member"))

    found = guestlist("invitation", "create", "nonsense", BOB, "--group", GROUP, "--json")

    assert found.exit_code == 1
    first, second = json.loads(found.stdout)["value"]
    assert (first["address"], first["state"], first["invitation"]) == ("nonsense", "refused", None)
    assert first["problem"]["reason"] == "address-invalid"
    assert (second["address"], second["state"], second["problem"]) == (BOB, "member", None)
    assert second["invitation"] == an_invitation("i-2", BOB, "member")


@pytest.mark.parametrize("state", ["failed", "member"])
def test_a_failure_and_a_mail_that_was_not_sent_end_with_1(guestlist: Run, api: ApiServer, state: str) -> None:
    ended = an_invitation("i-1", ADA, state, reason="why", detail="The detail", remedy="The remedy")
    api.on(f"POST {INVITATIONS}", accepted("i-1"))
    api.on("GET /api/invitations/i-1", ended)

    found = guestlist("invitation", "create", ADA, "--group", GROUP)

    assert found.exit_code == 1
    assert "The remedy" in found.stdout


def test_without_waiting_nothing_is_looked_at(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {INVITATIONS}", accepted("i-1"))

    assert guestlist("invitation", "create", ADA, "--group", GROUP, "--no-wait", "--name", "Ada").exit_code == 0

    assert [call.body for call in api.calls] == [{"address": ADA, "displayName": "Ada"}]


@pytest.mark.parametrize("name", [APP_ID, "contoso travel"])
def test_an_app_stands_for_its_group(guestlist: Run, api: ApiServer, name: str) -> None:
    api.on("GET /api/apps", {"value": [an_app(name="Other", groupId="other"), an_app()]})
    api.on(f"GET /api/apps/{APP_ID}", an_app())
    api.on(f"POST {INVITATIONS}", accepted("i-1"))

    assert guestlist("invitation", "create", ADA, "--app", name, "--no-wait").exit_code == 0

    assert len(api.calls_of("POST", INVITATIONS)) == 1


@pytest.mark.parametrize(("apps", "reason"), [([], "app-missing"), ([an_app(), an_app()], "app-ambiguous")])
def test_a_name_that_means_no_app_or_several_invites_nobody(
    guestlist: Run, api: ApiServer, apps: list[object], reason: str
) -> None:
    api.on("GET /api/apps", {"value": apps})

    found = guestlist("invitation", "create", ADA, "--app", "Contoso Travel", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["reason"] == reason
    assert {call.method for call in api.calls} == {"GET"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("invitation", "create", ADA),
        ("invitation", "create", ADA, "--group", GROUP, "--app", APP_ID),
        ("invitation", "create", ADA, BOB, "--group", GROUP, "--name", "Ada"),
        ("invitation", "create", "--group", GROUP),
        ("invitation", "list"),
        ("invitation", "list", "--group", GROUP, "--limit", "0"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(guestlist: Run, api: ApiServer, arguments: tuple[str, ...]) -> None:
    assert guestlist(*arguments).exit_code == 2
    assert not api.calls


def test_who_may_not_invite_is_told_once(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {INVITATIONS}", problem(401, "token-expired"))

    found = guestlist("invitation", "create", ADA, BOB, "--group", GROUP)

    assert found.exit_code == 1
    assert found.stderr.count("Title of token-expired") == 1


def test_where_the_api_falls_silent_the_rest_is_not_tried_and_the_taken_are_reported(
    guestlist: Run, api: ApiServer
) -> None:
    api.on(f"POST {INVITATIONS}", accepted("i-1"), Reply(cut=True))
    api.on("GET /api/invitations/i-1", an_invitation("i-1", ADA, "member"))

    found = guestlist(
        "--timeout", "0", "invitation", "create", ADA, BOB, "cleo@fabrikam.com", "--group", GROUP, "--json"
    )

    assert found.exit_code == 1
    assert [entry["state"] for entry in json.loads(found.stdout)["value"]] == ["member", "refused", "refused"]
    assert len(api.calls_of("POST", INVITATIONS)) == 2


def test_invitations_are_listed_by_state(guestlist: Run, api: ApiServer) -> None:
    page = {"value": [an_invitation("i-1", ADA, "failed", reason="why", remedy="Ask again")], "nextLink": "/more"}
    api.on(f"GET {INVITATIONS}", page)

    found = guestlist("invitation", "list", "--group", GROUP, "--state", "failed", "--limit", "1")

    assert found.exit_code == 0
    assert ADA in found.stdout
    assert "There are more" in found.stderr
    assert [call.query for call in api.calls] == [{"state": "failed", "limit": "1"}]
