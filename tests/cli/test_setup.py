"""`guestlist setup`: what is asked for, followed, done by hand, and how it ends."""

import json
import uuid
from typing import Any

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import (
    APP_ID,
    DONE,
    FAILED,
    GROUP,
    HALFWAY,
    REHEARSAL,
    SETUP,
    STARTED,
    TASK,
    WAITING,
    a_checklist,
)

PLAIN = ("setup", "create", "--app-name", "Contoso Travel", "--owner", "olivia@contoso.com")
STATUS = f"/api/setups/{SETUP}"
CONFIRM = f"{STATUS}/steps/self-service-groups/confirm"


def accepted(body: dict[str, Any]) -> Reply:
    return Reply(202, body, {"Location": STATUS})


def test_a_setup_is_followed_to_its_end_with_a_line_for_each_change(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(STARTED))
    api.on(f"GET {STATUS}", STARTED, HALFWAY, DONE)

    found = guestlist(*PLAIN)

    assert found.exit_code == 0
    assert f"group: done; group 'Travel guests' (group {GROUP})" in found.stdout
    assert found.stdout.count("application: done") == 1
    assert "Done: Contoso Travel is set up." in found.stdout
    [asked] = api.calls_of("POST", "/api/setups")
    assert asked.body == {"app": {"name": "Contoso Travel"}, "owners": ["olivia@contoso.com"]}
    assert uuid.UUID(asked.headers["idempotency-key"])
    assert asked.headers["authorization"].startswith("Bearer ey")


def test_every_option_reaches_the_api(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(DONE))
    options = (
        "--template Travel --app-name Trips --owner olivia@contoso.com --owner oscar@contoso.com --group-name Guests "
        "--group-description Abroad --app-role Reader --saml --identifier urn:a --identifier urn:b "
        "--reply-url https://r --sign-on-url https://s --notify it@contoso.com --requests closed "
        "--approver olivia@contoso.com --allow-domain fabrikam.com --block-domain evil.com --with access-package"
    )

    assert guestlist("setup", "create", *options.split()).exit_code == 0

    [asked] = api.calls_of("POST", "/api/setups")
    assert asked.body == {
        "app": {"template": "Travel", "name": "Trips"},
        "owners": ["olivia@contoso.com", "oscar@contoso.com"],
        "group": {"name": "Guests", "description": "Abroad"},
        "appRole": "Reader",
        "singleSignOn": {
            "mode": "saml",
            "identifiers": ["urn:a", "urn:b"],
            "replyUrls": ["https://r"],
            "signOnUrl": "https://s",
            "notificationEmails": ["it@contoso.com"],
        },
        "policy": {
            "requests": "closed",
            "approvers": ["olivia@contoso.com"],
            "allowedDomains": ["fabrikam.com"],
            "blockedDomains": ["evil.com"],
        },
        "selfService": "access-package",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "--owner o@contoso.com",
        "--app-name A",
        f"--app-id {APP_ID} --app-name A --owner o@contoso.com",
        f"--app-name A --owner o@contoso.com --group-id {GROUP} --group-name G",
        "--app-name A --owner o@contoso.com --saml",
        "--app-name A --owner o@contoso.com --identifier urn:a",
        "--app-name A --owner o@contoso.com --requests sometimes",
        "--app-name A --owner o@contoso.com --with magic",
        "shwo",
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_asks_for_nothing(
    guestlist: Run, api: ApiServer, arguments: str
) -> None:
    found = guestlist("setup", "create", *arguments.split())

    assert found.exit_code == 2
    assert found.stderr.strip()
    assert not api.calls


def test_a_failed_setup_says_why_what_to_do_and_how_to_go_on(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(STARTED))
    api.on(f"GET {STATUS}", FAILED)

    found = guestlist(*PLAIN)

    assert found.exit_code == 1
    assert "owner-missing: nobody@contoso.com is not in the directory → Name somebody" in found.stdout
    assert f"guestlist setup retry {SETUP}" in found.stdout


def test_without_a_terminal_it_ends_at_a_manual_task_with_all_it_takes(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(STARTED))
    api.on(f"GET {STATUS}", WAITING)

    found = guestlist(*PLAIN)

    assert found.exit_code == 3
    for part in ("1. Open Groups, General", "2. Set the switch to Yes", str(TASK["link"])):
        assert part in found.stdout
    assert "Owners can manage requests  Yes" in found.stdout
    assert f"guestlist setup confirm {SETUP} self-service-groups" in found.stdout
    assert not api.calls_of("POST", CONFIRM)


def test_it_goes_on_with_what_needs_nobody_before_it_ends_for_a_person(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(STARTED))
    busy = a_checklist("running", "waiting", self_service_groups="manual", application="ready")
    api.on(f"GET {STATUS}", busy, WAITING)

    found = guestlist(*PLAIN)

    assert found.exit_code == 3
    assert "verify" in found.stdout
    assert len(api.calls_of("GET", STATUS)) == 2


def test_scripts_may_confirm_every_manual_task_and_read_which(guestlist: Run, api: ApiServer) -> None:
    both = a_checklist("running", self_service_groups="manual", self_service_access="manual")
    other = a_checklist("waiting-for-person", self_service_access="manual")
    api.on("POST /api/setups", accepted(both))
    api.on(f"POST {CONFIRM}", other)
    api.on(f"POST {STATUS}/steps/self-service-access/confirm", DONE)

    found = guestlist(*PLAIN, "--confirm-manual")

    assert found.exit_code == 0
    assert "Confirmed: self-service-groups" in found.stdout
    assert "Confirmed: self-service-access" in found.stdout
    assert [c.path for c in api.calls if c.path.endswith("/confirm")] == [
        CONFIRM,
        f"{STATUS}/steps/self-service-access/confirm",
    ]


def test_a_task_that_somebody_else_confirmed_meanwhile_is_as_good(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(WAITING))
    api.on(f"POST {CONFIRM}", problem(409, "step-not-manual"))
    api.on(f"GET {STATUS}", DONE)

    assert guestlist(*PLAIN, "--confirm-manual").exit_code == 0


def test_a_dry_run_shows_the_plan_and_starts_nothing(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups?dryRun", REHEARSAL)

    found = guestlist(*PLAIN, "--dry-run")

    assert found.exit_code == 0
    assert "would: make the group 'Contoso Travel guests'" in found.stdout
    assert "already: The app: Contoso Travel" in found.stdout
    assert f"by hand: {TASK['title']} ({TASK['link']})" in found.stdout
    assert [call.query for call in api.calls] == [{"dryRun": "true"}]


def test_a_dry_run_that_finds_a_refusal_ends_with_1(guestlist: Run, api: ApiServer) -> None:
    step = REHEARSAL["steps"][1] | {"wouldDo": [], "reason": "group-dynamic", "detail": "A rule sets its members"}
    api.on("POST /api/setups?dryRun", {"steps": [step]})

    found = guestlist(*PLAIN, "--dry-run", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["steps"][0]["reason"] == "group-dynamic"


@pytest.mark.parametrize(("end", "code"), [(DONE, 0), (FAILED, 1), (WAITING, 3)])
@pytest.mark.parametrize("place", ["before", "after"])
def test_json_is_the_checklist_and_nothing_else(
    guestlist: Run, api: ApiServer, end: dict[str, Any], code: int, place: str
) -> None:
    api.on("POST /api/setups", accepted(STARTED))
    api.on(f"GET {STATUS}", HALFWAY, end)

    found = guestlist("--json", *PLAIN) if place == "before" else guestlist(*PLAIN, "--json")

    assert found.exit_code == code
    assert json.loads(found.stdout) == end
    assert "group: done" in found.stderr


def test_without_waiting_it_says_how_to_come_back(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/setups", accepted(STARTED))

    found = guestlist(*PLAIN, "--no-wait")

    assert found.exit_code == 0
    assert f"guestlist setup show {SETUP} --follow" in found.stdout
    assert len(api.calls) == 1


@pytest.mark.parametrize(("checklist", "code"), [(STARTED, 0), (DONE, 0), (FAILED, 1), (WAITING, 3)])
def test_show_tells_the_state_by_its_exit_code(
    guestlist: Run, api: ApiServer, checklist: dict[str, Any], code: int
) -> None:
    api.on(f"GET {STATUS}", checklist)

    found = guestlist("setup", "show", SETUP)

    assert found.exit_code == code
    assert "single-sign-on" in found.stdout


def test_what_verification_found_is_shown(guestlist: Run, api: ApiServer) -> None:
    checked = a_checklist("done")
    checked["steps"][-1]["checks"] = [{"check": "Owners", "state": "wrong", "found": "Oscar owns it no more"}]
    api.on(f"GET {STATUS}", checked)

    assert "wrong: Owners: Oscar owns it no more" in guestlist("setup", "show", SETUP).stdout


def test_confirm_sends_the_note_and_ends_well_though_other_tasks_wait(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {CONFIRM}", a_checklist("waiting-for-person", self_service_access="manual"))

    found = guestlist("setup", "confirm", SETUP, "self-service-groups", "--note", "ticket 7")

    assert found.exit_code == 0
    assert [call.body for call in api.calls] == [{"note": "ticket 7"}]


def test_confirm_of_a_step_that_waits_for_nobody_is_refused_in_words(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {CONFIRM}", problem(409, "step-not-manual"))

    found = guestlist("setup", "confirm", SETUP, "self-service-groups")

    assert found.exit_code == 1
    assert "Remedy of step-not-manual" in found.stderr


def test_retry_answers_what_a_step_asked_and_follows(guestlist: Run, api: ApiServer) -> None:
    api.on(f"POST {STATUS}/retry", Reply(202, HALFWAY))
    api.on(f"GET {STATUS}", DONE)

    found = guestlist("setup", "retry", SETUP, "--app-role", "Reader", "--app-id", APP_ID)

    assert found.exit_code == 0
    assert api.calls[0].body == {"appRole": "Reader", "appId": APP_ID}


def test_an_id_cannot_lead_to_another_path(guestlist: Run, api: ApiServer) -> None:
    found = guestlist("setup", "show", "../apps")

    assert found.exit_code == 1
    assert [call.path for call in api.calls] == ["/api/setups/..%2Fapps"]
