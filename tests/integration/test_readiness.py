"""Readiness proves that timer and queues work: it is red soon after either stops, and green when both are back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

from local.stack import Stack
from tests.integration.conftest import QUICK, eventually

pytestmark = pytest.mark.xdist_group("readiness-stack")

SETTINGS = QUICK | {"GUESTLIST_CHAIN_TIMEOUT": "PT5S", "GUESTLIST_FEATURES": "inviting"}
"""A sweep each two seconds: more than two of them, and less than three."""


@pytest.fixture
def product() -> Iterator[Stack]:
    """With storage that knows of no sweep yet."""
    with Stack(workers=1, lease_seconds=3, max_poll_ms=400, extra_settings=SETTINGS, start_host=False) as running:
        yield running


def begin(product: Stack, settings: dict[str, str]) -> None:
    product.extra_settings = SETTINGS | settings
    product.restart_host()


def until(product: Stack, sweep: str, round_trip: str) -> tuple[int, dict[str, Any]]:
    """Status and body as soon as readiness says so of timer and queues."""
    found: list[tuple[int, dict[str, Any]]] = []

    def there() -> bool:
        answer = httpx.get(f"{product.host_url}/api/health/ready", timeout=60)
        found.append((answer.status_code, answer.json()))
        said = found[-1][1]
        return (said["sweep"]["status"], said["roundTrip"]["status"]) == (sweep, round_trip)

    try:
        eventually(there, within_s=90, every_s=0.5)
    except AssertionError as e:
        e.add_note(str(found[-1]))
        raise
    return found[-1]


def lying_on(product: Stack, queue: str) -> int:
    with QueueServiceClient.from_connection_string(product.azurite.connection_string) as service:
        try:
            return int(service.get_queue_client(queue).get_queue_properties().approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0


def test_a_fresh_installation_is_starting_until_its_first_sweep(product: Stack) -> None:
    begin(product, {"GUESTLIST_SWEEP_SCHEDULE": "0 0 0 1 1 *"})
    status, said = until(product, "starting", "starting")
    assert (status, said["status"], said["sweep"]["at"]) == (503, "not-ready", None)

    begin(product, {})
    status, said = until(product, "ok", "ok")
    assert (status, said["status"], said["sweep"]["detail"]) == (200, "ready", None)
    assert 0 <= said["roundTrip"]["ageSeconds"] <= 5


def test_a_queue_whose_messages_nobody_takes_turns_it_red_and_their_return_green(product: Stack) -> None:
    begin(product, {})
    until(product, "ok", "ok")

    begin(product, {"AzureWebJobs.end_round_trip.Disabled": "true"})
    status, said = until(product, "ok", "late")
    assert (status, said["status"]) == (503, "not-ready")
    assert "no message came back through a queue within 5 seconds" in said["roundTrip"]["detail"]
    assert eventually(lambda: lying_on(product, "health") >= 2)

    begin(product, {})
    status, said = until(product, "ok", "ok")
    assert (status, said["status"]) == (200, "ready")
    eventually(lambda: lying_on(product, "health") <= 1)


def test_a_timer_that_does_not_come_turns_it_red_and_its_return_green(product: Stack) -> None:
    begin(product, {})
    until(product, "ok", "ok")

    begin(product, {"AzureWebJobs.sweep.Disabled": "true"})
    status, said = until(product, "late", "late")
    assert (status, said["status"]) == (503, "not-ready")
    assert "the timer did not come" in said["sweep"]["detail"]

    begin(product, {})
    assert until(product, "ok", "ok")[0] == 200
