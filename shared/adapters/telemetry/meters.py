"""The metrics, each said once. The alerts and the workbook of ``infra/`` are made of them.

Instruments may be made before telemetry is configured: OpenTelemetry joins them to it afterwards.
"""

from datetime import timedelta

from opentelemetry import metrics

_meter = metrics.get_meter("guestlist")

_guests = _meter.create_counter("guestlist.guests", "{guest}", "Guests that came into a state")
_time_to_member = _meter.create_histogram(
    "guestlist.time_to_member",
    "s",
    "From the request to the membership",
    explicit_bucket_boundaries_advisory=[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600],
)
_oldest = _meter.create_gauge("guestlist.queue.oldest_message_age", "s", "Age of a queue's oldest message")
_messages = _meter.create_gauge("guestlist.queue.messages", "{message}", "Messages on a queue, about")
_graph = _meter.create_counter("guestlist.graph.requests", "{request}", "Answers of Microsoft Graph by status")
_pressure = _meter.create_gauge("guestlist.graph.pressure", "1", "Share of a limit that Graph says to be in use")
_ahead = _meter.create_gauge("guestlist.pace.ahead", "s", "How far a lane of the tenant's budget is taken")
_audits = _meter.create_counter("guestlist.audits.completed", "{audit}", "Audits that came to an end")
_findings = _meter.create_counter("guestlist.audit.findings", "{finding}", "What audits found")


def guest_in(state: str, reason: str | None) -> None:
    _guests.add(1, {"state": state, "reason": reason or ""})


def became_member(after: timedelta) -> None:
    _time_to_member.record(max(0.0, after.total_seconds()))


def queue(name: str, messages: int, oldest: timedelta | None) -> None:
    """`oldest` None where nobody can tell: the queue is empty, or all its messages sleep or are at work."""
    _messages.set(messages, {"queue": name})
    _oldest.set(oldest.total_seconds() if oldest is not None else 0.0, {"queue": name})


def graph_answered(status: int) -> None:
    """One request, or one part of a batch; 0 where no answer came."""
    _graph.add(1, {"status": str(status)})


def graph_pressure(share: float) -> None:
    _pressure.set(share)


def lane_taken(lane: str, ahead: timedelta) -> None:
    _ahead.set(max(0.0, ahead.total_seconds()), {"lane": lane})


def audit_ended(outcome: str) -> None:
    _audits.add(1, {"outcome": outcome})


def found(rule: str, severity: str, count: int) -> None:
    _findings.add(count, {"rule": rule, "severity": severity})
