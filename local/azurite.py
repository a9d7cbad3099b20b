"""Azure Storage on this machine: installs Azurite once, starts it on free ports, stops it.

Azurite's own pinned dependencies are beside this file in `azurite/`; what is installed goes to
`build/azurite/`.
"""

# ruff: noqa: S603  (every command here is put together from constants and paths of this file)

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from build_tools.node import NodeError, find_node, folder_of, install

ACCOUNT_NAME = "devstoreaccount1"
# pragma: allowlist nextline secret
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The development account: published in Azurite's README, the same on every machine."""

_SOURCE = Path(__file__).parent / "azurite"
_SCRIPT = Path("node_modules", "azurite", "dist", "src", "azurite.js")
_START_TIMEOUT_S = 90.0
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://[^:]+:(\d+)")


class AzuriteError(NodeError):
    """Azurite could not be started; the message says what it answered."""


def is_installed() -> bool:
    """Whether a start needs no npm."""
    return (folder_of(_SOURCE) / _SCRIPT).is_file()


class Azurite:
    """A running Azurite. Stops when told to, when its `with` block ends, or when this process dies."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        reader: threading.Thread,
        ports: dict[str, int],
        *,
        keeps_data: bool,
    ) -> None:
        """Use `Azurite.start`."""
        self._process = process
        self._reader = reader
        self._keeps_data = keeps_data
        self.blob_port = ports["Blob"]
        self.queue_port = ports["Queue"]
        self.table_port = ports["Table"]

    @classmethod
    def start(cls, *, location: Path | None = None, log: Path | None = None) -> Self:
        """Starts Azurite on free ports of 127.0.0.1 and returns when its three services listen.

        Args:
            location: folder that keeps the data; without it everything is in memory and gone at the end.
            log: file that what Azurite prints is appended to.

        Raises:
            NodeError: it could not be installed, or (AzuriteError) did not listen in time.
        """
        node = find_node()
        script = install(node, _SOURCE) / _SCRIPT
        command = [str(node.executable), "--require", str(_SOURCE / "stop_with_parent.cjs"), str(script)]
        command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        command += ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
        if location is None:
            command += ["--inMemoryPersistence"]
        else:
            location.mkdir(parents=True, exist_ok=True)
            command += ["--location", str(location)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=location or tempfile.gettempdir(),
        )
        output = _Output(process, log)
        reader = threading.Thread(target=output.read, name="azurite-output", daemon=True)
        reader.start()
        output.settled.wait(_START_TIMEOUT_S)
        if len(output.ports) < 3:
            _end(process, reader, process.kill)
            raise AzuriteError(f"Azurite did not start:\n{''.join(output.first_lines)}")
        return cls(process, reader, output.ports, keeps_data=location is not None)

    @property
    def connection_string(self) -> str:
        """Of the three services, as `AzureWebJobsStorage` and the SDKs take it."""
        return self.connection_string_via()

    def connection_string_via(
        self,
        *,
        host: str = "127.0.0.1",
        blob_port: int | None = None,
        queue_port: int | None = None,
        table_port: int | None = None,
    ) -> str:
        """The same with the endpoints of a proxy that stands before one or all of the services."""
        ports = {
            "Blob": blob_port or self.blob_port,
            "Queue": queue_port or self.queue_port,
            "Table": table_port or self.table_port,
        }
        endpoints = "".join(f"{name}Endpoint=http://{host}:{port}/{ACCOUNT_NAME};" for name, port in ports.items())
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT_NAME};AccountKey={ACCOUNT_KEY};{endpoints}"

    @property
    def pid(self) -> int:
        """Of the Node process."""
        return self._process.pid

    def stop(self) -> None:
        """Ends Azurite, with its data written where it has a location; a second call does nothing.

        A gentle end waits some seconds for connections that clients keep open.
        """
        how = self._process.terminate if self._keeps_data else self._process.kill
        _end(self._process, self._reader, how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Output:
    """Reads what Azurite prints for as long as it runs, so that the pipe never fills up."""

    def __init__(self, process: subprocess.Popen[str], log: Path | None) -> None:
        self._process = process
        self._log = log
        self.ports: dict[str, int] = {}
        self.first_lines: list[str] = []
        self.settled = threading.Event()
        """Set when the three services listen, or when there is nothing left to hope for."""

    def read(self) -> None:
        log: IO[str] | None = self._log.open("a", encoding="utf-8") if self._log else None
        try:
            for line in self._process.stdout or ():
                if log:
                    log.write(line)
                    log.flush()
                if not self.settled.is_set():
                    self._note(line)
        finally:
            self.settled.set()
            if log:
                log.close()

    def _note(self, line: str) -> None:
        self.first_lines.append(line)
        if match := _LISTENING.search(line):
            self.ports[match[1]] = int(match[2])
        if len(self.ports) == 3:
            self.settled.set()


def _end(process: subprocess.Popen[str], reader: threading.Thread, how: Callable[[], None]) -> None:
    if process.poll() is None:
        how()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    reader.join(timeout=10)
    for stream in (process.stdin, process.stdout):
        if stream and not stream.closed:
            stream.close()
