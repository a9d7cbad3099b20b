"""An OTLP endpoint on this machine that keeps what the app tells: traces, metrics and logs as lines of JSON."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.tree import Tree

_SIGNALS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
_KINDS = {"SPAN_KIND_CLIENT": "calls", "SPAN_KIND_PRODUCER": "sends to", "SPAN_KIND_CONSUMER": "takes"}


class Collector:
    """Serves in its `with` block; each export becomes one line of `file`. `settings` make an app export to it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))

    def __enter__(self) -> Self:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(b"")
        threading.Thread(target=self._server.serve_forever, name="collector", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """OpenTelemetry's own settings, with short waits: somebody is looking."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_address[1]}",
            "OTEL_SERVICE_NAME": "guestlist",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            "OTEL_BLRP_SCHEDULE_DELAY": "500",
            "OTEL_METRIC_EXPORT_INTERVAL": "10000",
            # The worker hands the host's trace on to the app.
            "PYTHON_ENABLE_OPENTELEMETRY": "true",
        }

    def keep(self, path: str, body: bytes) -> None:
        """Raises DecodeError for what is no OTLP."""
        told = _SIGNALS[path].FromString(body)
        line = json.dumps({"signal": path.rsplit("/", maxsplit=1)[-1], "body": MessageToDict(told)})
        with self._lock, self.file.open("a", encoding="utf-8") as target:
            target.write(line + "\n")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, collector: Collector, *args: Any) -> None:
        self._collector = collector
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        status = 404 if self.path not in _SIGNALS else 200
        if status == 200:
            try:
                self._collector.keep(self.path, body)
            except DecodeError:
                status = 400
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Each export is no news."""


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """A span as it was exported; times in nanoseconds."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: dict[str, str] = field(default_factory=dict)


def read_spans(file: Path) -> list[ToldSpan]:
    """All spans told so far; a line that is being written is passed over."""
    return [span for signal, body in read_lines(file) if signal == "traces" for span in _spans(body)]


def read_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Signal (`traces`, `metrics`, `logs`) and body of each export, as OTLP's JSON."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                told = json.loads(line)
                yield told["signal"], told["body"]


def _spans(body: dict[str, Any]) -> Iterator[ToldSpan]:
    for resource in body.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield ToldSpan(
                    _hex(span["traceId"]),
                    _hex(span["spanId"]),
                    _hex(span.get("parentSpanId", "")),
                    span["name"],
                    span.get("kind", ""),
                    int(span["startTimeUnixNano"]),
                    int(span["endTimeUnixNano"]),
                    {a["key"]: str(next(iter(a["value"].values()), "")) for a in span.get("attributes", ())},
                )


def _hex(encoded: str) -> str:
    """Protobuf writes bytes as base64."""
    return base64.b64decode(encoded).hex()


def roots(spans: list[ToldSpan]) -> list[ToldSpan]:
    """Those whose parent is not among them: one where the trace is one tree."""
    known = {span.id for span in spans}
    return [span for span in spans if span.parent not in known]


def tree(spans: list[ToldSpan]) -> Tree:
    """A trace for people: who did what, when it began after the first, and how long it took."""
    first = min(span.start_ns for span in spans)
    whole = Tree("")
    whole.hide_root = True
    by_parent: dict[str, list[ToldSpan]] = {}
    for span in sorted(spans, key=lambda s: s.start_ns):
        by_parent.setdefault(span.parent, []).append(span)

    def add(branch: Tree, span: ToldSpan) -> None:
        took = (span.end_ns - span.start_ns) / 1e6
        status = span.attributes.get("http.response.status_code", "")
        name = span.name.removeprefix("send ")
        words = f"{_KINDS.get(span.kind, '')} [bold]{name}[/bold] {status}".strip()
        twig = branch.add(f"{words}  [dim]at {(span.start_ns - first) / 1e6:.0f} ms, took {took:.0f} ms[/dim]")
        for child in by_parent.get(span.id, ()):
            add(twig, child)

    for root in sorted(roots(spans), key=lambda s: s.start_ns):
        add(whole, root)
    return whole
