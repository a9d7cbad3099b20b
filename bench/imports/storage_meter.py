"""Counts what reaches storage: a pipe before each of its services, which knows where requests begin.

Clients of storage send a request on a connection when the answer to the one before is there, so that what comes after
an answer begins a request.
"""

import asyncio
import re
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from local.azurite import Azurite

_IDS = re.compile(
    r"/devstoreaccount1|\?.*|\(.*\)|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/imports/)[^/]+|(?<=/messages/)[^/]+"
)


class StorageMeter:
    """Stands before a running Azurite. `counts`: requests so far by service, method and path without ids."""

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self.counts: Counter[str] = Counter()
        self.connection_string = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self.connection_string = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _start(self) -> str:
        azurite = self._azurite
        return azurite.connection_string_via(
            blob_port=await self._serve("blob", azurite.blob_port),
            queue_port=await self._serve("queue", azurite.queue_port),
            table_port=await self._serve("table", azurite.table_port),
        )

    async def _serve(self, service: str, port: int) -> int:
        def front() -> _Front:
            return _Front(self, service, port)

        server = await self._loop.create_server(front, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
            server.close_clients()

    def count(self, service: str, head: bytes) -> None:
        """A request begins with these bytes."""
        line = head.partition(b"\r\n")[0].decode("ascii", "replace").split(" ")
        self.counts[f"{service} {line[0]} {_IDS.sub('', ' '.join(line[1:2]))}"] += 1


class _Front(asyncio.Protocol):
    """The client's side of a connection."""

    def __init__(self, meter: StorageMeter, service: str, port: int) -> None:
        self._meter, self._service, self._port = meter, service, port
        self._back: _Back | None = None
        self._waiting: list[bytes] = []
        self.answered = True
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's is one
        self.transport = transport
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, self._back = await loop.create_connection(lambda: _Back(self), "127.0.0.1", self._port)
        except OSError:
            if self.transport is not None:
                self.transport.abort()
            return
        for data in self._waiting:
            self._back.send(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self.answered:
            self.answered = False
            self._meter.count(self._service, data)
        if self._back is None:
            self._waiting.append(data)
        else:
            self._back.send(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._back is not None:
            self._back.close()


class _Back(asyncio.Protocol):
    """The service's side of it."""

    def __init__(self, front: _Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP connection's is one
        self._transport = transport

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._front.answered = True
        if self._front.transport is not None:
            self._front.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._front.transport is not None:
            self._front.transport.close()
