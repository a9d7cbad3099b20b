"""Guestlist's HTTP API as the client sees it: a real server that answers what a test lays down, and keeps the calls.

Answers of one call come in the order given; the last one stays.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """What the client sent. Names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """`cut` closes the connection in place of an answer; one that `hangs` is not answered before the server
    stops."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hangs: bool = False


@dataclass
class ApiServer:
    """`url` is where it serves; `calls` what came, in order."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    _replies: dict[tuple[str, str], list[Reply]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, call: str, *replies: Reply | dict[str, Any]) -> None:
        """Lay down answers to `call`, such as ``GET /api/apps``; with ``?dryRun`` for a rehearsal."""
        method, path = call.split()
        self._replies[method, path] = [r if isinstance(r, Reply) else Reply(200, r) for r in replies]

    def calls_of(self, method: str, path: str) -> list[Call]:
        return [c for c in self.calls if (c.method, c.path) == (method, path)]

    def answer(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            rehearsal = "?dryRun" if call.query.get("dryRun") == "true" else ""
            replies = self._replies.get((call.method, call.path + rehearsal))
            if not replies:
                return Reply(404, {"title": f"Nothing is laid down for {call.method} {call.path}{rehearsal}"})
            return replies.pop(0) if len(replies) > 1 else replies[0]


def problem(status: int, reason: str, **more: Any) -> Reply:
    """As Guestlist refuses."""
    headers = {"Content-Type": "application/problem+json", "x-request-id": f"request-{reason}"}
    if "retry_after" in more:
        headers["Retry-After"] = str(more.pop("retry_after"))
    body = {
        "type": f"/api/problems/{reason}",
        "title": f"Title of {reason}",
        "status": status,
        "detail": f"Detail of {reason}",
        "remedy": f"Remedy of {reason}",
        "reason": reason,
        "requestId": f"request-{reason}",
    }
    return Reply(status, body | more, headers)


@contextmanager
def serving() -> Iterator[ApiServer]:
    """Serve on a free port until the block is left."""
    api = ApiServer()
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            sent, where = self.rfile.read(size), urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body: Any = sent.decode() if headers.get("content-type") == "text/csv" else json.loads(sent or b"null")
            reply = api.answer(Call(self.command, where.path, dict(parse_qsl(where.query)), headers, body))
            if reply.hangs:
                stopping.wait(60)
            if reply.cut or reply.hangs:
                self.close_connection = True
                return
            data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in ({"Content-Type": "application/json"} | dict(reply.headers)).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the calls are kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        stopping.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
