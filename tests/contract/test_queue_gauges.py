"""How full the queues are, and how old what lies there, as metrics."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueServiceClient
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.adapters.telemetry.queues import QueueGauges

NO_WAIT = timedelta(0)
_reader: list[InMemoryMetricReader] = []


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """OpenTelemetry takes one provider in a process: all tests share its reader."""
    if not _reader:
        _reader.append(InMemoryMetricReader())
        metrics.set_meter_provider(MeterProvider([_reader[0]]))
    _reader[0].get_metrics_data()
    return _reader[0]


def gauges(reader: InMemoryMetricReader) -> dict[tuple[str, str], float]:
    """Value by metric and queue."""
    found: dict[tuple[str, str], float] = {}
    data: Any = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    if "queue" in (point.attributes or {}):
                        found[metric.name, str(point.attributes["queue"])] = point.value
    return found


async def test_queues_tell_how_much_they_hold_and_for_how_long(
    reader: InMemoryMetricReader,
    queues: QueueServiceClient,
) -> None:
    for name in ("invitations", "mails", "mails-poison", "somebody-elses"):
        with suppress(ResourceExistsError):
            await queues.create_queue(name)
        await queues.get_queue_client(name).clear_messages()
    await queues.get_queue_client("mails-poison").send_message("stuck")
    await queues.get_queue_client("somebody-elses").send_message("not ours")

    await QueueGauges(queues, NO_WAIT)()
    found = gauges(reader)

    assert found["guestlist.queue.messages", "mails-poison"] == 1
    assert 0 <= found["guestlist.queue.oldest_message_age", "mails-poison"] < 60
    assert found["guestlist.queue.messages", "invitations"] == 0
    assert found["guestlist.queue.oldest_message_age", "invitations"] == 0
    assert not [name for _, name in found if name == "somebody-elses"]


async def test_storage_is_asked_once_in_a_while_however_often_the_sweeper_runs(
    queues: QueueServiceClient,
) -> None:
    measure = QueueGauges(queues, timedelta(hours=1))
    with suppress(ResourceExistsError):
        await queues.create_queue("invitations")

    assert await measure() > 0
    assert await measure() == 0
