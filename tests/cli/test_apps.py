"""`guestlist app`: seeing the apps that are set up, and removing one."""

import json

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import APP_ID, ETAG, REMOVAL, an_app

APP = f"/api/apps/{APP_ID}"


@pytest.fixture
def removable(api: ApiServer) -> ApiServer:
    api.on(f"DELETE {APP}?dryRun", Reply(200, REMOVAL, {"ETag": ETAG}))
    api.on(f"DELETE {APP}", Reply(202, {"appId": APP_ID, "state": "removing"}, {"Location": APP}))
    api.on(f"GET {APP}", an_app(state="removing"), problem(404, "app-missing"))
    return api


def test_apps_are_listed(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", {"value": [an_app(), an_app(name="Old [bold]", state="removing")]})

    found = guestlist("app", "list")

    assert found.exit_code == 0
    for part in ("Contoso Travel guests", "Olivia Owner", APP_ID, "Old [bold] (being removed)"):
        assert part in found.stdout


def test_where_no_app_is_set_up_it_says_how_to_begin(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/apps", {"value": []})

    found = guestlist("app", "list")

    assert found.exit_code == 0
    assert "guestlist setup create" in found.stdout


def test_one_app_is_shown_with_policy_and_link(guestlist: Run, api: ApiServer) -> None:
    api.on(f"GET {APP}", an_app())

    found = guestlist("app", "show", APP_ID)

    assert found.exit_code == 0
    for part in ("fabrikam.com", str(an_app()["directLink"]), "approval"):
        assert part in found.stdout


@pytest.mark.parametrize("arguments", [("app", "list"), ("app", "show", APP_ID)])
def test_json_is_what_the_api_said(guestlist: Run, api: ApiServer, arguments: tuple[str, ...]) -> None:
    api.on("GET /api/apps", {"value": [an_app()]})
    api.on(f"GET {APP}", an_app())

    said = json.loads(guestlist(*arguments, "--json").stdout)

    assert said == ({"value": [an_app()]} if arguments[1] == "list" else an_app())


def test_removal_shows_the_plan_and_removes_that_very_plan(guestlist: Run, removable: ApiServer) -> None:
    found = guestlist("app", "remove", APP_ID, "--yes")

    assert found.exit_code == 0
    assert "group 'Contoso Travel guests'" in found.stdout
    assert "The app: it was there before" in found.stdout
    assert "Removed." in found.stdout
    looked, removed = removable.calls_of("DELETE", APP)
    assert looked.query == {"dryRun": "true"}
    assert (removed.query, removed.headers["if-match"]) == ({}, ETAG)
    assert len(removable.calls_of("GET", APP)) == 2


def test_without_a_terminal_nothing_is_removed_unless_said(guestlist: Run, removable: ApiServer) -> None:
    found = guestlist("app", "remove", APP_ID, "--json")

    assert found.exit_code == 3
    assert json.loads(found.stdout) == REMOVAL
    assert "--yes" in found.stderr
    assert [call.query for call in removable.calls] == [{"dryRun": "true"}]


def test_a_plan_that_changed_meanwhile_is_not_carried_out(guestlist: Run, removable: ApiServer) -> None:
    removable.on(f"DELETE {APP}", problem(412, "plan-changed"))

    found = guestlist("app", "remove", APP_ID, "--yes")

    assert found.exit_code == 1
    assert "Remedy of plan-changed" in found.stderr


def test_a_dry_run_of_removal_only_looks(guestlist: Run, removable: ApiServer) -> None:
    found = guestlist("app", "remove", APP_ID, "--dry-run", "--yes")

    assert found.exit_code == 0
    assert len(removable.calls) == 1


@pytest.mark.parametrize(("more", "state"), [((), "removed"), (("--no-wait",), "removing")])
def test_the_document_of_a_removal_says_how_far_it_got(
    guestlist: Run, removable: ApiServer, more: tuple[str, ...], state: str
) -> None:
    found = guestlist("app", "remove", APP_ID, "--yes", "--json", *more)

    assert found.exit_code == 0
    assert json.loads(found.stdout) == {"appId": APP_ID, "state": state} | REMOVAL


INVITER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(("arguments", "sent"), [((INVITER,), [INVITER]), (("--none",), [])])
def test_apps_that_may_invite_are_named(
    guestlist: Run, api: ApiServer, arguments: tuple[str, ...], sent: list[str]
) -> None:
    api.on(f"PUT {APP}/inviters", {"value": sent})

    found = guestlist("app", "inviters", APP_ID, *arguments)

    assert found.exit_code == 0, found.stderr
    assert api.calls_of("PUT", f"{APP}/inviters")[0].body == {"value": sent}
    assert ("no app" in found.stdout) == (not sent)


@pytest.mark.parametrize("arguments", [(), (INVITER, "--none")])
def test_whether_any_app_may_invite_is_said(guestlist: Run, api: ApiServer, arguments: tuple[str, ...]) -> None:
    found = guestlist("app", "inviters", APP_ID, *arguments)

    assert found.exit_code == 2
    assert not api.calls


def test_the_apps_that_may_invite_are_shown(guestlist: Run, api: ApiServer) -> None:
    api.on(f"GET {APP}", an_app(inviters=[INVITER]))

    assert INVITER in guestlist("app", "show", APP_ID).stdout
