"""Telemetry goes where the settings say: what arrives is looked at, as it arrives."""

import gzip
import json
import signal
import socket
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
from shared.telemetry import meters, spans
from shared.telemetry.logs import guard_records, pseudonyms
from shared.telemetry.provider import configure
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


KILLED = """
import asyncio, os, signal
from functions.handlers import background
from shared import wiring
from shared.telemetry import meters
import azure.functions as func

@background
async def a_step(message):
    meters.guest_in("member", None)
    import logging
    logging.getLogger("guestlist").warning("at work")

async def main():
    await a_step(func.QueueMessage(body=b"{}"))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
"""Ends as an instance may: without a word, as soon as its handler has."""


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


def run(settings: dict[str, str], program: str = PROGRAM, ends: int = 0) -> str:
    """In a process of its own: OpenTelemetry's providers cannot be replaced."""
    quiet = {
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=quiet | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == ends, done.stderr
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


SELDOM = {
    name: str(600_000)
    for name in ("OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL")
}
"""Exporters send nothing by themselves while a test lasts."""


def test_what_a_handler_did_arrives_though_its_process_is_killed_when_it_has_ended(tmp_path: Path) -> None:
    with Collector(tmp_path / "told.jsonl") as collector:
        run(collector.settings | SELDOM, KILLED, ends=-signal.SIGKILL)

    assert {span.name for span in read_spans(collector.file)} == {"a_step"}
    whole = collector.file.read_text()
    assert {signal for signal, _ in read_lines(collector.file)} == {"traces", "metrics", "logs"}
    assert "guestlist.guests" in whole
    assert "at work" in whole


def test_the_same_arrives_in_application_insights(ingestion: Ingestion) -> None:
    run({"APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection} | SELDOM, KILLED, ends=-signal.SIGKILL)

    kinds = {e["data"]["baseType"] for e in ingestion.envelopes}
    assert {"RequestData", "MessageData", "MetricData"} <= kinds


def test_an_endpoint_that_takes_nothing_holds_no_handler_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        run({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} | SELDOM, HELD, ends=-signal.SIGKILL)


HELD = KILLED.replace("await a_step", "async with asyncio.timeout(8):\n        await a_step")
"""Fails where the handler waits for as long as an exporter does: ten seconds for each signal."""


def test_metrics_are_exported_more_often_than_an_instance_without_work_lives() -> None:
    program = (
        "import os\n"
        "from opentelemetry import metrics\n"
        "from shared.telemetry.provider import configure\n"
        "configure(os.environ)\n"
        "print([r._export_interval_millis for r in metrics.get_meter_provider()._metric_readers])"
    )
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    insights = "InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"

    both = nowhere | {"APPLICATIONINSIGHTS_CONNECTION_STRING": insights}
    assert run(both, program).strip() == "[15000.0, 15000.0]"
    assert run(nowhere | {"OTEL_METRIC_EXPORT_INTERVAL": "5000"}, program).strip() == "[5000.0]"


def test_otlp_goes_by_http_and_protobuf_in_pure_python_as_the_template_sets_it(tmp_path: Path) -> None:
    """protobuf's C code may end a Functions worker (azure-functions-python-worker #1858, #1908)."""
    template = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    with Collector(tmp_path / "told.jsonl") as collector:
        run(collector.settings | template)

    assert {signal for signal, _ in read_lines(collector.file)} == {"traces", "metrics", "logs"}
    assert {span.name for span in read_spans(collector.file)} == {"a_step", "GET /users"}


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
