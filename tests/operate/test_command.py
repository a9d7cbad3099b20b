"""``dev.py operate`` as operators call it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def operate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), "operate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_files_are_found_from_where_the_user_is_and_programs_from_where_guestlist_is(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__init__.py").write_text("raise SystemExit('another infra')")
    (tmp_path / "mine").mkdir()

    found = operate(tmp_path, "tables", "verify", "--from", "mine")

    assert (found.returncode, found.stderr.strip()) == (
        1,
        "mine has no manifest.json: it is no backup, or one that was broken off.",
    )


def test_a_program_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    found = operate(tmp_path, "table", "verify")

    assert found.returncode == 2
    assert "there is no 'table' to operate with" in found.stderr
    assert "tables" in found.stderr.partition("there is ")[2]
