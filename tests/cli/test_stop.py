"""`guestlist stop` and `guestlist start`."""

import json

from tests.cli.api_server import ApiServer, problem
from tests.cli.conftest import Run

STOPPED = {"isStopped": True, "since": "2026-03-02T09:00:00Z", "reason": "Odd [bold]"}
RUNNING = {"isStopped": False, "since": None, "reason": None}


def test_stopping_says_since_when_and_how_to_go_on(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/stop", STOPPED)

    found = guestlist("stop", "--reason", "Odd [bold]")

    assert found.exit_code == 0
    for part in ("2026-03-02T09:00:00Z", "Odd [bold]", "guestlist start"):
        assert part in found.stdout
    assert api.calls[-1].body == {"reason": "Odd [bold]"}


def test_starting_again_is_safe_to_repeat(guestlist: Run, api: ApiServer) -> None:
    api.on("DELETE /api/stop", RUNNING)

    found = guestlist("start", "--json")

    assert found.exit_code == 0
    assert json.loads(found.stdout) == RUNNING


def test_who_is_no_operator_is_told_so(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/stop", problem(403, "not-admin"))

    assert guestlist("stop").exit_code == 1
