"""Starts the app's process. Little is imported here: the app loads while the host imports the rest of itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.host.forks import Forked
from local.host.options import Options

_ROOT = str(Path(__file__).parents[2])
"""Where the package `local` is imported from."""

_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
_DEFAULT_THREADS = "1000"
"""Threads for functions that are not `async`, where the setting is not there: seen on Microsoft's host 4.1037."""


@dataclass(frozen=True, slots=True)
class AppProcess:
    """A process that loads the app, and the host's end of the socket to it."""

    process: subprocess.Popen[bytes] | Forked
    connection: socket.socket


def launch(options: Options, environment: Mapping[str, str]) -> AppProcess:
    """Starts it; how it fares is said over the socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        if options.forks is not None:
            return AppProcess(Forked(options.forks, [], [theirs.fileno()]), ours)
        return AppProcess(start(options, environment, theirs), ours)


def start(
    options: Options, environment: Mapping[str, str], theirs: socket.socket, *more: str
) -> subprocess.Popen[bytes]:
    """Starts it from nothing. With `more` it loads these modules and is forked (`local.host.forks`)."""
    return subprocess.Popen(  # noqa: S603  (our own module)
        [*_command(options, str(theirs.fileno())), options.app, *more],
        cwd=options.app,
        env=_environment(environment),
        stdin=subprocess.DEVNULL,
        pass_fds=(theirs.fileno(),),
    )


def _command(options: Options, descriptor: str) -> list[str]:
    if not options.host_folder:
        # -P: neither the working directory nor the script's comes before everything else.
        return [sys.executable, "-P", "-m", "local.host.python_worker", descriptor]
    # A bare interpreter: no environment variable of Python's, no site-packages. -u, as one of those would have said.
    program = str(Path(options.host_folder) / "local" / "host" / "bare.py")
    return [sys.executable, "-I", "-S", "-u", program, options.host_folder, descriptor]


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker process gets: settings that are empty are not there (azure-functions-host issue 4488)."""
    return {
        _THREADS: _DEFAULT_THREADS,
        **{name: value for name, value in environment.items() if value},
        "PYTHONPATH": python_path(environment),
    }


def python_path(environment: Mapping[str, str]) -> str:
    """The variable for a process that imports `local` as well."""
    return os.pathsep.join(part for part in (_ROOT, environment.get("PYTHONPATH", "")) if part)
