"""What the command line decides, as one value that the supervisor hands on to its worker processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

MOST_WORKERS = 10
"""`FUNCTIONS_WORKER_PROCESS_COUNT` goes up to 10 (Microsoft's documentation of app settings)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve one app."""

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
