"""One trace of one invitation, the metrics that alerts are made of, and what is never told."""

import base64
import json
import uuid
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.telemetry import ToldSpan, read_lines, read_spans, roots
from tests.integration.conftest import Tenant, eventually


def trace_of(tenant: Tenant, trace: str, *names: str) -> list[ToldSpan]:
    """The spans of a trace once all of the names are there."""
    told = tenant.stack.told
    assert told is not None

    def there() -> list[ToldSpan]:
        found = [s for s in read_spans(told) if s.trace == trace]
        return found if set(names) <= {s.name for s in found} else []

    return eventually(there, within_s=30, every_s=0.3)


def test_an_invitation_is_one_tree_from_the_request_through_the_queues_to_graph(tenant: Tenant) -> None:
    address = f"traced-{uuid.uuid4().hex[:8]}@fabrikam.com"
    answer = tenant.ask(address, welcomeMessage="Welcome aboard, dear guest")
    assert answer.status_code == 202, answer.text
    tenant.end_of(answer.json()["id"])

    steps = {"post_invitation", "invite_chunk"}
    carry = ("invite_chunk", "mail_chunk")  # a mail that was slow goes on in a delivery of its own
    spans = trace_of(tenant, answer.headers["x-request-id"], *steps, "POST /users/{}/messages/{}/send")

    assert [root.name for root in roots(spans)] == ["post_invitation"], "one tree, and the request is its root"
    by_id = {span.id: span for span in spans}

    def way(span: ToldSpan) -> list[str]:
        return [*(way(by_id[span.parent]) if span.parent in by_id else []), span.name]

    [member] = [s for s in spans if s.name.startswith("POST /groups/{}/members")]
    assert way(member) == ["post_invitation", "send invitations", "invite_chunk", member.name]
    assert any(way(s)[-2:] == [step, "POST /users/{}/messages/{}/send"] for s in spans for step in carry)
    [invited] = [s for s in spans if s.name == "POST /invitations"]
    assert invited.attributes["http.response.status_code"] == "201"
    assert by_id[invited.parent].name == "invite_chunk"
    # Nothing but Guestlist's own spans: libraries' tell whole addresses.
    known = (
        steps
        | {*carry}
        | {s.name for s in spans if s.name.startswith(("send ", "GET /", "POST /", "PATCH /", "DELETE /"))}
    )
    assert {s.name for s in spans} <= known


def test_giving_up_goes_on_in_the_trace_that_the_message_carries(tenant: Tenant) -> None:
    trace = uuid.uuid4().hex
    message = {"v": 1, "kind": "search-person", "case": "a" * 22, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    with QueueClient.from_connection_string(tenant.stack.azurite.connection_string, "people-poison") as poison:
        with suppress(ResourceExistsError):
            poison.create_queue()
        poison.send_message(base64.b64encode(json.dumps(message).encode()).decode())

    [span] = trace_of(tenant, trace, "drain_poison")
    assert span.parent == "00f067aa0ba902b7"


def metrics(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """Data points by the metric's name."""
    found: dict[str, list[dict[str, Any]]] = {}
    assert tenant.stack.told is not None
    for signal, body in read_lines(tenant.stack.told):
        if signal != "metrics":
            continue
        for resource in body.get("resourceMetrics", ()):
            for scope in resource.get("scopeMetrics", ()):
                for metric in scope.get("metrics", ()):
                    kind = metric.get("sum") or metric.get("gauge") or metric.get("histogram") or {}
                    found.setdefault(metric["name"], []).extend(kind.get("dataPoints", ()))
    return found


def values(points: list[dict[str, Any]], name: str) -> set[str]:
    return {str(a["value"].get("stringValue")) for p in points for a in p.get("attributes", ()) if a["key"] == name}


def test_metrics_tell_of_guests_graph_and_the_budget(tenant: Tenant) -> None:
    tenant.fault(path="/invitations$", method="POST", status=429, times=1, headers={"Retry-After": "1"})
    good = tenant.invite(f"counted-{uuid.uuid4().hex[:8]}@fabrikam.com")
    tenant.end_of(good)

    def told() -> bool:
        found = metrics(tenant)
        return (
            {"accepted", "member"} <= values(found.get("guestlist.guests", []), "state")
            and "429" in values(found.get("guestlist.graph.requests", []), "status")
            and "invitations" in values(found.get("guestlist.pace.ahead", []), "lane")
            and bool(found.get("guestlist.time_to_member"))
        )

    eventually(told, within_s=40, every_s=0.5)


def test_what_alerts_of_abuse_are_made_of_is_told_without_a_name(tenant: Tenant) -> None:
    address = f"watched-{uuid.uuid4().hex[:8]}@fabrikam.com"
    tenant.end_of(tenant.invite(address))
    assert tenant.caller().get("/api/groups", headers={"Authorization": "Bearer nothing"}).status_code == 401

    def told() -> bool:
        found = metrics(tenant)
        refused = found.get("guestlist.refusals", [])
        return (
            {"token-invalid"} <= values(refused, "reason")
            and {"401"} <= values(refused, "status")
            and any(p.startswith("person-") for p in values(found.get("guestlist.invitations", []), "person"))
            and any(d.startswith("domain-") for d in values(found.get("guestlist.guest_domains", []), "domain"))
            and values(found.get("guestlist.memberships", []), "app") != set()
        )

    eventually(told, within_s=40, every_s=0.5)
    assert "fabrikam.com" not in values(metrics(tenant)["guestlist.guest_domains"], "domain")


def test_a_callers_own_trace_is_gone_on_with(tenant: Tenant) -> None:
    trace = uuid.uuid4().hex
    answer = tenant.caller().get("/api/health", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    assert answer.headers["x-request-id"] == trace
