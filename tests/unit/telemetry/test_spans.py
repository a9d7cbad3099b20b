"""Spans tell what was done, and nothing of whom."""

import pytest
from opentelemetry import trace

from shared.telemetry import spans

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/users?$filter=mail eq 'ada@fabrikam.com'", "/users"),
        ("/users/ada@fabrikam.com", "/users/{}"),
        ("/groups/22222222-2222-4222-8222-222222222222/members/$ref", "/groups/{}/members/$ref"),
        ("/groups(uniqueName='ada@fabrikam.com')", "/groups({})"),
        ("https://graph.microsoft.com/v1.0/users/delta?$skiptoken=x", "/users/delta"),
        ("/$batch", "/$batch"),
        (
            "/groups/22222222-2222-4222-8222-222222222222/members/microsoft.graph.user",
            "/groups/{}/members/microsoft.graph.user",
        ),
    ],
)
def test_of_a_path_only_what_is_no_data_is_told(path: str, template: str) -> None:
    assert spans.template_of(path) == template


def test_a_message_carries_the_trace_of_the_delivery_that_sends_it() -> None:
    with spans.delivery("a_step", PARENT), spans.sending("invitations"):
        carried = spans.traceparent()

    assert carried is not None
    assert carried.split("-")[1] == PARENT.split("-")[1]


@pytest.mark.parametrize("carried", [None, "", "rubbish", "00-0-0-00"])
def test_a_message_without_a_trace_begins_one(carried: str | None) -> None:
    with spans.delivery("a_step", carried) as span:
        assert span.get_span_context().is_valid
        assert spans.traceparent() is not None


def test_a_request_goes_on_in_its_callers_trace() -> None:
    with spans.request("post_invitation", "POST", {"traceparent": PARENT}) as span:
        assert spans.trace_id(span) == PARENT.split("-")[1]


def test_a_request_of_nobody_has_a_trace_of_its_own_and_leaves_none_behind() -> None:
    with spans.request("a", "GET", {}) as one, spans.graph_call("GET", "/users"):
        inside = spans.traceparent()
    with spans.request("a", "GET", {}) as other:
        pass

    assert inside is not None
    assert spans.trace_id(one) in inside
    assert spans.trace_id(one) != spans.trace_id(other)
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_exception_goes_through() -> None:
    with pytest.raises(ValueError, match="seen"), spans.delivery("a_step", PARENT):
        raise ValueError("seen")
