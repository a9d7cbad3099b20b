"""One process for each function, as instances in Flex Consumption: started when there is work, stopped when idle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from local.azurite import Azurite
from local.host.app_process import Options
from local.host.instances import Instance, start_instance
from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import HostProcess, is_alive, is_empty, send, until

APP = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def one(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    note("one", body=body, dequeue_count=message.dequeue_count)
    await asyncio.sleep(float(body))

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%-two", connection="AzureWebJobsStorage")
async def two(message: func.QueueMessage) -> None:
    note("two", body=message.get_body().decode())

@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", past_due=timer.past_due)

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))
"""
ISOLATE = ["--isolate", "--scale-ms", "100"]
QUICK = [*ISOLATE, "--idle-seconds", "1"]
NEVER = "0 0 0 1 1 *"


@pytest.fixture
def second(queues: QueueServiceClient, queue: QueueClient) -> QueueClient:
    return queues.create_queue(f"{queue.queue_name}-two")


def settings(queue: QueueClient, schedule: str = NEVER) -> dict[str, str]:
    return {"QUEUE": str(queue.queue_name), "SCHEDULE": schedule}


def who(host: HostProcess) -> int:
    """Who answers a new connection."""
    return int(httpx.get(f"{host.ready['url']}/api/who", trust_env=False, timeout=30).text)


def kill(host: HostProcess, pid: int) -> None:
    """The instance whose app runs in that process: its host with it."""
    (found,) = [one for one in host.ready["instances"] if one[2] == pid]
    for one in found[1:]:
        os.kill(one, signal.SIGKILL)


def test_each_function_works_in_a_process_of_its_own_that_starts_when_there_is_work(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient, second: QueueClient
) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=ISOLATE)
    assert host.ready["groups"] == ["http"]

    send(queue, "0")
    (first_note,) = host.wait_for_records("one", 1)
    send(second, "0")
    (second_note,) = host.wait_for_records("two", 1)

    until(lambda: is_empty(queue) and is_empty(second), "the messages are gone")
    assert len({who(host), first_note["pid"], second_note["pid"]}) == 3
    assert sorted(host.ready["groups"]) == ["function:one", "function:two", "http"]
    assert {who(host), first_note["pid"], second_note["pid"]} == set(host.workers)


def test_an_idle_process_ends_and_another_starts_for_new_work(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=QUICK)
    send(queue, "0")
    (note,) = host.wait_for_records("one", 1)
    before = who(host)

    until(lambda: not host.workers, "no process serves any more")
    until(lambda: not is_alive(note["pid"]) and not is_alive(before), "the processes have ended")
    # A connection is work for HTTP as a message is for a queue.
    assert who(host) != before
    send(queue, "0")
    assert host.wait_for_records("one", 2)[1]["pid"] != note["pid"]


def test_a_process_that_works_is_not_idle(make_app: MakeApp, start_host: StartHost, queue: QueueClient) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=QUICK)
    send(queue, "3")
    (note,) = host.wait_for_records("one", 1)

    until(lambda: is_empty(queue), "the message is handled")
    assert len(host.records("one")) == 1, "nobody took it a second time"
    assert is_alive(note["pid"])
    until(lambda: not is_alive(note["pid"]), "then it ends")


def test_what_is_always_ready_serves_without_work_and_never_ends(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient, second: QueueClient
) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=[*QUICK, "--always-ready", "http,function:one"])
    until(lambda: sorted(host.ready["groups"]) == ["function:one", "http"], "both serve")
    ready = set(host.workers)

    send(second, "0")
    (note,) = host.wait_for_records("two", 1)
    until(lambda: note["pid"] in host.workers, "the other one serves")
    until(lambda: note["pid"] not in host.workers, "and has ended")
    assert set(host.workers) == ready
    (first,) = ready - {who(host)}
    kill(host, first)
    until(lambda: len(host.workers) == 2 and first not in host.workers, "another takes its place")


def test_what_a_killed_process_held_comes_back_when_its_lease_ends(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=[*ISOLATE, "--lease-seconds", "3"])
    send(queue, "1")
    (held,) = host.wait_for_records("one", 1)
    kill(host, held["pid"])
    until(lambda: held["pid"] not in host.workers, "the ready file tells of the loss")

    # Nobody can see the message, so nobody starts: the others go on.
    assert who(host)
    again = host.wait_for_records("one", 2)[1]
    until(lambda: is_empty(queue), "the message is handled")
    assert again["dequeue_count"] == 2
    assert again["at"] - held["at"] > 1.5


def test_a_long_queue_gets_as_many_processes_as_are_allowed(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host_json = '{"version": "2.0", "extensions": {"queues": {"batchSize": 1}}}'
    for _ in range(16):
        send(queue, "0.3")
    host = start_host(make_app(APP, host_json=host_json), settings(queue), arguments=[*ISOLATE, "--workers", "2"])

    notes = host.wait_for_records("one", 16)
    assert len({note["pid"] for note in notes}) == 2
    assert host.ready["groups"].count("function:one") == 2


def test_a_timer_runs_in_a_process_of_its_own(make_app: MakeApp, start_host: StartHost, queue: QueueClient) -> None:
    host = start_host(make_app(APP), settings(queue, "*/2 * * * * *"), arguments=ISOLATE)
    notes = host.wait_for_records("tick", 2)
    assert len({note["pid"] for note in notes} | {who(host)}) == 2


def test_a_timer_that_missed_its_time_gets_a_process_at_once(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient, azurite: Azurite
) -> None:
    host_id, now = f"isolate-{uuid4().hex[:12]}", datetime.now(UTC)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    before = this_hour - timedelta(minutes=30)
    status = {"Last": before.isoformat(), "Next": this_hour.isoformat(), "LastUpdated": before.isoformat()}
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        if not container.exists():
            container.create_container()
        container.upload_blob(f"timers/{host_id}/Host.Functions.tick/status", json.dumps(status))

    hourly = settings(queue, "0 0 * * * *") | {"AzureFunctionsWebHost__hostid": host_id}
    host = start_host(make_app(APP), hourly, arguments=QUICK)

    (note,) = host.wait_for_records("tick", 1)
    assert note["past_due"] is True
    until(lambda: not is_alive(note["pid"]), "it is idle until the next hour")
    assert len(host.records("tick")) == 1


def test_an_always_ready_name_that_the_app_does_not_have_stops_the_start(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    arguments = [*ISOLATE, "--always-ready", "http,function:three"]
    host = start_host(make_app(APP), settings(queue), arguments=arguments, ready=False)
    assert host.wait_for_exit() == 1
    assert "--always-ready names function:three, which the app does not have." in host.output


def test_an_app_that_cannot_be_loaded_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app("import nothing_of_that_name"), arguments=ISOLATE, ready=False)
    assert host.wait_for_exit() == 1
    assert "No module named 'nothing_of_that_name'" in host.output


def test_a_stop_ends_every_process_and_finishes_what_runs(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient, second: QueueClient
) -> None:
    host = start_host(make_app(APP), settings(queue), arguments=ISOLATE)
    send(queue, "1.5")
    send(second, "0")
    host.wait_for_records("one", 1)
    host.wait_for_records("two", 1)
    pids = host.workers
    host.terminate()

    assert host.wait_for_exit() == 0
    assert not any(is_alive(pid) for pid in pids)
    assert is_empty(queue)
    assert not host.is_announced


class Alone:
    """One instance without a supervisor, told directly what to do."""

    def __init__(self, app: Path, environment: dict[str, str], record: Path, **options: float) -> None:
        self._options = Options(app=str(app), max_poll_ms=200, group="function:one", **options)  # type: ignore[arg-type]
        self._environment = os.environ | environment | {"RECORD": str(record)}
        self._record = record

    async def start(self) -> Instance:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            return await start_instance(self._options, self._environment, listening, lambda *_: None)

    async def works(self) -> None:
        async with asyncio.timeout(30):
            while not self._record.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)


@pytest.fixture
def environment(azurite: Azurite, queue: QueueClient) -> dict[str, str]:
    return {"AzureWebJobsStorage": azurite.connection_string, **settings(queue)}


async def test_a_drained_process_finishes_what_runs_however_long_it_takes(
    make_app: MakeApp, queue: QueueClient, environment: dict[str, str], tmp_path: Path
) -> None:
    alone = Alone(make_app(APP), environment, tmp_path / "record", grace_s=0.1)
    instance = await alone.start()
    send(queue, "2")
    await alone.works()
    instance.drain()
    send(queue, "0")

    async with asyncio.timeout(30):
        assert await instance.ended() == 0
    (left,) = queue.receive_messages()
    assert left.dequeue_count == 1, "the first was handled, the second was not taken"


async def test_a_stop_cuts_draining_short(
    make_app: MakeApp, queue: QueueClient, environment: dict[str, str], tmp_path: Path
) -> None:
    alone = Alone(make_app(APP), environment, tmp_path / "record", grace_s=0.1)
    instance = await alone.start()
    send(queue, "60")
    await alone.works()
    instance.drain()
    instance.stop()

    async with asyncio.timeout(30):
        assert await instance.ended() == 0
    (left,) = queue.receive_messages()
    assert left.dequeue_count == 2, "it was handed back at once"
