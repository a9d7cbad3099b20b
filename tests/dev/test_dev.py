"""`dev.py`: starts on old Pythons, finds a 3.13, makes the environment once."""

import ast
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "dev.py"


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add((node.module or "").partition(".")[0])
    return found


FIRST = (FILE, FILE.parent / "build_tools" / "__init__.py", FILE.parent / "build_tools" / "lock.py")
"""All that there is before the environment: what dev.py imports of the repository is no more."""


def test_dev_imports_the_standard_library_and_the_lock_alone() -> None:
    found = [_imports(ast.parse(file.read_text(encoding="utf-8"))) for file in FIRST]
    assert "subprocess" in found[0]
    assert set().union(*found) - sys.stdlib_module_names == {"build_tools"}
    assert re.findall(r"^(?:from|import) build_tools.*?(?= import)", FILE.read_text(encoding="utf-8"), re.M) == [
        "from build_tools.lock"
    ]


def test_dev_is_written_in_the_syntax_of_python_3_9() -> None:
    for file in FIRST:
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
    for newer in ("match x:\n    case 1: pass", "def f[T](x: T): pass"):
        with pytest.raises(SyntaxError):
            ast.parse(newer, feature_version=(3, 9))


@pytest.mark.parametrize("command", ["run", "test", "lint", "bench", "package", "operate", "pin"])
def test_every_command_has_help(command: str) -> None:
    answer = subprocess.run([sys.executable, FILE, command, "--help"], capture_output=True, text=True, check=True)
    assert f"dev.py {command}" in answer.stdout


def test_an_unknown_command_is_refused() -> None:
    answer = subprocess.run([sys.executable, FILE, "fly"], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "fly" in answer.stderr


def _check(says: str, status: int) -> list[str]:
    return [sys.executable, "-c", f"print({says!r}); raise SystemExit({status})"]


def test_lint_shows_what_all_checks_said_and_names_those_that_failed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = [_check("one", 0), _check("two", 1), _check("three", 0)]
    monkeypatch.setattr(dev, "ensure_environment", lambda: Path(sys.executable))
    monkeypatch.setattr(dev, "_checks", lambda _: iter(checks))

    assert dev.main(["lint"]) == 1
    said = capfd.readouterr()
    assert sorted(said.out.split()) == ["one", "three", "two"]
    (failed,) = [line for line in said.err.splitlines() if line.startswith("dev.py: failed: ")]
    assert "print('two')" in failed


def test_lint_goes_on_with_the_other_checks_where_checkov_cannot_be_had(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def checks(_: Path) -> Iterator[list[str]]:
        yield _check("one", 1)
        raise dev.SetupError("no checkov")

    monkeypatch.setattr(dev, "ensure_environment", lambda: Path(sys.executable))
    monkeypatch.setattr(dev, "_checks", checks)

    assert dev.main(["lint"]) == 2
    said = capfd.readouterr()
    assert said.out.split() == ["one"]
    assert "dev.py: failed: " in said.err
    assert "no checkov" in said.err


def _program(path: Path, says: str) -> Path:
    """A stand-in for a Python of some version: what it answers when it is asked for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


posix_only = pytest.mark.skipif(os.name == "nt", reason="programs are made as shell scripts")


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A Python 3.11, as the one that dev.py was started with."""
    return str(_program(tmp_path / "old" / "python3", "echo 3.11.7"))


@posix_only
def test_a_launcher_on_the_path_that_does_not_start_is_passed_over(dev: ModuleType, tmp_path: Path, old: str) -> None:
    _program(tmp_path / "bin" / "python3.13", "echo 'not installed' >&2; exit 127")
    good = _program(tmp_path / "home/.pyenv/versions/3.13.2/bin/python3.13", "echo 3.13.2")
    assert dev.find_python({"PATH": str(tmp_path / "bin")}, tmp_path / "home", old) == str(good)


@posix_only
def test_pyenv_is_looked_for_where_its_variable_points(dev: ModuleType, tmp_path: Path, old: str) -> None:
    good = _program(tmp_path / "elsewhere/versions/3.13.0/bin/python3.13", "echo 3.13.0")
    assert dev.find_python({"PATH": "", "PYENV_ROOT": str(tmp_path / "elsewhere")}, tmp_path, old) == str(good)


@posix_only
def test_a_python_that_uv_manages_is_found(dev: ModuleType, tmp_path: Path, old: str) -> None:
    folder = tmp_path / ".local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu"
    good = _program(folder / "bin/python3.13", "echo 3.13.1")
    assert dev.find_python({"PATH": ""}, tmp_path, old) == str(good)


@posix_only
def test_another_version_is_not_taken_whatever_it_is_called(dev: ModuleType, tmp_path: Path, old: str) -> None:
    _program(tmp_path / "bin" / "python3.13", "echo 3.14.0")
    _program(tmp_path / "bin" / "python3", "echo 3.1.3")
    assert dev.find_python({"PATH": str(tmp_path / "bin")}, tmp_path, old) is None


def test_the_running_python_comes_first_when_it_fits(dev: ModuleType, tmp_path: Path) -> None:
    assert dev.find_python({"PATH": ""}, tmp_path) == sys.executable


@pytest.fixture
def made(dev: ModuleType, tmp_path: Path) -> Path:
    """A folder with requirements and an environment that was made from them."""
    for name in dev.REQUIREMENTS:
        (tmp_path / name).write_text("httpx==1\n", encoding="utf-8")
    python = dev._program(tmp_path / ".venv", "python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    stamp = f"3.13.0 {dev.stamp_of(tmp_path, '3.13.0')}\n"
    (tmp_path / ".venv" / "guestlist-stamp").write_text(stamp, encoding="utf-8")
    return tmp_path


def test_an_environment_made_from_the_requirements_of_now_is_current(dev: ModuleType, made: Path) -> None:
    assert dev.is_current(made, made / ".venv")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_changed_requirements_make_it_old(dev: ModuleType, made: Path, name: str) -> None:
    (made / name).write_text("httpx==2\n", encoding="utf-8")
    assert not dev.is_current(made, made / ".venv")


def test_without_a_whole_stamp_it_is_not_current(dev: ModuleType, made: Path) -> None:
    stamp = made / ".venv" / "guestlist-stamp"
    stamp.write_text("3.13.0", encoding="utf-8")
    assert not dev.is_current(made, made / ".venv")
    stamp.unlink()
    assert not dev.is_current(made, made / ".venv")


def test_an_environment_whose_python_has_gone_is_not_current(dev: ModuleType, made: Path) -> None:
    python = dev._program(made / ".venv", "python")
    python.unlink()
    python.symlink_to(made / "gone")
    assert not dev.is_current(made, made / ".venv")


def test_only_one_at_a_time_gets_through_the_lock(dev: ModuleType, tmp_path: Path) -> None:
    entered = threading.Event()

    def second() -> None:
        with dev.locked(tmp_path / "lock"):
            entered.set()

    thread = threading.Thread(target=second)
    with dev.locked(tmp_path / "lock"):
        thread.start()
        assert not entered.wait(0.5)
    assert entered.wait(20)
    thread.join(20)


@posix_only
def test_where_no_python_can_be_had_it_says_what_to_do(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "uv", "echo 'no network' >&2; exit 2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(dev.SetupError, match="no network") as caught:
        dev.fetch_python()
    assert "Python 3.13" in str(caught.value)
    assert "pyenv install 3.13" in str(caught.value)
