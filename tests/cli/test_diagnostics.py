"""`guestlist doctor`: from this machine to the tenant, each fault with what mends it."""

import json
from typing import Any

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run, a_token

PLACE = {
    "authority": "https://login.microsoftonline.com",
    "tenantId": "0aaf1c8e-6f4d-4c3c-9f3c-6d5f3d9c1a01",
    "audience": "bbbbbbbb-0000-4000-8000-000000000001",
    "scope": "api://bbbbbbbb-0000-4000-8000-000000000001/access_as_user",
    "clientId": None,
}
COMMAND = "az rest --method POST --url " + "https://graph.microsoft.com/v1.0/servicePrincipals/" + "x" * 200


def finding(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "check": name,
        "state": state,
        "found": f"found {name}",
        "title": f"Title {name}",
        "detail": f"found {name}",
        "remedy": None,
        "link": None,
        "command": None,
    } | more


@pytest.fixture
def healthy(api: ApiServer) -> ApiServer:
    api.on("GET /api/sign-in", PLACE)
    api.on("GET /api/doctor", {"checks": [finding("invite", "ok")]})
    return api


@pytest.mark.usefixtures("healthy")
def test_where_all_is_well_it_ends_with_0(guestlist: Run) -> None:
    found = guestlist("doctor")

    assert found.exit_code == 0
    assert "as adam.admin@contoso.com (GUESTLIST_TOKEN)" in found.stdout
    assert "Nothing is missing." in found.stdout


def test_what_is_missing_comes_with_its_remedy_and_a_command_that_can_be_copied(
    guestlist: Run, healthy: ApiServer
) -> None:
    permission = finding("User.Invite.All", "missing", remedy="Grant it", command=COMMAND)
    looks = finding("guests", "attention", remedy="Look at it", link="https://entra.microsoft.com/#view/X")
    healthy.on("GET /api/doctor", {"checks": [permission, looks]})

    found = guestlist("doctor")

    assert found.exit_code == 1
    assert COMMAND in found.stdout
    assert "https://entra.microsoft.com/#view/X" in found.stdout
    assert "1 missing." in found.stdout


@pytest.mark.parametrize("state", ["attention", "unknown"])
def test_what_is_not_missing_does_not_fail(guestlist: Run, healthy: ApiServer, state: str) -> None:
    healthy.on("GET /api/doctor", {"checks": [finding("licence", state)]})

    assert guestlist("doctor").exit_code == 0


def test_json_has_the_clients_own_checks_before_those_of_the_api(guestlist: Run, healthy: ApiServer) -> None:
    said = json.loads(guestlist("doctor", "--json").stdout)

    assert [each["check"] for each in said["checks"]] == ["api", "sign-in", "role", "invite"]
    assert all(each["state"] == "ok" for each in said["checks"])
    assert [call.path for call in healthy.calls] == ["/api/sign-in", "/api/doctor"]


@pytest.mark.parametrize(
    ("token", "state", "code"),
    [
        (a_token("Admin", "Auditor"), "ok", 0),
        (a_token("SetupAdmin"), "ok", 0),
        (a_token("Operator"), "ok", 0),
        (a_token("PrivacyOfficer"), "missing", 1),
        (a_token("Auditor"), "attention", 0),
        (a_token(), "missing", 1),
        ("opaque", "unknown", 0),
    ],
)
@pytest.mark.usefixtures("healthy")
def test_the_callers_role_is_read_from_the_token(guestlist: Run, token: str, state: str, code: int) -> None:
    found = guestlist("doctor", "--json", GUESTLIST_TOKEN=token)

    role = next(each for each in json.loads(found.stdout)["checks"] if each["check"] == "role")
    assert (role["state"], found.exit_code) == (state, code)


def test_it_stops_where_the_way_ends_and_says_what_to_do(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/sign-in", Reply(200, "<html>"))

    found = guestlist("doctor", "--json")

    assert found.exit_code == 1
    [only] = json.loads(found.stdout)["checks"]
    assert (only["check"], only["state"]) == ("api", "missing")
    assert "--url" in only["remedy"]


def test_who_may_not_ask_the_doctor_is_told_by_the_api(guestlist: Run, healthy: ApiServer) -> None:
    healthy.on("GET /api/doctor", problem(403, "not-admin"))

    found = guestlist("doctor")

    assert found.exit_code == 1
    assert "Remedy of not-admin" in found.stdout


def test_without_an_address_it_is_a_usage_error(guestlist: Run) -> None:
    assert guestlist("doctor", GUESTLIST_URL=None).exit_code == 2
