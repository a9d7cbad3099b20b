"""What the command line decides, and the start of the app's process. Little is imported here: the app loads while the
host imports the rest of itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from local.host.forks import Forked, channel

MOST_WORKERS = 10
"""`FUNCTIONS_WORKER_PROCESS_COUNT` goes up to 10 (Microsoft's documentation of app settings)."""

_ROOT = str(Path(__file__).parents[2])
"""Where the package `local` is imported from."""

_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
_DEFAULT_THREADS = "1000"
"""Threads for functions that are not `async`, where the setting is not there: seen on Microsoft's host 4.1037."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve one app: the supervisor hands it on to its worker processes."""

    app: str
    """Absolute path of the folder with `host.json` and `function_app.py`."""
    lease_s: float = 600.0
    """How long a dequeued message stays invisible before it is renewed; fixed at ten minutes in Azure."""
    max_poll_ms: int = 2000
    """Longest pause between polls of an empty queue, whichever process polls; 2 s under Core Tools, a minute in
    Azure."""
    workers: int = 1
    """Processes that this host starts."""
    grace_s: float = 10.0
    """How long running handlers may go on after SIGTERM."""
    load_s: float = 30.0
    """How long the app may take to load: `initializationTimeout` of the worker's configuration."""
    restart_s: float = 10.0
    """Between two starts of the app's process in one host: `processRestartInterval`."""
    master_key: str | None = None
    """Opens what asks for a key; without it only anonymous functions are open."""
    answer_s: float = 230.0
    """How long a caller of an HTTP function waits for an answer; fixed at 230 s by Azure's front end."""

    group: str | None = None
    """The group of functions that a process serves (`local.host.scaling`); None: all of them."""

    host_folder: str | None = None
    """Where a bare worker process finds the host's modules, and nothing else of this environment."""

    forks: int | None = None
    """Descriptor to ask for the app's processes, where they are forked (`local.host.forks`)."""

    @property
    def lease(self) -> timedelta:
        """`lease_s` as a length of time."""
        return timedelta(seconds=self.lease_s)

    @property
    def longest_poll(self) -> timedelta:
        """Of one process: they share the watch over an empty queue, so that more of them do not ask more often."""
        return timedelta(milliseconds=self.max_poll_ms * self.workers)

    @property
    def app_folder(self) -> Path:
        """`app` as a path."""
        return Path(self.app)

    def to_json(self) -> str:
        """For a worker process's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Options:
        """The reverse of `to_json`."""
        return cls(**json.loads(text))


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
        env={
            _THREADS: _DEFAULT_THREADS,
            # Settings that are empty are not there (azure-functions-host issue 4488).
            **{name: value for name, value in environment.items() if value},
            "PYTHONPATH": python_path(environment),
        },
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


def python_path(environment: Mapping[str, str]) -> str:
    """The variable for a process that imports `local` as well."""
    return os.pathsep.join(part for part in (_ROOT, environment.get("PYTHONPATH", "")) if part)


class Forking:
    """The two processes that fork for one supervisor: instances' hosts, and the app's processes. Both load as soon as
    this is made, and end when nobody is left who could ask, or with `close`."""

    def __init__(self, options: Options, environment: Mapping[str, str], modules: Sequence[str]) -> None:
        """`environment` is that of each host; `modules` are what the app's processes have loaded."""
        self._apps, asked = channel()
        with asked:
            app = start(options, environment, asked, "azure_functions_runtime", "local.host.protocol", *modules)
        self._hosts, asked = channel()
        with asked:
            host = subprocess.Popen(  # noqa: S603  (our own module)
                [sys.executable, "-m", "local.host.start_worker", "--forks", str(asked.fileno())],
                cwd=options.app,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=(asked.fileno(), self._apps.fileno()),
            )
        self._processes = (host, app)

    def host(self, options: Options, descriptors: Sequence[int]) -> Forked:
        """A host, which has its app's process forked."""
        return Forked(self._hosts.fileno(), [replace(options, forks=self._apps.fileno()).to_json()], descriptors)

    def close(self) -> None:
        """When all that was forked has ended."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._hosts.close()
        self._apps.close()
