"""Timers: status in blobs, past due, one process at a time (checklist 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azurite import Azurite
from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import until

APP = """
@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", past_due=timer.past_due, status=timer.schedule_status)
"""

HOURLY = "0 0 * * * *"


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        try:
            container.create_container()
        except ResourceExistsError:
            assert container.exists()
        yield container


@pytest.fixture
def host_id() -> str:
    return f"timers-{uuid4().hex[:12]}"


def status_name(host_id: str) -> str:
    return f"timers/{host_id}/Host.Functions.tick/status"


def write_status(container: ContainerClient, host_id: str, last: datetime, following: datetime) -> None:
    status = {
        "Last": last.isoformat(),
        "Next": following.isoformat(),
        "LastUpdated": last.isoformat(),
    }
    container.upload_blob(status_name(host_id), json.dumps(status))


def read_status(container: ContainerClient, host_id: str) -> dict[str, datetime]:
    try:
        content = json.loads(container.download_blob(status_name(host_id)).readall())
    except ResourceNotFoundError:
        return {}
    return {name: datetime.fromisoformat(value) for name, value in content.items()}


def the_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def test_a_missed_run_is_made_up_for_at_the_start(
    make_app: MakeApp, start_host: StartHost, container: ContainerClient, host_id: str
) -> None:
    missed = the_hour() - timedelta(hours=1)
    write_status(container, host_id, missed - timedelta(hours=1), missed)
    host = start_host(make_app(APP), {"SCHEDULE": HOURLY, "AzureFunctionsWebHost__hostid": host_id})
    (tick,) = host.wait_for_records("tick", 1)
    assert tick["past_due"] is True
    assert datetime.fromisoformat(tick["status"]["Next"]) == missed
    until(lambda: read_status(container, host_id)["Last"] > missed, "the run is kept")
    assert read_status(container, host_id)["Next"] == the_hour() + timedelta(hours=1)


def test_a_schedule_that_was_changed_is_not_past_due(
    make_app: MakeApp, start_host: StartHost, container: ContainerClient, host_id: str
) -> None:
    # Kept by a daily schedule that ran yesterday; the app now runs hourly.
    write_status(container, host_id, the_hour() - timedelta(days=1), the_hour() - timedelta(minutes=1))
    host = start_host(make_app(APP), {"SCHEDULE": HOURLY, "AzureFunctionsWebHost__hostid": host_id})
    soon = the_hour() + timedelta(hours=1)
    until(lambda: read_status(container, host_id).get("Next") == soon, "the new schedule is kept")
    assert host.records("tick") == []


def test_only_the_process_with_the_lease_runs_the_timer(
    make_app: MakeApp, start_host: StartHost, container: ContainerClient, host_id: str
) -> None:
    # Somebody else has the timer: this test.
    lock = container.upload_blob(f"locks/{host_id}/Host.Functions.tick.Listener", b"")
    lease = lock.acquire_lease(60)
    host = start_host(
        make_app(APP),
        {"SCHEDULE": "* * * * * *", "AzureFunctionsWebHost__hostid": host_id},
        arguments=["--workers", "2"],
    )
    until(lambda: len(host.workers) == 2, "both processes serve")
    assert host.records("tick") == []
    lease.release()

    ticks = host.wait_for_records("tick", 4)
    assert len({tick["pid"] for tick in ticks}) == 1
    seconds = [int(tick["at"]) for tick in ticks]
    assert seconds == sorted(set(seconds))
    assert not any(tick["past_due"] for tick in ticks)


def test_a_timer_can_be_run_by_hand(make_app: MakeApp, start_host: StartHost, host_id: str) -> None:
    settings = {"SCHEDULE": HOURLY, "AzureFunctionsWebHost__hostid": host_id}
    host = start_host(make_app(APP), settings, arguments=["--master-key", "of-the-master"])
    key = {"x-functions-key": "of-the-master"}
    assert host.http.post("/admin/functions/tick", content=b"by hand", headers=key).status_code == 400
    assert host.http.post("/admin/functions/tick", json={"input": ""}, headers=key).status_code == 202
    host.wait_for_records("tick", 1)
    host.terminate()
    assert host.wait_for_exit() == 0
    assert len(host.records("tick")) == 1
