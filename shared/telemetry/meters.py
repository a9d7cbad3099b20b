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
_stopped = _meter.create_gauge("guestlist.stopped", "1", "1 while an operator has stopped everything")
_refusals = _meter.create_counter("guestlist.refusals", "{answer}", "HTTP answers that refuse, by reason and route")
_invited = _meter.create_counter("guestlist.invitations", "{guest}", "Guests asked for, by who asked")
_domains = _meter.create_counter("guestlist.guest_domains", "{guest}", "Guests asked for, by their domain")
_joined = _meter.create_counter("guestlist.memberships", "{guest}", "Guests put into groups, of apps and others")
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


def stopped(is_on: bool) -> None:
    _stopped.set(1 if is_on else 0)


def refused(reason: str, route: str, status: int) -> None:
    """`reason` is empty where a page said it, `route` is the handler's name."""
    _refusals.add(1, {"reason": reason, "route": route, "status": str(status)})


def asked_for(person: str, way: str, count: int) -> None:
    """`person` is a keyed hash, `way` is `single` or `import`."""
    _invited.add(count, {"person": person, "way": way})


def domain_asked_for(domain: str, count: int) -> None:
    """`domain` is a keyed hash."""
    _domains.add(count, {"domain": domain})


def joined(group: str, is_of_app: bool, count: int) -> None:
    """`group` is its object id."""
    _joined.add(count, {"group": group, "app": "yes" if is_of_app else "no"})


def audit_ended(outcome: str) -> None:
    _audits.add(1, {"outcome": outcome})


def found(rule: str, severity: str, count: int) -> None:
    _findings.add(count, {"rule": rule, "severity": severity})
