"""`guestlist import`: what is checked before, what is followed, how it ends."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import GROUP

IMPORT = "fe62a1b2c3d40123456789"
PATH = f"/api/groups/{GROUP}/imports"
ONE = f"{PATH}/{IMPORT}"
RESULTS = "address,state\nada@fabrikam.com,member\n"
PREVIEW: dict[str, Any] = {
    "rows": 2,
    "counts": {"new": 2},
    "first": {"new": [{"line": 2, "address": "ada@fabrikam.com", "what": "is invited"}]},
    "notes": [],
    "pace": {"said": "About a minute."},
}
STATES = ("accepted", "member", "mailed", "failed", "invalid")


def an_import(state: str = "done", done: int = 2, **changes: Any) -> dict[str, Any]:
    counts = {**dict.fromkeys(STATES, 0), "member": done}
    facts = {
        "id": IMPORT,
        "groupId": GROUP,
        "fileName": "guests.csv",
        "state": state,
        "rows": 2,
        "allRead": True,
        "counts": counts,
        "reasons": {},
        "done": done,
        "guestsPerSecond": None,
        "secondsLeft": None,
        "waitsFor": None,
        "notes": [],
        "undoUntil": "2026-12-01T00:00:00Z",
    }
    return facts | changes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "guests.csv"
    path.write_text("address\nada@fabrikam.com\nbob@fabrikam.com\n")
    return path


@pytest.fixture
def laid(api: ApiServer) -> ApiServer:
    """An import that runs and is done."""
    api.on(f"POST {PATH}?dryRun", PREVIEW)
    api.on(f"POST {PATH}", Reply(202, an_import("running", 0)))
    api.on(f"GET {ONE}", an_import("running", 1), an_import())
    api.on(f"GET {ONE}/results", Reply(200, RESULTS, {"Content-Type": "text/csv"}))
    return api


def command(file: Path, *more: str) -> tuple[str, ...]:
    return ("import", "create", str(file), "--group", GROUP, "--yes", *more)


def test_a_file_is_previewed_imported_followed_and_its_outcomes_kept(
    guestlist: Run, laid: ApiServer, file: Path
) -> None:
    found = guestlist(*command(file))

    assert found.exit_code == 0, found.output
    assert "done: 2 of 2 rows" in found.stdout
    assert file.with_name("guests.results.csv").read_text() == RESULTS
    previewed, imported = laid.calls_of("POST", PATH)
    assert previewed.body == imported.body == file.read_text()
    assert "idempotency-key" not in previewed.headers
    assert len(imported.headers["idempotency-key"]) == 36


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        (["--results", "{folder}/nowhere/r.csv"], "no folder", "Make it"),
        (["--results", "{folder}"], "is a folder", "--results"),
        (["--results", "{folder}/guests.csv"], "is there already", "--force"),
    ],
)
def test_where_outcomes_cannot_go_is_said_before_anything_is_sent(
    guestlist: Run, laid: ApiServer, file: Path, arguments: list[str], said: str, remedy: str
) -> None:
    found = guestlist(*command(file, *(a.format(folder=file.parent) for a in arguments)))

    assert found.exit_code == 2
    assert said in found.stderr
    assert remedy in found.stderr
    assert laid.calls == []


def test_outcomes_are_overwritten_only_by_force(guestlist: Run, laid: ApiServer, file: Path) -> None:
    target = file.with_name("guests.results.csv")
    target.write_text("old")

    assert guestlist(*command(file)).exit_code == 2
    assert guestlist(*command(file, "--force")).exit_code == 0
    assert target.read_text() == RESULTS


def test_a_key_of_an_earlier_run_goes_on_with_the_same_import(guestlist: Run, laid: ApiServer, file: Path) -> None:
    guestlist(*command(file, "--key", "of-the-first-run"))

    assert laid.calls_of("POST", PATH)[1].headers["idempotency-key"] == "of-the-first-run"


def test_outcomes_come_in_parts_and_a_part_of_another_site_is_never_asked_for(
    guestlist: Run, laid: ApiServer, file: Path
) -> None:
    more = Reply(200, "a\n", {"Link": f'<{ONE}/results-2>; rel="next"'})
    laid.on(f"GET {ONE}/results", more)
    laid.on(f"GET {ONE}/results-2", Reply(200, "b\n"))
    assert guestlist(*command(file)).exit_code == 0
    assert file.with_name("guests.results.csv").read_text() == "a\nb\n"

    for link in ("https://evil.example/r", "//evil.example/r"):
        laid.on(f"GET {ONE}/results", Reply(200, "a\n", {"Link": f'<{link}>; rel="next"'}))
        found = guestlist(*command(file, "--force"))
        assert found.exit_code == 1
        assert "not its own" in found.stderr
        assert file.with_name("guests.results.csv").read_text() == "a\nb\n", "half of the results is no results"
        assert not list(file.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (an_import(), 0),
        (an_import(counts={**dict.fromkeys(STATES, 0), "member": 1, "failed": 1}), 1),
        (an_import(counts={**dict.fromkeys(STATES, 0), "member": 1, "invalid": 1}), 1),
        (an_import("cancelled", 1), 1),
        (an_import("cancelled", 2), 0),
        (an_import("cancelled", 2, allRead=False), 1),
    ],
)
def test_the_exit_code_tells_whether_all_rows_became_guests(
    guestlist: Run, laid: ApiServer, file: Path, end: dict[str, Any], code: int
) -> None:
    laid.on(f"GET {ONE}", end)

    assert guestlist(*command(file)).exit_code == code
    assert guestlist("import", "show", IMPORT, "--group", GROUP).exit_code == code


def test_a_paused_import_is_not_watched_for_ever(guestlist: Run, laid: ApiServer, file: Path) -> None:
    laid.on(f"GET {ONE}", an_import("paused", 1))

    found = guestlist(*command(file))

    assert found.exit_code == 3
    assert f"guestlist import resume {IMPORT} --group {GROUP}" in found.stderr
    assert not file.with_name("guests.results.csv").exists()


def test_a_preview_that_is_not_answered_is_not_sent_again(guestlist: Run, laid: ApiServer, file: Path) -> None:
    laid.on(f"POST {PATH}?dryRun", Reply(cut=True))

    found = guestlist(*command(file))

    assert found.exit_code == 1
    assert len(laid.calls_of("POST", PATH)) == 1


def test_an_upload_whose_answer_is_lost_is_repeated_as_the_same_import(
    guestlist: Run, laid: ApiServer, file: Path
) -> None:
    laid.on(f"POST {PATH}", Reply(cut=True), Reply(202, an_import("running", 0)))

    assert guestlist(*command(file)).exit_code == 0

    _, first, second = laid.calls_of("POST", PATH)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_what_the_api_refuses_is_told(guestlist: Run, laid: ApiServer, file: Path) -> None:
    laid.on(f"POST {PATH}?dryRun", problem(422, "file-no-address-column"))

    found = guestlist(*command(file))

    assert found.exit_code == 1
    assert "Remedy of file-no-address-column" in found.stderr


def interrupted(process: "subprocess.Popen[bytes]", api: ApiServer, method: str, path: str, count: int) -> str:
    """Press Ctrl-C when the call has come; gives what the command said."""
    deadline = time.monotonic() + 60
    while len(api.calls_of(method, path)) < count:
        assert time.monotonic() < deadline, process.poll()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, (out, error)
    return (out + error).decode()


type Started = Callable[..., "subprocess.Popen[bytes]"]


def test_ctrl_c_during_the_upload_says_how_to_go_on_with_the_same_import(
    started: Started, laid: ApiServer, file: Path
) -> None:
    laid.on(f"POST {PATH}", Reply(hangs=True))

    process = started(*command(file), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = interrupted(process, laid, "POST", PATH, 2)

    key = laid.calls_of("POST", PATH)[1].headers["idempotency-key"]
    assert f"--key {key}" in re.sub(r"\s+", " ", said)
    assert "guestlist import list" in said


def test_ctrl_c_while_outcomes_are_fetched_says_how_to_fetch_them_and_leaves_nothing_half(
    started: Started, laid: ApiServer, file: Path
) -> None:
    laid.on(f"GET {ONE}/results", Reply(hangs=True))

    process = started(*command(file), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = interrupted(process, laid, "GET", f"{ONE}/results", 1)

    assert f"guestlist import results {IMPORT}" in re.sub(r"\s+", " ", said)
    assert sorted(p.name for p in file.parent.iterdir()) == ["guests.csv"]


def test_fetching_outcomes_names_the_right_remedy(guestlist: Run, laid: ApiServer, tmp_path: Path) -> None:
    target = tmp_path / "r.csv"
    target.write_text("old")
    arguments = ("import", "results", IMPORT, str(target), "--group", GROUP)

    found = guestlist(*arguments)

    assert found.exit_code == 2
    assert "--force" in found.stderr
    assert "--results" not in found.stderr
    assert guestlist(*arguments, "--force").exit_code == 0
    assert target.read_text() == RESULTS


def test_an_undo_is_shown_asked_for_and_followed(guestlist: Run, laid: ApiServer) -> None:
    plan = {"memberships": 2, "guests": 1, "kept": 1, "until": "2026-12-01T00:00:00Z"}
    laid.on(f"POST {ONE}/undo?dryRun", plan)
    laid.on(f"POST {ONE}/undo", Reply(202, an_import("undoing")))
    laid.on(f"GET {ONE}", an_import("undone"))
    asked = ("import", "undo", IMPORT, "--group", GROUP)

    assert guestlist(*asked).exit_code == 3, "nobody is there to ask"
    assert guestlist(*asked, "--dry-run").exit_code == 0
    assert len(laid.calls_of("POST", f"{ONE}/undo")) == 2
    found = guestlist(*asked, "--yes")

    assert found.exit_code == 0
    assert "2 memberships would be removed, 1 accounts deleted" in found.stdout
    assert "undone: 2 of 2 rows" in found.stdout
