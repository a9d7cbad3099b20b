"""Azure Storage on this machine: installs Azurite once, starts it on free ports, stops it.

Azurite's own pinned dependencies are beside this file in `azurite/`; what is installed goes to
`build/azurite/`.
"""

# ruff: noqa: S603  (every command here is put together from constants and paths of this file)

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from build_tools.node import NodeError, find_node, folder_of, install

ACCOUNT_NAME = "devstoreaccount1"
# pragma: allowlist nextline secret
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The development account: published in Azurite's README, the same on every machine."""

_SOURCE = Path(__file__).parent / "azurite"
_SCRIPT = Path("node_modules", "azurite", "dist", "src", "azurite.js")
_START_TIMEOUT_S = 90.0
_MOST_SAID = 1 << 16
"""Bytes of what Azurite prints until it listens."""

_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://[^:]+:(\d+)\s")


class AzuriteError(NodeError):
    """Azurite could not be started; the message says what it answered."""


def is_installed() -> bool:
    """Whether a start needs no npm."""
    return (folder_of(_SOURCE) / _SCRIPT).is_file()


class Azurite:
    """A running Azurite. Stops when told to, when its `with` block ends, or when this process dies."""

    def __init__(self, process: subprocess.Popen[bytes], ports: dict[str, int], *, keeps_data: bool) -> None:
        """Use `Azurite.start`."""
        self._process = process
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
        with log.open("ab+") if log else tempfile.TemporaryFile() as output:
            before = os.fstat(output.fileno()).st_size
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=location or tempfile.gettempdir(),
            )
            deadline = time.monotonic() + _START_TIMEOUT_S
            ports: dict[str, int] = {}
            while len(ports) < 3:
                is_over = process.poll() is not None or time.monotonic() > deadline
                said = os.pread(output.fileno(), _MOST_SAID, before).decode(errors="replace")
                ports = {name: int(port) for name, port in _LISTENING.findall(said)}
                if is_over and len(ports) < 3:
                    _end(process, process.kill)
                    raise AzuriteError(f"Azurite did not start:\n{said}")
                time.sleep(0.02)
        return cls(process, ports, keeps_data=location is not None)

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
        _end(self._process, self._process.terminate if self._keeps_data else self._process.kill)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _end(process: subprocess.Popen[bytes], how: Callable[[], None]) -> None:
    if process.poll() is None:
        how()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin:
        process.stdin.close()
