"""Traces and logs of the work at hand, for triggers, which know no adapter."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from shared.messages.registry import read_traceparent

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from shared.telemetry.provider import Sender

log = logging.getLogger("guestlist")

_sender: "Sender | None" = None


def configure_telemetry() -> None:
    """Logs are guarded before anything is written, and telemetry begins. Does something once in a process."""
    from shared.telemetry.logs import guard_records
    from shared.telemetry.provider import configure

    guard_records()
    configure(os.environ)


async def send_telemetry() -> None:
    """Send what is recorded before this process may end; waits two seconds at most, and not at all in a process that
    sent a moment ago or tells nobody. To be called when a handler's span has ended."""
    global _sender
    from shared.telemetry import provider

    if not provider.configure(os.environ):
        return
    if _sender is None:
        _sender = provider.Sender(partial(provider.flush, provider.PATIENCE_S))
    await _sender()


class Work:
    """The span of the work at hand."""

    def __init__(self, span: "Span", name: str) -> None:
        self._span, self._name = span, name

    @property
    def trace_id(self) -> str:
        """32 hex digits; callers are told it as the request's id."""
        from shared.telemetry import spans

        return spans.trace_id(self._span)

    def answer(self, status: int, reason: str = "") -> None:
        """The status of the HTTP answer; the reason where it refuses and no page says why."""
        from shared.telemetry import meters

        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:
            meters.refused(reason, self._name, status)


@contextmanager
def request(name: str, method: str, headers: Mapping[str, str]) -> Iterator[Work]:
    """The work of one HTTP request, by its handler's name. What is enqueued meanwhile carries its trace on."""
    from shared.telemetry import spans

    configure_telemetry()
    with spans.request(name, method, headers) as span:
        yield Work(span, name)


@contextmanager
def on_time(name: str) -> Iterator[None]:
    """The work of a timer."""
    from shared.telemetry import spans

    configure_telemetry()
    with spans.timer(name):
        yield


@contextmanager
def delivery(name: str, body: bytes) -> Iterator[None]:
    """The work on one message, in the message's trace. Raises Exception: what the work raised; in other words where
    the host would write down an address with it."""
    from shared.telemetry import spans
    from shared.telemetry.logs import sanitize

    configure_telemetry()
    with spans.delivery(name, read_traceparent(body)):
        try:
            yield
        except Exception as e:
            sanitized = sanitize(e)
            if sanitized is e:
                raise
            log.exception("%s stopped", name)
            raise sanitized from None
