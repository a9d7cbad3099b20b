"""The command in this process or as a process of its own, against an API that answers what a test lays down."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.cli.api_server import ApiServer, serving

ROOT = Path(__file__).resolve().parents[2]
type Run = Callable[..., Any]


def a_token(*roles: str) -> str:
    """With the claims that the client looks at; nobody verifies it here."""
    claims = {"preferred_username": "adam.admin@contoso.com", "roles": list(roles)}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "unsigned"])


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def environment(api: ApiServer, tmp_path: Path) -> dict[str, str]:
    """Of the command; nothing of this machine's own sign-ins gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "AZURE_"))}
    return kept | {
        "GUESTLIST_URL": api.url,
        "GUESTLIST_TOKEN": a_token("Admin"),
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "COLUMNS": "150",
    }


@pytest.fixture
def guestlist(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command here; gives `exit_code`, `stdout`, `stderr`."""
    for name in [name for name in os.environ if name.startswith(("GUESTLIST_", "AZURE_"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **more: str | None) -> Any:
        found = CliRunner().invoke(app, arguments, env={**environment, **more})
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return run


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command as a process of its own; what is left of it ends with the test."""
    processes = []

    def start(*arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "cli.main", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, **more)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for stream in (process.stdout, process.stderr, process.stdin):
            if stream is not None:
                stream.close()
