"""Where telemetry goes: to Application Insights by Microsoft's distribution of OpenTelemetry, to any OTLP endpoint,
to the console, or nowhere. Decided by settings that are OpenTelemetry's and Microsoft's own, at the first call."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor

CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"
"""``console`` prints spans; anything else is left to the endpoint."""
SAMPLER = "OTEL_TRACES_SAMPLER"
METRIC_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
METRIC_INTERVAL_MS = 15_000
"""OpenTelemetry's own is a minute, and an instance without work may end sooner (UNVERIFIED: after half a minute),
without a word to the process."""
LOGGER = "guestlist"
EVERY_S = 5.0
PATIENCE_S = 2.0

_NOT_WANTED = (
    *("azure_sdk", "django", "fastapi", "flask", "psycopg2", "requests", "urllib", "urllib3", "httpx"),
    *("asgi", "wsgi", "logging", "dbapi"),
)
"""Instrumentations of the distribution. None is needed, and those of HTTP clients would tell whole addresses: ours
hold guests'."""

_is_on: bool | None = None


def configure(env: Mapping[str, str]) -> bool:
    """Begin to tell; gives whether anybody is told. Only the first call in a process does something: OpenTelemetry's
    providers cannot be replaced.

    The distribution signs in as ``APPLICATIONINSIGHTS_AUTHENTICATION_STRING`` says.
    Source: Azure Monitor OpenTelemetry exporter, ``_get_authentication_credential``.
    """
    global _is_on
    if _is_on is None:
        try:
            _is_on = _configure(env)
        except Exception:
            # Whatever is wrong with a setting of telemetry: guests are invited all the same, and nobody is told.
            logging.getLogger(LOGGER).exception(
                "telemetry could not be configured: nothing of this process is exported"
            )
            _is_on = False
    return _is_on


def flush(timeout_s: float) -> None:
    """Send what is recorded; blocks. Exporters keep to a timeout of their own, whatever `timeout_s` is: nobody should
    wait for this call who cannot leave."""
    from opentelemetry import metrics, trace
    from opentelemetry._logs import get_logger_provider

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()):
        # What the API alone provides, where nothing is exported, has no such method.
        if (send := getattr(provider, "force_flush", None)) is not None:
            try:
                send(timeout_millis=int(timeout_s * 1000))
            except Exception as e:
                logging.getLogger(LOGGER).warning("telemetry could not be sent: %s", e)


def _configure(env: Mapping[str, str]) -> bool:
    # Both ways to export read it from the environment.
    os.environ.setdefault(METRIC_INTERVAL, str(METRIC_INTERVAL_MS))
    connection = env.get(CONNECTION, "").strip()
    spans, readers, records = _otlp() if env.get(OTLP_ENDPOINT, "").strip() else ([], [], [])
    if env.get(TRACES_EXPORTER, "").strip().lower() == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

        spans.append(SimpleSpanProcessor(ConsoleSpanExporter()))
    if connection:
        _azure_monitor(connection, env, spans, readers, records)
    elif spans:
        _own(spans, readers, records)
    if not (connection or spans):
        return False
    _only_our_own_spans()
    return True


def _only_our_own_spans() -> None:
    """Kiota tells of each turn of its middleware, with whole addresses: a dozen spans for one request to Graph, whose
    filters hold guests' addresses. OpenTelemetry's way to switch a library's tracer off is experimental still."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider, _TracerConfig
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    def config(scope: InstrumentationScope) -> _TracerConfig:
        return _TracerConfig(is_enabled=scope.name == LOGGER)

    tracers = trace.get_tracer_provider()
    if isinstance(tracers, TracerProvider):
        tracers._set_tracer_configurator(tracer_configurator=config)


def _otlp() -> "tuple[list[SpanProcessor], list[MetricReader], list[LogRecordProcessor]]":
    """Endpoint, headers and intervals are read from OpenTelemetry's own settings."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return (
        [BatchSpanProcessor(OTLPSpanExporter())],
        [PeriodicExportingMetricReader(OTLPMetricExporter())],
        [BatchLogRecordProcessor(OTLPLogExporter())],
    )


def _azure_monitor(
    connection: str,
    env: Mapping[str, str],
    spans: "list[SpanProcessor]",
    readers: "list[MetricReader]",
    records: "list[LogRecordProcessor]",
) -> None:
    from azure.monitor.opentelemetry import configure_azure_monitor

    options: dict[str, Any] = {name: {"enabled": False} for name in _NOT_WANTED}
    # The distribution's own sampler keeps five spans a second, and decides again for each message: a trace would come
    # in pieces. This one decides by the trace's id alone, the same in every process.
    sampling: dict[str, Any] = {} if env.get(SAMPLER) else {"sampling_ratio": 1.0}
    configure_azure_monitor(
        connection_string=connection,
        logger_name=LOGGER,
        span_processors=spans,
        metric_readers=readers,
        log_record_processors=records,
        instrumentation_options=options,
        **sampling,
        # Nothing is kept on an instance's disk, and nothing is asked for every second.
        disable_offline_storage=True,
        enable_live_metrics=False,
        enable_performance_counters=False,
    )


def _own(spans: "list[SpanProcessor]", readers: "list[MetricReader]", records: "list[LogRecordProcessor]") -> None:
    from opentelemetry import metrics, trace
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    tracers = TracerProvider()
    for span in spans:
        tracers.add_span_processor(span)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider(metric_readers=readers))
    if records:
        loggers = LoggerProvider()
        for record in records:
            loggers.add_log_record_processor(record)
        set_logger_provider(loggers)
        logging.getLogger(LOGGER).addHandler(LoggingHandler(logger_provider=loggers))


class Sender:
    """Sends telemetry when work ends: an instance without work may be gone soon, without a word. Exporters send by
    themselves every few seconds, which is enough where the process lives on; this adds what it was told in the
    moments before its last work ended.

    Sends at most once in `every_s`, whoever asks: a busy process sends no more often than an exporter does by
    itself. Who asks in between does not wait, and is sent for when that time is over."""

    def __init__(self, send: Callable[[], None], every_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> None:
        """`send` blocks and does not raise; it runs in a thread."""
        self._send = send
        self._every_s = every_s
        self._patience_s = patience_s
        self._sending: asyncio.Task[None] | None = None
        """What is being sent, or was within `every_s`."""
        self._asked_again = False

    async def __call__(self) -> None:
        """Returns when everything is sent, or after `patience_s`, or at once where it was sent a moment ago."""
        if self._sending is not None:
            self._asked_again = True
            return
        await asyncio.wait({self._begin()}, timeout=self._patience_s)

    def _begin(self) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        self._asked_again = False
        self._sending = loop.create_task(asyncio.to_thread(self._send))
        self._sending.add_done_callback(lambda _: loop.call_later(self._every_s, self._end))
        return self._sending

    def _end(self) -> None:
        self._sending = None
        if self._asked_again:
            self._begin()
