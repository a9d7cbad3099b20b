"""The whole product on this machine: Azurite, the directory simulator and the app under the local host."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

from build_tools import portal
from build_tools.paths import BUILD, ROOT
from local.azurite import Azurite
from local.child import Child, StackError
from local.telemetry import Collector
from local.tenant import SAMPLE_TENANT, SampleTenant

IDENTITY_HEADER = "dev-identity-header"
"""The secret of the simulator's managed identity endpoint: nothing outside this machine knows the endpoint."""

MASTER_KEY = "dev-master-key"
"""Opens the host's ``/admin``: nothing outside this machine knows the host."""

MAILBOX = "guestlist@contoso.com"
"""Sends Guestlist's own mail in the sample tenant."""

TRAFFIC_VARIABLE = "GUESTLIST_TRAFFIC"
"""A file for recorded Graph traffic, or a folder (it ends with a separator) where each stack makes its own file."""

ISOLATE_VARIABLE = "GUESTLIST_ISOLATE"
"""Set: a stack that is not told otherwise runs each queue and timer function in a process of its own."""

FORKS_VARIABLE = "GUESTLIST_FORKS"
"""Set: a stack that is not told otherwise forks the app's processes. `dev.py test` sets it."""

_LOADED_BEFORE = (
    *("function_app", "shared.graph.directory", "shared.identity.tokens", "shared.imports.rows"),
    *("azure.data.tables.aio", "azure.identity.aio", "azure.storage.queue.aio", "jinja2"),
)
"""What the app has loaded when it has worked a little, and what of it takes long."""

APP_VARIABLE = "GUESTLIST_APP_FOLDER"
"""The folder the app runs from, where a stack is not told: `dev.py test` names the deployment package."""

_TAKEN_FROM_THE_STACK = (
    *("GUESTLIST_", "GuestlistStorage", "AzureWebJobs", "IDENTITY_", "FUNCTIONS_", "MSI_"),
    *("APPLICATIONINSIGHTS_", "OTEL_", "PYTHON_ENABLE_OPENTELEMETRY"),
)
_numbers = itertools.count()


class Stack:
    """Starts everything on free ports; `with` starts it and stops it.

    Every part logs into `logs`, and dies with this process.
    """

    def __init__(
        self,
        *,
        app: Path | None = None,
        workers: int = 1,
        folder: Path | None = None,
        lease_seconds: float = 600.0,
        max_poll_ms: int = 2000,
        extra_settings: Mapping[str, str] | None = None,
        setup_settings: Mapping[str, str] | None = None,
        seed: Path = SAMPLE_TENANT,
        traffic: Path | None = None,
        start_host: bool = True,
        telemetry: bool = False,
        isolate: bool | None = None,
        always_ready: Sequence[str] = (),
        idle_seconds: float = 30.0,
        scale_ms: int | None = None,
        forks: bool | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
            app: what runs: the working copy, or a deployment package with nothing else on its path. By default
                what `GUESTLIST_APP_FOLDER` says, or the working copy.
            workers: processes of the app, each as an instance in Azure.
            folder: keeps storage and directory from one start to the next; without it both are in memory.
            lease_seconds: how long a dequeued message stays invisible (ten minutes in Azure).
            max_poll_ms: longest pause between polls of an empty queue.
            extra_settings: app settings beside and instead of those made here.
            setup_settings: run a second app of the same package, for setup, with these settings on top.
            seed: the tenant to start with.
            traffic: file that Graph traffic is recorded in; by default what `GUESTLIST_TRAFFIC` says.
            telemetry: keep what the app tells (`told`); without it the app tells nobody.
            isolate: each queue and timer function in a process of its own, started when there is work; `workers` is
                then the most of each. By default what `GUESTLIST_ISOLATE` says.
            always_ready: with `isolate`, the groups that never stop, as `http` and `function:NAME`.
            idle_seconds: with `isolate`, after how long without work a process stops.
            scale_ms: with `isolate`, the pause between two looks at what has work; by default `max_poll_ms`.
            forks: fork the app's processes from one that has loaded the app, where each would load it anew: for tests
                that start many. By default what `GUESTLIST_FORKS` says. On Linux alone.
            start_host: without it the app is not started until `restart_host()`: time to set up proxies.
        """
        self.app = (app or Path(os.environ.get(APP_VARIABLE) or ROOT)).resolve()
        self.workers = workers
        self.folder = folder
        self.lease_seconds = lease_seconds
        self.max_poll_ms = max_poll_ms
        self.extra_settings = dict(extra_settings or {})
        self.setup_settings = setup_settings
        self.seed = seed
        self.tenant = SampleTenant.read(seed)
        self.traffic = traffic or _traffic_file()
        self.storage_connection: str | None = None
        self.simulator_url_of_app: str | None = None
        """What the app is told instead of Azurite's and the simulator's own: proxies before them."""
        self.start_host = start_host
        self.told: Path | None = None
        """Traces, metrics and logs of the app, to be read by `local.telemetry`."""
        self._telemetry = telemetry
        self.isolate = bool(os.environ.get(ISOLATE_VARIABLE)) if isolate is None else isolate
        self._always_ready = always_ready
        self._idle_seconds = idle_seconds
        self._scale_ms = scale_ms or max_poll_ms
        wanted = bool(os.environ.get(FORKS_VARIABLE)) if forks is None else forks
        self.forks = wanted and sys.platform == "linux"
        self._collector: Collector | None = None
        self.logs = BUILD / "logs"
        self.simulator_url = self.host_url = self.setup_host_url = ""
        self._port = 0
        self._exits = contextlib.ExitStack()
        self._azurite: Azurite | None = None
        self._simulator: Child | None = None
        self._host: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises StackError or NodeError; what had started is stopped again."""
        atexit.register(self.stop)
        try:
            if not self.is_package:
                portal.build()
            elif not (self.app / "function_app.py").is_file():
                raise StackError(f"There is no package in {self.app}: 'python3 dev.py package' makes it.")
            self.logs.mkdir(parents=True, exist_ok=True)
            self._work = self.folder or Path(
                self._exits.enter_context(tempfile.TemporaryDirectory(prefix="guestlist-"))
            )
            self._work.mkdir(parents=True, exist_ok=True)
            if self._telemetry:
                self.told = self.logs / f"telemetry-{os.getpid()}-{next(_numbers)}.jsonl"
                self._collector = self._exits.enter_context(Collector(self.told))
            self._azurite = self._exits.enter_context(
                Azurite.start(location=self.folder and self.folder / "azurite", log=self._log("azurite"))
            )
            self._simulator = self._start_simulator()
            self.simulator_url = self._simulator.wait_ready()["url"]
            if self.start_host:
                self.restart_host()
        except BaseException:
            self.stop()
            raise

    @property
    def is_package(self) -> bool:
        """Whether the app runs from a deployment package, and then from that alone."""
        return self.app != ROOT

    def stop(self) -> None:
        """End everything, the app first; a second call does nothing."""
        self._exits.close()
        atexit.unregister(self.stop)

    @property
    def azurite(self) -> Azurite:
        """Raises StackError before the start."""
        if self._azurite is None:
            raise StackError("The stack has not been started.")
        return self._azurite

    @property
    def simulator_pid(self) -> int:
        return self._running(self._simulator).pid

    @property
    def host_pid(self) -> int:
        """Of the process that owns the app's port and its worker processes."""
        return self._running(self._host).pid

    @property
    def host_log(self) -> Path:
        """What the host and the app print; stacks of one process share it."""
        return self._log("host")

    def worker_pids(self, group: str | None = None) -> list[int]:
        """The app's processes that serve at this moment; of one group (`http`, `function:NAME`) with `isolate`."""
        return [pid for _, pid in self._instances(group) if pid]

    def _instances(self, group: str | None = None) -> list[tuple[int, int]]:
        """Host and process of the app (none while it is restarted) of each instance that serves."""
        ready = self._running(self._host).ready() or {}
        return [(host, pid) for name, host, pid in ready.get("instances", []) if group in (None, name)]

    @property
    def settings(self) -> dict[str, str]:
        """The app settings, as they would be set on a function app."""
        storage = self.storage_connection or self.azurite.connection_string
        simulator = self.simulator_url_of_app or self.simulator_url
        made = {
            "AzureWebJobsStorage": storage,
            "GuestlistStorage": storage,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsDisableHomepage": "true",
            "GUESTLIST_TENANT_ID": self.tenant.id,
            "GUESTLIST_API_AUDIENCE": self.tenant.api_client_id,
            "GUESTLIST_CLIENT_ID": self.tenant.cli_client_id,
            # Where people get their tokens: a proxy before Graph must not change who issued them.
            "GUESTLIST_AUTHORITY": self.simulator_url,
            "GUESTLIST_GRAPH_URL": f"{simulator}/v1.0",
            "GUESTLIST_MAIL_MAILBOX": MAILBOX,
            # The sample's groups are there to be invited into at once: no app was set up with them.
            "GUESTLIST_INVITE_TO": "owned",
            "GUESTLIST_SWEEP_SCHEDULE": "0 * * * * *",
            "GUESTLIST_AUDIT_SCHEDULE": "0 0 2 * * *",
            **({"GUESTLIST_PUBLIC_URL": f"http://127.0.0.1:{self._port}"} if self._port else {}),
            "IDENTITY_ENDPOINT": f"{self.simulator_url}/msi/token",
            "IDENTITY_HEADER": IDENTITY_HEADER,
            **(self._collector.settings if self._collector else {}),
        }
        return made | self.extra_settings

    @property
    def settings_file(self) -> Path:
        """`local.settings.json` as `func start` takes it too; written at each start of the app."""
        return self._work / "local.settings.json"

    def write_settings(self) -> Path:
        """Write `settings_file`; gives its path."""
        return _write_settings(self.settings_file, self.settings)

    def restart_host(self) -> None:
        """Stop the app if it runs, and start it with the settings of now. Raises StackError: it does not start."""
        if self._host is not None:
            self._host.stop()
        # Known before the start: the app writes its own address into mails.
        self._port = _free_port()
        self.write_settings()
        arguments = ["--workers", str(self.workers)]
        if self.isolate:
            arguments += ["--isolate", "--always-ready", ",".join(self._always_ready)]
            arguments += ["--idle-seconds", f"{self._idle_seconds:g}", "--scale-ms", str(self._scale_ms)]
        self._host = self._start_host("host", self.settings_file, self._port, arguments)
        self.host_url = self._host.wait_ready()["url"]
        if self.setup_settings is not None and not self.setup_host_url:
            file = _write_settings(self._work / "setup.settings.json", {**self.settings, **self.setup_settings})
            self.setup_host_url = self._start_host("setup-host", file, 0).wait_ready()["url"]

    def _start_host(self, name: str, settings: Path, port: int, more: Sequence[str] = ()) -> Child:
        arguments = ["--app", str(self.app), "--settings", str(settings), "--port", str(port)]
        arguments += ["--lease-seconds", f"{self.lease_seconds:g}", "--max-poll-ms", str(self.max_poll_ms)]
        arguments += ["--master-key", MASTER_KEY, *(["--bare"] if self.is_package else []), *more]
        arguments += ["--forks", ",".join(_LOADED_BEFORE)] if self.forks else []
        return self._start("local.host", name, arguments)

    def kill_workers(self, group: str | None = None, *, timeout_s: float = 60.0) -> list[int]:
        """Kill every instance of the app (of one group) where it stands, each with its host, and wait until others
        serve; gives the killed processes of the app. With `isolate` others come when there is work. Raises
        StackError: nothing serves again."""
        host = self._running(self._host)
        instances = self._instances(group)
        # Hosts first: one that outlived its app's process would give messages back.
        hosts, workers = [pid for pid, _ in instances], [pid for _, pid in instances if pid]
        for pid in (*hosts, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            host.check()
            now = self._instances()
            is_gone = not {*hosts, *workers} & {pid for instance in now for pid in instance}
            if (self.isolate or len([pid for _, pid in now if pid]) == self.workers) and is_gone:
                return workers
            time.sleep(0.02)
        raise StackError(f"The app does not serve again after its processes were killed.\n{host.tail()}")

    def check(self) -> None:
        """Raises StackError if a part has ended by itself."""
        for part in filter(None, (self._simulator, self._host)):
            part.check()

    def stay(self) -> NoReturn:
        """Until Ctrl-C (KeyboardInterrupt), or a part ends by itself (StackError)."""
        while True:
            time.sleep(0.5)
            self.check()

    def _start_simulator(self) -> Child:
        arguments = ["--port", "0", "--seed", str(self.seed)]
        if self.traffic:
            self.traffic.parent.mkdir(parents=True, exist_ok=True)
            arguments += ["--traffic", str(self.traffic)]
        if self.folder:
            arguments += ["--state", str(self.folder / "directory.sqlite")]
        return self._start("local.simulator", "simulator", arguments)

    def _start(self, module: str, name: str, arguments: list[str]) -> Child:
        # What the user's shell sets must not reach the app: a host lets the environment win over its file.
        env = {k: v for k, v in os.environ.items() if not k.startswith(_TAKEN_FROM_THE_STACK)}
        child = Child(module, arguments, ready=self._work / f"{name}.ready.json", log=self._log(name), env=env)
        self._exits.callback(child.stop)
        return child

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}-{os.getpid()}.log"

    def _running(self, part: Child | None) -> Child:
        if part is None:
            raise StackError("This part of the stack has not been started.")
        return part


def _write_settings(file: Path, values: Mapping[str, str]) -> Path:
    file.write_text(json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n", encoding="utf-8")
    return file


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _traffic_file() -> Path | None:
    wanted = os.environ.get(TRAFFIC_VARIABLE, "")
    if wanted.endswith(("/", os.sep)):
        return Path(wanted) / f"stack-{os.getpid()}-{next(_numbers)}.jsonl"
    return Path(wanted) if wanted else None
