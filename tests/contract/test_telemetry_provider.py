"""Telemetry goes where the settings say: what arrives is looked at, as it arrives."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.telemetry import Collector, read_lines, read_spans

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import logging, os
from shared.adapters.telemetry import meters, spans
from shared.adapters.telemetry.logs import guard_records, pseudonyms
from shared.adapters.telemetry.provider import configure
guard_records()
pseudonyms.use(bytes(32))
print("told", configure(os.environ), configure(os.environ))
import kiota_http.httpx_request_adapter as kiota
for number in range(int(os.environ.get("TRACES", "1"))):
    trace = f"{0x0af7651916cd43dd8448eb211c80319c + number * 0x10000000000000001:032x}"
    with spans.delivery("a_step", f"00-{trace}-b7ad6b7169203331-01"):
        with spans.graph_call("GET", "/users?$filter=mail eq 'ada@fabrikam.com'") as span:
            spans.answered(span, 200, "r-1")
            with kiota.tracer.start_as_current_span("of a library: ada@fabrikam.com"):
                pass
        logging.getLogger("guestlist").warning("for ada@fabrikam.com", extra={"guestlist.group": "g-1"})
meters.guest_in("member", None)
"""
"""Ends as a worker does: what is not sent yet is sent at the exit."""


class Ingestion:
    """Takes what the distribution sends to Application Insights, as its ingestion endpoint does."""

    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []
        ingestion = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                found = json.loads(body)
                ingestion.envelopes += found
                answer = json.dumps({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Not on the tests' output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def connection(self) -> str:
        endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        return f"InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint={endpoint}/"


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    running = Ingestion()
    yield running
    running.server.shutdown()
    running.server.server_close()


def run(settings: dict[str, str]) -> str:
    """In a process of its own: OpenTelemetry's providers cannot be replaced."""
    quiet = {
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=quiet | settings, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_without_settings_nobody_is_told() -> None:
    assert run({}).strip() == "told False False"


def test_a_wrong_setting_stops_nobody() -> None:
    assert run({"APPLICATIONINSIGHTS_CONNECTION_STRING": "rubbish"}).strip() == "told False False"


def test_the_console_shows_spans() -> None:
    shown = run({"OTEL_TRACES_EXPORTER": "console"})

    assert "GET /users" in shown
    assert "fabrikam" not in shown


def test_an_otlp_endpoint_gets_traces_metrics_and_logs_of_guestlist_alone(tmp_path: Path) -> None:
    with Collector(tmp_path / "told.jsonl") as collector:
        run(collector.settings)

    assert {signal for signal, _ in read_lines(collector.file)} == {"traces", "metrics", "logs"}
    assert {span.name for span in read_spans(collector.file)} == {"a_step", "GET /users"}
    assert "fabrikam" not in collector.file.read_text()


def test_application_insights_gets_requests_calls_metrics_and_logs_in_one_operation(ingestion: Ingestion) -> None:
    run({"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection})

    kinds = {e["data"]["baseType"]: e for e in ingestion.envelopes if "statsbeat" not in json.dumps(e).lower()}
    assert {"RequestData", "RemoteDependencyData", "MessageData", "MetricData"} <= set(kinds)
    operation = {kinds[k]["tags"]["ai.operation.id"] for k in ("RequestData", "RemoteDependencyData", "MessageData")}
    assert operation == {"0af7651916cd43dd8448eb211c80319c"}
    whole = json.dumps(ingestion.envelopes)
    assert "fabrikam" not in whole
    assert "of a library" not in whole
    assert "guestlist.guests" in whole


def kinds_of_traces(ingestion: Ingestion) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for envelope in ingestion.envelopes:
        if envelope["data"]["baseType"] in ("RequestData", "RemoteDependencyData"):
            found.setdefault(envelope["tags"]["ai.operation.id"], set()).add(envelope["data"]["baseType"])
    return found


def test_a_burst_of_traces_arrives_whole(ingestion: Ingestion) -> None:
    run({"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection, "TRACES": "300"})

    whole = kinds_of_traces(ingestion)
    assert len(whole) == 300
    assert {len(kinds) for kinds in whole.values()} == {2}


def test_a_share_of_traces_is_a_share_of_whole_ones(ingestion: Ingestion) -> None:
    share = {"OTEL_TRACES_SAMPLER": "microsoft.fixed_percentage", "OTEL_TRACES_SAMPLER_ARG": "0.3"}
    run({"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection, "TRACES": "300"} | share)

    some = kinds_of_traces(ingestion)
    assert 30 < len(some) < 180
    assert {len(kinds) for kinds in some.values()} == {2}


def test_both_are_told_where_both_are_set(ingestion: Ingestion, tmp_path: Path) -> None:
    with Collector(tmp_path / "told.jsonl") as collector:
        run(collector.settings | {"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection})

    assert {span.name for span in read_spans(collector.file)} == {"a_step", "GET /users"}
    assert [e for e in ingestion.envelopes if e["data"]["baseType"] == "RequestData"]
