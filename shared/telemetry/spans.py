"""One trace from a request through the messages to the calls of the directory.

A handler's span goes on where its message's trace stands; a message carries the trace of the span that sent it. The
names follow OpenTelemetry's semantic conventions for HTTP, messaging and functions.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.context import Context

_HEADER = "traceparent"
_format = TraceContextTextMapPropagator()
_PLAIN = re.compile(r"\$?[A-Za-z]+(?:\.[A-Za-z]+)*")


def request(name: str, method: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """The work of one HTTP request. The host tells of the request itself and gives its trace to the worker; where it
    does not, the caller's header is followed."""
    parent = None
    if not trace.get_current_span().get_span_context().is_valid:
        parent = _format.extract({_HEADER: headers.get(_HEADER) or ""})
    return _span(name, SpanKind.INTERNAL, parent, {"faas.trigger": "http", "http.request.method": method})


def timer(name: str) -> AbstractContextManager[Span]:
    """The work of a timer, in the host's trace where there is one."""
    return _span(name, SpanKind.INTERNAL, None, {"faas.trigger": "timer"})


def delivery(name: str, traceparent: str | None) -> AbstractContextManager[Span]:
    """The work on one message, in the trace that the message carries; the host's own trace of the delivery is
    linked."""
    host = trace.get_current_span().get_span_context()
    parent = _format.extract({_HEADER: traceparent or ""})
    links = [Link(host)] if host.is_valid else []
    attributes = {"faas.trigger": "pubsub", "messaging.operation.type": "process"}
    return _span(name, SpanKind.CONSUMER, parent, attributes, links)


def sending(queue: str) -> AbstractContextManager[Span]:
    """A message on its way to a queue; `traceparent` inside it is what the message has to carry."""
    attributes = {"messaging.system": "azure_queues", "messaging.destination.name": queue}
    return _span(f"send {queue}", SpanKind.PRODUCER, None, attributes)


def graph_call(method: str, path: str) -> AbstractContextManager[Span]:
    """A request to Microsoft Graph. Of the path only what is no data stays: filters and keys hold addresses."""
    template = template_of(path)
    attributes = {"http.request.method": method, "url.template": template, "peer.service": "Microsoft Graph"}
    return _span(f"{method} {template}", SpanKind.CLIENT, None, attributes)


def answered(span: Span, status: int, request_id: str | None = None) -> None:
    """What an HTTP call of `graph_call` brought; 0 where no answer came."""
    if status:
        span.set_attribute("http.response.status_code", status)
    if request_id:
        span.set_attribute("guestlist.graph.request_id", request_id)
    if status == 0 or status >= 400:
        span.set_status(StatusCode.ERROR)


def traceparent() -> str | None:
    """The trace of the work at hand as a W3C ``traceparent``; None outside any."""
    carrier: dict[str, str] = {}
    _format.inject(carrier)
    return carrier.get(_HEADER)


def trace_id(span: Span) -> str:
    """The trace's id, 32 hex digits."""
    return f"{span.get_span_context().trace_id:032x}"


def template_of(path: str) -> str:
    """A path of Graph with ids and keys taken out, and without its query: ``/groups/{}/members``."""
    segments = path.partition("?")[0].rsplit("/v1.0/", maxsplit=1)[-1].strip("/").split("/")
    return "/" + "/".join(_plain(segment) for segment in segments)


def _plain(segment: str) -> str:
    if _PLAIN.fullmatch(segment):
        return segment
    name, bracket, _ = segment.partition("(")
    return f"{name}({{}})" if bracket and _PLAIN.fullmatch(name) else "{}"


@contextmanager
def _span(
    name: str,
    kind: SpanKind,
    parent: "Context | None",
    attributes: Mapping[str, str],
    links: list[Link] | None = None,
) -> Iterator[Span]:
    # Said even where it is the current one: the distribution's sampler asks the parent only where it knows of it.
    within = parent if parent is not None else get_current()
    span = trace.get_tracer("guestlist").start_span(name, within, kind, attributes, links or [])
    if not span.get_span_context().is_valid:
        # Nobody records and nobody gave a trace: messages carry one all the same, so that logs can be followed.
        made_up = SpanContext(secrets.randbits(128) or 1, secrets.randbits(64) or 1, False, TraceFlags(1))
        span = NonRecordingSpan(made_up)
    # An exception's own words may hold what must not be told: its kind is enough, the logs have the rest.
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as e:
            span.set_attribute("error.type", type(e).__name__)
            span.set_status(StatusCode.ERROR)
            raise
