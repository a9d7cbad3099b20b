#!/usr/bin/env python3
"""Sets Guestlist up on this machine and hands over: run, test, lint, bench, package, scan, operate, pin.

Needs any Python from 3.9 and its standard library. Guestlist itself runs on 3.13, which this script finds or
has uv fetch; everything it installs is in ``.venv`` and ``build`` beside it.
"""

# ruff: noqa: S603  (every command here is put together from constants, paths and the user's own arguments)

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if sys.version_info < (3, 9):  # noqa: UP036  (this script alone must start on old versions)
    sys.exit("dev.py needs Python 3.9 or newer to start; Guestlist itself runs on Python 3.13.")

from build_tools.lock import locked

WANTED = "3.13"
ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
TYPED = ("shared", "functions", "function_app.py", "local", "build_tools", "cli", "bench", "infra", "tests", "dev.py")
"""What mypy looks at."""

_WINDOWS = os.name == "nt"
_PROBE = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])"
"""Fails where a distribution has split off what making an environment needs."""


class SetupError(Exception):
    """The environment could not be made; the message says what to do."""


def say(text: str) -> None:
    """Tell what is being done, apart from what the commands print."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def _say_waiting() -> None:
    say("another dev.py is setting up: waiting for it …")


# --- Python and uv


def python_version(executable: str) -> str | None:
    """The version of a Python that can make environments; None if it cannot, or is not there."""
    try:
        # Not in ROOT: a .python-version there would steer pyenv's launchers.
        answer = subprocess.run(
            [executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            cwd=Path.home(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def candidates(environment: dict[str, str], home: Path, running: str) -> Iterator[str]:
    """Where a Python 3.13 may be, the likeliest first: this one, PATH, pyenv's versions, those uv manages."""
    yield running
    for name in (f"python{WANTED}", "python3", "python"):
        found = shutil.which(name, path=environment.get("PATH", ""))
        if found:
            yield found
    program = "python.exe" if _WINDOWS else f"bin/python{WANTED}"
    folders = [
        Path(environment.get("PYENV_ROOT") or home / ".pyenv") / "versions" / f"{WANTED}*",
        home / ".pyenv" / "versions" / f"{WANTED}*",
        Path(environment.get("UV_PYTHON_INSTALL_DIR") or _uv_data(environment, home) / "python")
        / f"cpython-{WANTED}*",
    ]
    for folder in folders:
        yield from sorted((str(p) for p in folder.parent.glob(f"{folder.name}/{program}")), reverse=True)


def _uv_data(environment: dict[str, str], home: Path) -> Path:
    if _WINDOWS:
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "uv" / "data"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "uv"


def find_python(environment: dict[str, str], home: Path, running: str = sys.executable) -> str | None:
    """A Python 3.13 on this machine."""
    tried = set()
    for executable in candidates(environment, home, running):
        if executable in tried:
            continue
        tried.add(executable)
        version = python_version(executable)
        if version and version.startswith(f"{WANTED}."):
            return executable
    return None


def find_uv() -> str:
    """uv from PATH, or installed for this folder alone.

    Raises:
        SetupError: it is not there and could not be installed.
    """
    found = shutil.which("uv")
    if found:
        return found
    folder = BUILD / "uv"
    program = _program(folder, "uv")
    if not program.exists():
        say("installing uv into build/uv …")
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
            subprocess.run([str(_program(folder, "python")), *_PIP, "install", "uv"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(f"uv could not be installed:\n{_output(error)}") from error
    return str(program)


def fetch_python() -> str:
    """A Python 3.13 fetched by uv.

    Raises:
        SetupError: that did not work either.
    """
    try:
        uv = find_uv()
        say(f"no Python {WANTED} on this machine: uv fetches one …")
        subprocess.run([uv, "python", "install", WANTED], check=True, capture_output=True, text=True)
        found = subprocess.run([uv, "python", "find", WANTED], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError, SetupError) as error:
        raise SetupError(
            f"Guestlist runs on Python {WANTED}, and there is none on this machine that can make an environment.\n"
            f"Looked at: this Python ({sys.executable}), python{WANTED} on PATH, pyenv's versions, those of uv.\n"
            f"Fetching one failed: {_output(error)}\n"
            f"Install Python {WANTED} in any way (python.org, 'pyenv install {WANTED}', "
            f"'uv python install {WANTED}', 'apt install python{WANTED}-venv') and start this again."
        ) from error
    return found.stdout.strip()


def _output(error: Exception) -> str:
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    texts = [t.decode(errors="replace") if isinstance(t, bytes) else t or "" for t in (error.stdout, error.stderr)]
    return "".join(texts).strip()[-3000:] or str(error)


# --- The environment

_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
_HASHED = ("--require-hashes",)
"""Every package is one whose bytes were known when the list was written, or it is not installed."""


def _program(venv: Path, name: str) -> Path:
    return venv / "Scripts" / f"{name}.exe" if _WINDOWS else venv / "bin" / name


def stamp_of(root: Path, version: str) -> str:
    """What an environment was made from: the requirement files and the version of Python."""
    digest = hashlib.sha256(version.encode())
    for name in REQUIREMENTS:
        digest.update(b"\0" + (root / name).read_bytes())
    return digest.hexdigest()


def is_current(root: Path, venv: Path) -> bool:
    """Whether the environment is whole and made from the requirements of now. Starts no process."""
    if not _program(venv, "python").exists():  # false for a link to a Python that has gone, too
        return False
    try:
        version, stamp = (venv / "guestlist-stamp").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return False
    return stamp == stamp_of(root, version)


def ensure_environment(root: Path = ROOT, venv: Path = VENV) -> Path:
    """Make ``.venv`` where it is missing, interrupted or old; gives its Python.

    Raises:
        SetupError: it could not be made.
    """
    python = _program(venv, "python")
    if is_current(root, venv):
        return python
    with locked(root / "build" / "dev", _say_waiting):
        if is_current(root, venv):  # the one we waited for has done it
            return python
        _make_environment(root, venv)
    return python


def _make_environment(root: Path, venv: Path) -> None:
    started = time.monotonic()
    python, stamp, begun = _program(venv, "python"), venv / "guestlist-stamp", venv / "guestlist-installing"
    version = python_version(str(python)) if python.exists() else None
    usable = version is not None and version.startswith(f"{WANTED}.") and not begun.exists()
    base = str(python) if usable else find_python(dict(os.environ), Path.home()) or fetch_python()
    try:
        if not usable:
            version = python_version(base)
            say(f"making .venv with Python {version} ({base}) …")
            subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True, capture_output=True)
        # An install that is interrupted from here on may leave half a package: then the environment is made again.
        begun.touch()
        stamp.unlink() if stamp.exists() else None
        if usable:  # it may have been made without pip
            subprocess.run([str(python), "-m", "ensurepip"], check=True, capture_output=True)
        say("installing the pinned packages (a minute or two) …")
        # --no-compile: of 20,000 modules a few thousand are ever used, and compiled then.
        install = [str(python), *_PIP, "install", "--no-compile", *_HASHED, "-r", str(root / "requirements-dev.txt")]
        subprocess.run(install, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=root)
        # The guestlist command, straight from the tree. Its needs are among the pinned ones; nothing is fetched.
        command = [str(python), *_PIP, "install", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(root)]
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=root)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"The environment could not be made:\n{_output(error)}") from error
    stamp.write_text(f"{version} {stamp_of(root, version or '')}\n", encoding="utf-8")
    begun.unlink()
    say(f"the environment is ready ({time.monotonic() - started:.0f} s).")


def ensure_checks(python: Path) -> Path:
    """Make ``build/check`` where it is missing or old: checkov and pip-audit, whose needs do not go with Guestlist's;
    gives its Python.

    Raises:
        SetupError: it could not be made.
    """
    venv, requirements = BUILD / "check", ROOT / "infra" / "requirements-check.txt"
    stamp, wanted = venv / "guestlist-stamp", hashlib.sha256(requirements.read_bytes()).hexdigest()
    with locked(BUILD / "check", _say_waiting):
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and _program(venv, "python").exists():
            return _program(venv, "python")
        say("installing checkov into build/check (a minute or two) …")
        try:
            subprocess.run([str(python), "-m", "venv", "--clear", str(venv)], check=True, capture_output=True)
            install = [str(_program(venv, "python")), *_PIP, "install", *_HASHED, "-r", str(requirements)]
            subprocess.run(install, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(f"checkov could not be installed:\n{_output(error)}") from error
        stamp.write_text(wanted, encoding="utf-8")
    return _program(venv, "python")


# --- Commands


def hand_over(python: Path, *arguments: str, folder: Path = ROOT) -> int:
    """Become another program in a folder; where the system cannot, run it and give its status."""
    sys.stdout.flush()
    command = [str(python), *arguments]
    os.chdir(folder)
    if not _WINDOWS:
        os.execv(command[0], command)  # noqa: S606
    return subprocess.call(command)


def run(given: argparse.Namespace, more: list[str]) -> int:
    arguments = [*(["--exit"] if given.exit else []), *(["--svg", given.svg] if given.svg else []), *more]
    return hand_over(ensure_environment(), "-m", "local", "run", *arguments)


def bench(given: argparse.Namespace, more: list[str]) -> int:
    arguments = [*given.names, *(["--json", given.json] if given.json else [])]
    arguments += [*(["--write"] if given.write else []), *more]
    return hand_over(ensure_environment(), "-m", "bench", *arguments)


def operations(root: Path = ROOT) -> list[str]:
    """What there is to operate with: the programs in ``infra/`` that have a command line."""
    files = [*(root / "infra").glob("[a-z]*.py"), *(root / "infra").glob("*/__main__.py")]
    found = [file for file in files if "\ndef parser(" in file.read_text(encoding="utf-8")]
    return sorted((f.parent if f.name == "__main__.py" else f).stem.replace("_", "-") for f in found)


def operate(given: argparse.Namespace, more: list[str]) -> int:
    """A program of ``infra/``. It stays in the folder it was called in: files it is given are found from there."""
    if given.name not in operations():
        say(f"there is no '{given.name}' to operate with; there is {', '.join(operations())}")
        return 2
    os.environ["PYTHONPATH"] = str(ROOT)
    module = f"infra.{given.name.replace('-', '_')}"
    # -P: a folder of the same name where the user happens to be is not taken for ours.
    return hand_over(ensure_environment(), "-P", "-m", module, *given.arguments, *more, folder=Path.cwd())


def package(given: argparse.Namespace, more: list[str]) -> int:
    out = ["--out", str(Path(given.out).resolve())] if given.out else []
    return hand_over(ensure_environment(), "-m", "build_tools.package", *out, *more)


def test(given: argparse.Namespace, more: list[str]) -> int:
    """pytest, then the Graph traffic that all its processes recorded as one file."""
    del given
    python = ensure_environment()
    # Without one the browser tests fail and say so.
    subprocess.call([str(python), "-m", "build_tools.chromium"], cwd=ROOT, stdout=subprocess.DEVNULL)
    folder, whole = BUILD / "traffic", BUILD / "traffic.jsonl"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    whole.unlink() if whole.exists() else None
    # The app is tested as it is deployed. Where that cannot be built, the tests that start it fail and say so.
    if subprocess.call([str(python), "-m", "build_tools.package", "--folder-only"], cwd=ROOT):
        shutil.rmtree(BUILD / "package", ignore_errors=True)  # never an older one
    environment = {"GUESTLIST_APP_FOLDER": str(BUILD / "package"), "GUESTLIST_FORKS": "1", **os.environ}
    environment["GUESTLIST_TRAFFIC"] = str(folder) + os.sep
    command = [str(python), "-m", "pytest", "-n", "3", "--dist", "loadgroup", "--no-loadscope-reorder", *more]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:  # pytest gets it as well, and ends with its summary
            continue
    parts = sorted(folder.glob("*.jsonl"))
    with whole.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target)
    return status


def _has_python(path: Path) -> bool:
    return path.is_file() or any(path.rglob("*.py"))


def _checks(environment: Path) -> Iterator[list[str]]:
    """The longest comes first; the last ones once checkov is installed."""
    python = str(environment)
    yield [python, "-m", "mypy", *(name for name in TYPED if _has_python(ROOT / name))]
    yield [python, "-m", "ruff", "format", "--check", "."]
    yield [python, "-m", "ruff", "check", "."]
    yield [str(_program(VENV, "lint-imports"))]
    yield [python, "-m", "build_tools.portal", "--check"]
    yield [python, "-m", "build_tools.bicep"]
    checks = str(ensure_checks(environment))
    yield [checks, "infra/check.py"]
    yield [checks, "infra/no_secrets.py"]


def lint(given: argparse.Namespace, more: list[str]) -> int:
    """All of them run, two at a time, whatever the others found; each shows what it said when it has ended."""
    del given, more
    failed: list[str] = []
    show = threading.Lock()
    # Where somebody looks, as the programs would show it themselves.
    environment = {**os.environ, **({"FORCE_COLOR": "1"} if sys.stdout.isatty() else {})}

    def run_check(check: list[str]) -> None:
        name = " ".join(Path(check[0]).name if i == 0 else part for i, part in enumerate(check))
        done = subprocess.run(
            check, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        with show:
            say(name)
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
            if done.returncode:
                failed.append(name)

    try:
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(run_check, check) for check in _checks(ensure_environment())]
        for one in running:
            one.result()
    finally:
        for name in failed:
            say(f"failed: {name}")
    return 1 if failed else 0


def scan(given: argparse.Namespace, more: list[str]) -> int:
    """Known vulnerabilities of what is pinned; says so where the services cannot be reached."""
    del more
    return hand_over(
        ensure_checks(ensure_environment()), "infra/vulnerabilities.py", *(["--must"] if given.must else [])
    )


def pin(given: argparse.Namespace, more: list[str]) -> int:
    """Resolve again what pyproject.toml names."""
    del given
    compile_ = [find_uv(), "pip", "compile", "--universal", "--python-version", WANTED]
    compile_ += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet", *more]
    runtime, development = REQUIREMENTS
    project, checks = "pyproject.toml", "infra/requirements-check"
    for source, *arguments in (
        [project, "-o", runtime],
        [project, "--group", "dev", "-c", runtime, "-o", development],
        [f"{checks}.in", "-o", f"{checks}.txt"],
    ):
        status = subprocess.call([*compile_, source, *arguments], cwd=ROOT)
        if status:
            return status
        say(f"wrote {arguments[-1]}")
    return 0


def types(given: argparse.Namespace, more: list[str]) -> int:
    """Draw the portal's types again from the API's description."""
    del given, more
    return hand_over(ensure_environment(), "-m", "build_tools.portal", "--types")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="dev.py", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands.add_parser("run", help="start everything on this machine and invite the sample guests")
    one.add_argument("--exit", action="store_true", help="end when the guests have reached their ends")
    one.add_argument("--svg", metavar="FILE", help="save what is printed as a picture")
    one.set_defaults(command=run)

    one = commands.add_parser(
        "test", help="run the tests", description="Runs pytest; every other argument is handed to it."
    )
    one.set_defaults(command=test)

    one = commands.add_parser(
        "lint", help="ruff, mypy, the import rules, the portal and the templates; all are run, all failures shown"
    )
    one.set_defaults(command=lint)

    one = commands.add_parser("types", help="draw the portal's types again from the API's models")
    one.set_defaults(command=types)

    one = commands.add_parser(
        "bench",
        help="measure, against what the library or platform does alone",
        description="Runs benchmarks and prints one table; every other argument is handed to 'python -m bench'.",
    )
    one.add_argument("names", nargs="*", metavar="NAME", help="benchmarks (default: all)")
    one.add_argument("--json", metavar="FILE", help="write the rows there as well")
    one.add_argument("--write", action="store_true", help="put them into bench/figures.json and the documents")
    one.set_defaults(command=bench)

    one = commands.add_parser(
        "operate",
        help="run a program against a deployed Guestlist: backup and restore, …",
        description=f"Programs: {', '.join(operations())}. Each has --help; see docs/operations.md.",
    )
    one.add_argument("name", metavar="NAME", help="the program")
    one.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="handed to it")
    one.set_defaults(command=operate)

    one = commands.add_parser(
        "package",
        help="build what is deployed to Azure, and print its size and cold import",
        description="Builds build/package and build/guestlist.zip; every other argument is handed to the builder.",
    )
    one.add_argument("--out", metavar="FOLDER", help="build it there (default: build/package)")
    one.set_defaults(command=package)

    one = commands.add_parser(
        "scan", help="ask whether a pinned package has a known vulnerability (needs the internet)"
    )
    one.add_argument("--must", action="store_true", help="fail where nobody can be asked")
    one.set_defaults(command=scan)

    one = commands.add_parser(
        "pin",
        help="write requirements.txt and requirements-dev.txt again from pyproject.toml",
        description="Resolves with uv; every other argument is handed to 'uv pip compile' (for example --upgrade).",
    )
    one.set_defaults(command=pin)
    return whole


def main(arguments: list[str]) -> int:
    """Runs one command; gives its exit status, 2 where the environment could not be made."""
    given, more = parser().parse_known_args(arguments)
    if more and given.command is lint:
        parser().error(f"unrecognized arguments: {' '.join(more)}")
    try:
        return int(given.command(given, more))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
