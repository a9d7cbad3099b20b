"""A real host on a real app, started for a test: what it printed, where it serves, how it ended."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from azure.storage.queue import QueueClient

ROOT = Path(__file__).parents[2]


def until[T](look: Callable[[], T], what: str, *, within_s: float = 20.0) -> T:
    """The first truthy answer of `look`, which is asked until the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.02)


class HostProcess:
    """`python -m local.host`, in a process of its own."""

    def __init__(self, app: Path, scratch: Path, settings: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        self.output_file = scratch / "host.log"
        self._ready_file = scratch / "ready.json"
        self.record_file = scratch / "record.jsonl"
        settings_file = scratch / "local.settings.json"
        self.settings = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "RECORD": str(self.record_file),
            **settings,
        }
        settings_file.write_text(json.dumps({"IsEncrypted": False, "Values": self.settings}))
        command = [sys.executable, "-m", "local.host", "--app", str(app), "--settings", str(settings_file)]
        command += ["--port", "0", "--ready-file", str(self._ready_file), "--max-poll-ms", "200"]
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        self.http = httpx.Client(timeout=30, trust_env=False)

    def wait_until_ready(self) -> Self:
        """Returns when every worker process serves."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return self._ready_file.exists()

        until(ready, "the host serves", within_s=60)
        self.http.base_url = self.ready["url"]
        return self

    @property
    def ready(self) -> dict[str, Any]:
        """The ready file."""
        content: dict[str, Any] = json.loads(self._ready_file.read_text())
        return content

    @property
    def workers(self) -> list[int]:
        """Process ids of the app's processes that serve."""
        pids: list[int] = self.ready["workers"]
        return pids

    @property
    def hosts(self) -> list[int]:
        """Process ids of the instances that serve."""
        pids: list[int] = self.ready["hosts"]
        return pids

    @property
    def is_announced(self) -> bool:
        """The ready file is there."""
        return self._ready_file.exists()

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self.output_file.read_text()

    def records(self, about: str | None = None) -> list[dict[str, Any]]:
        """What the app's handlers noted, in order of time."""
        if not self.record_file.exists():
            return []
        notes = [json.loads(line) for line in self.record_file.read_text().splitlines()]
        return [note for note in notes if about is None or note["about"] == about]

    def wait_for_records(self, about: str, count: int, *, within_s: float = 20.0) -> list[dict[str, Any]]:
        """Returns when the handlers have noted that many."""
        until(
            lambda: len(self.records(about)) >= count,
            f"{count} notes about {about}; there are {self.records()}\n{self.output}",
            within_s=within_s,
        )
        return self.records(about)

    def wait_for_exit(self, *, within_s: float = 30.0) -> int:
        """The exit status."""
        return self.process.wait(within_s)

    def terminate(self) -> None:
        """SIGTERM to the supervisor."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ends whatever still runs."""
        self.http.close()
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def is_alive(pid: int) -> bool:
    """A process of that id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def send(queue: QueueClient, body: str) -> None:
    """Puts a message as apps do that write for the host's default encoding."""
    queue.send_message(base64.b64encode(body.encode()).decode())


def is_empty(queue: QueueClient) -> bool:
    """No message, visible or not."""
    return queue.get_queue_properties().approximate_message_count == 0


def decoded(queue: QueueClient) -> list[str]:
    """The visible messages' bodies."""
    return [base64.b64decode(message.content).decode() for message in queue.peek_messages(32)]
