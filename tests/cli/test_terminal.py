"""With a person before it: questions, live views, Ctrl-C."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.cli.api_server import ApiServer, Reply
from tests.cli.recorded import APP_ID, DONE, ETAG, GROUP, HALFWAY, REMOVAL, SETUP, STARTED, WAITING, an_invitation
from tests.cli.terminal import terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="terminals and signals of POSIX systems")

PLAIN = ("setup", "create", "--app-name", "Contoso Travel", "--owner", "olivia@contoso.com")
STATUS = f"/api/setups/{SETUP}"
CONFIRM = f"{STATUS}/steps/self-service-groups/confirm"
APP = f"/api/apps/{APP_ID}"
type Start = Callable[..., subprocess.Popen[bytes]]


def test_a_manual_task_is_asked_for_and_confirmed_with_a_note(environment: dict[str, str], api: ApiServer) -> None:
    api.on("POST /api/setups", Reply(202, STARTED))
    api.on(f"GET {STATUS}", WAITING, DONE)
    api.on(f"POST {CONFIRM}", DONE)

    with terminal(environment, *PLAIN) as screen:
        screen.read_until("Done? [y/N]")
        assert "Set the switch to Yes" in screen.text
        screen.type("y\n")
        screen.read_until("Note")
        screen.type("ticket 7\n")
        code = screen.end()

    assert code == 0, screen.text
    assert "9 of 9 steps done" in screen.text
    assert [call.body for call in api.calls_of("POST", CONFIRM)] == [{"note": "ticket 7"}]


def test_who_has_not_done_it_leaves_it_waiting(environment: dict[str, str], api: ApiServer) -> None:
    api.on("POST /api/setups", Reply(202, WAITING))

    with terminal(environment, *PLAIN) as screen:
        screen.read_until("Done? [y/N]")
        screen.type("n\n")
        code = screen.end()

    assert code == 3
    assert f"guestlist setup confirm {SETUP} self-service-groups" in screen.text
    assert not api.calls_of("POST", CONFIRM)


@pytest.mark.parametrize(("key", "code", "calls"), [("y", 0, 2), ("n", 1, 1)])
def test_removal_asks_before_it_removes(
    environment: dict[str, str], api: ApiServer, key: str, code: int, calls: int
) -> None:
    api.on(f"DELETE {APP}?dryRun", Reply(200, REMOVAL, {"ETag": ETAG}))
    api.on(f"DELETE {APP}", Reply(202, {"appId": APP_ID, "state": "removing"}))
    api.on(f"GET {APP}", Reply(404, {"title": "Gone", "status": 404, "reason": "app-missing"}))

    with terminal(environment, "app", "remove", APP_ID) as screen:
        screen.read_until("Remove all of this? [y/N]")
        screen.type(f"{key}\n")
        assert screen.end() == code

    assert len(api.calls_of("DELETE", APP)) == calls


def test_ctrl_c_at_the_question_removes_nothing(environment: dict[str, str], api: ApiServer) -> None:
    api.on(f"DELETE {APP}?dryRun", Reply(200, REMOVAL, {"ETag": ETAG}))

    with terminal(environment, "app", "remove", APP_ID) as screen:
        screen.read_question("Remove all of this? [y/N]")
        screen.type("\x03")
        assert screen.end() == 130

    assert len(api.calls) == 1


def wait_for(condition: Callable[[], object], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("at", ["the checklist", "the question"])
def test_ctrl_c_at_a_terminal_leaves_the_setup_going_and_says_so(
    environment: dict[str, str], api: ApiServer, at: str
) -> None:
    api.on("POST /api/setups", Reply(202, STARTED))
    api.on(f"GET {STATUS}", HALFWAY if at == "the checklist" else WAITING)

    with terminal(environment, *PLAIN) as screen:
        if at == "the checklist":
            screen.read_until("steps done")
        else:
            screen.read_question("Done? [y/N]")
        screen.type("\x03")
        code = screen.end()

    assert code == 130, screen.text
    assert f"guestlist setup show {SETUP} --follow" in screen.text
    assert "Traceback" not in screen.text


def test_interrupted_with_json_it_still_ends_with_one_document(started: Start, api: ApiServer) -> None:
    api.on("POST /api/setups", Reply(202, STARTED))
    api.on(f"GET {STATUS}", HALFWAY)
    process = started(*PLAIN, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: len(api.calls_of("GET", STATUS)) > 1)

    process.send_signal(signal.SIGINT)

    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(stdout) == HALFWAY
    assert b"the setup goes on" in stderr
    assert b"Traceback" not in stderr


def test_interrupted_invitations_go_on_and_are_found_again(started: Start, api: ApiServer) -> None:
    api.on(f"POST /api/groups/{GROUP}/invitations", Reply(202, {"id": "i-1", "state": "accepted"}))
    api.on("GET /api/invitations/i-1", an_invitation("i-1", "ada@fabrikam.com", "parked"))
    process = started(
        "invitation", "create", "ada@fabrikam.com", "--group", GROUP, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(lambda: api.calls_of("GET", "/api/invitations/i-1"))

    process.send_signal(signal.SIGINT)

    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"guestlist invitation list --group {GROUP}".encode() in stderr
    assert b"Traceback" not in stderr
