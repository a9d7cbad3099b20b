"""The lock by which one process at a time builds, on systems with and without fcntl."""

import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from build_tools.lock import locked

ROOT = Path(__file__).resolve().parents[2]
POSIX_ONLY = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
HOLD = """
import sys, pathlib, build_tools.lock
with build_tools.lock.locked(pathlib.Path(sys.argv[1])):
    print('in', flush=True)
    input()
"""


def hold(file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_second_process_waits_until_the_first_has_gone_even_by_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "made" / "lock"
    with hold(file) as first:
        assert first.stdout
        assert first.stdout.readline() == "in\n"
        with hold(file) as second:
            assert second.stdout
            time.sleep(0.5)
            assert second.poll() is None
            first.kill()
            assert second.stdout.readline() == "in\n"
            second.communicate("\n", timeout=20)
            assert second.returncode == 0


def test_on_windows_it_is_tried_until_nobody_else_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: Python, msvcrt.locking: LK_NBLCK raises OSError where the bytes are locked."""
    tries: list[int] = []
    windows = ModuleType("msvcrt")

    def locking(descriptor: int, mode: int, count: int) -> None:
        tries.append(mode)
        if len(tries) < 3:
            raise PermissionError(13, "Permission denied")

    windows.__dict__.update(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(sys, "platform", "win32")

    with locked(tmp_path / "lock"):
        assert tries == [2, 2, 2]


@pytest.mark.parametrize(
    "module",
    ["build_tools.portal", "build_tools.package.__main__", "build_tools.bicep", "infra.grant", "infra.providers"],
)
def test_what_the_hooks_of_azd_run_imports_nothing_that_windows_lacks(module: str) -> None:
    program = f"import sys; sys.modules.update(dict.fromkeys({POSIX_ONLY!r})); import {module}"

    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stderr
