"""The command as it is installed: it starts quickly and explains itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run

HEAVY = {"azure.identity", "httpx", "msal", "rich.live", "pydantic", "asyncio"}


def test_what_is_slow_to_load_is_not_loaded_for_a_start() -> None:
    program = f"import sys, cli.main; print(sorted({HEAVY!r} & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_help_takes_less_than_a_second_of_the_processor() -> None:
    resource = pytest.importorskip("resource", reason="measures processes on POSIX systems")
    command = [sys.executable, "-m", "cli.main", "--help"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # compiles what is new
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "invitation" in found.stdout
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("setup", "create"),
        ("setup", "show"),
        ("setup", "confirm"),
        ("setup", "retry"),
        ("app", "list"),
        ("app", "inviters"),
        ("app", "show"),
        ("app", "remove"),
        ("invitation", "create"),
        ("invitation", "list"),
        *(("import", verb) for verb in ("create", "list", "show", "undo")),
        *(("audit", verb) for verb in ("run", "list", "show", "report", "change-log", "remedies", "apply", "undo")),
        *(("person", verb) for verb in ("export", "erase")),
        ("stop",),
        ("start",),
        ("doctor",),
    ],
)
def test_every_command_has_help_and_the_document_names_it(guestlist: Run, words: tuple[str, ...]) -> None:
    assert guestlist(*words, "--help").exit_code == 0
    assert " ".join(("guestlist", *words)) in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_environment_has_the_command_and_it_runs_this_tree() -> None:
    program = Path(sys.executable).with_name("guestlist")

    found = subprocess.run([program, "--help"], cwd="/", capture_output=True, text=True, check=True)

    assert "Guestlist's API" in found.stdout
