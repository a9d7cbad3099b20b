"""Azurite for the whole run, a host for most tests, and a way to start others."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from local.azurite import Azurite
from tests.platform.host_process import HostProcess

APPS = Path(__file__).parent / "apps"

PRELUDE = """
import asyncio, json, logging, os, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

def note(about, **details):
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps({"about": about, "pid": os.getpid(), "at": time.time(), **details}) + "\\n")
"""
"""What every small app of these tests begins with."""

BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)"}
"""Brings the queues; `make_app` puts it into every host.json that is one, unless told not to."""

StartHost = Callable[..., HostProcess]
MakeApp = Callable[..., Path]


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One, in memory, for this folder's tests."""
    with Azurite.start() as running:
        yield running


@pytest.fixture(scope="session")
def queues(azurite: Azurite) -> Iterator[QueueServiceClient]:
    """The queue service."""
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service


@pytest.fixture
def queue(queues: QueueServiceClient) -> QueueClient:
    """A queue nobody else uses."""
    return queues.create_queue(f"test-{uuid4().hex}")


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Writes a function app and gives its folder."""

    def make(
        source: str, *, host_json: str = '{"version": "2.0"}', prelude: bool = True, bundle: bool = True
    ) -> Path:
        folder = tmp_path / f"app-{uuid4().hex[:6]}"
        folder.mkdir()
        with suppress(ValueError):
            document = json.loads(host_json)
            if bundle and document and isinstance(document, dict):
                host_json = json.dumps(document | {"extensionBundle": BUNDLE})
        (folder / "host.json").write_text(host_json)
        text = textwrap.dedent(source)
        (folder / "function_app.py").write_text(PRELUDE + text if prelude else text)
        return folder

    return make


@pytest.fixture
def start_host(tmp_path: Path, azurite: Azurite) -> Iterator[StartHost]:
    """Starts hosts that end with the test."""
    with ExitStack() as stack:

        def start(
            app: Path,
            settings: Mapping[str, str] | None = None,
            *,
            arguments: Sequence[str] = (),
            ready: bool = True,
        ) -> HostProcess:
            scratch = tmp_path / f"host-{uuid4().hex[:6]}"
            scratch.mkdir()
            all_settings = {
                "AzureWebJobsStorage": azurite.connection_string,
                "AzureFunctionsWebHost__hostid": f"test-{uuid4().hex[:12]}",
                **(settings or {}),
            }
            host = stack.enter_context(HostProcess(app, scratch, all_settings, arguments))
            return host.wait_until_ready() if ready else host

        yield start


@pytest.fixture(scope="session")
def served(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """`apps/served`, for every test that changes nothing of the host itself. Ends gracefully or fails."""
    scratch = tmp_path_factory.mktemp("served")
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "PYTHON_SCRIPT_FILE_NAME": "served_app.py",
        "PREFIX": f"served-{uuid4().hex[:8]}",
        "ROUTE_WORD": "by-setting",
    }
    with HostProcess(APPS / "served", scratch, settings, ["--master-key", "of-the-master"]) as host:
        yield host.wait_until_ready()
        host.terminate()
        assert host.wait_for_exit() == 0, host.output


@pytest.fixture
def served_queue(served: HostProcess, queues: QueueServiceClient) -> Callable[[str], QueueClient]:
    """A queue of the served app by the last part of its name; made when first asked for."""
    prefix = served.settings["PREFIX"]

    def get(name: str) -> QueueClient:
        return queues.get_queue_client(f"{prefix}-{name}")

    return get
