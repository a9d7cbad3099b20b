"""The storage service that development and tests run on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite
from tests.platform.host_process import ROOT, is_alive, until

LOCK = ROOT / "local" / "azurite" / "package-lock.json"


def test_data_in_a_folder_is_there_after_a_restart(tmp_path: Path) -> None:
    with (
        Azurite.start(location=tmp_path / "data", log=tmp_path / "log") as first,
        QueueServiceClient.from_connection_string(first.connection_string) as service,
    ):
        service.create_queue("kept").send_message("text")
    with (
        Azurite.start(location=tmp_path / "data") as second,
        QueueServiceClient.from_connection_string(second.connection_string) as service,
    ):
        (message,) = service.get_queue_client("kept").peek_messages()
    assert message.content == "text"
    assert "successfully listening" in (tmp_path / "log").read_text()


def test_a_proxy_before_a_service_changes_only_its_endpoint(azurite: Azurite) -> None:
    through = azurite.connection_string_via(queue_port=1)
    assert through == azurite.connection_string.replace(f":{azurite.queue_port}/", ":1/")


def test_azurite_ends_when_the_process_that_started_it_is_killed() -> None:
    script = "import time; from local.azurite import Azurite; print(Azurite.start().pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        os.kill(starter.pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), "Azurite ends")


def test_the_lock_file_pins_by_content_and_names_no_registry() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    del packages[""]
    assert packages["node_modules/azurite"]["version"] == "3.37.0"
    assert all("integrity" in package and "resolved" not in package for package in packages.values())
