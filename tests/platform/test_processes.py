"""Processes that overrun, stop and die: nothing is lost but time (checklist 6, 7 and 8)."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from azure.storage.queue import QueueClient

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import decoded, is_alive, is_empty, send, until

OVERRUN = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def stuck(message: func.QueueMessage) -> None:
    note("stuck", dequeue_count=message.dequeue_count)
    if message.dequeue_count == 1:
        time.sleep(60)

@app.route("sleep/{seconds:int}")
def sleep(req: func.HttpRequest) -> func.HttpResponse:
    note("sleep")
    time.sleep(int(req.route_params["seconds"]))
    return func.HttpResponse("awake")
"""


def test_a_handler_that_overruns_is_abandoned_and_its_process_replaced(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    app = make_app(OVERRUN, host_json='{"version": "2.0", "functionTimeout": "00:00:01"}')
    host = start_host(app, {"QUEUE": str(queue.queue_name)})
    (before,) = host.workers

    response = host.http.get("/api/sleep/60")
    assert response.status_code == 500
    until(lambda: not is_alive(before), "the process is gone")
    assert host.http.get("/api/sleep/0").text == "awake"

    (second,) = until(lambda: host.workers, "another process serves")
    send(queue, "stuck")
    notes = host.wait_for_records("stuck", 2)
    until(lambda: is_empty(queue), "the second delivery worked")
    assert [note["dequeue_count"] for note in notes] == [1, 2]
    assert notes[0]["pid"] == second != notes[1]["pid"]
    assert notes[1]["at"] - notes[0]["at"] < 10
    assert "Timeout value of 1 s exceeded" in host.output


STOPPING = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="back", queue_name="%QUEUE%-back", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage, back: func.Out[str]) -> None:
    note("begun", body=message.get_body().decode(), dequeue_count=message.dequeue_count)
    await asyncio.sleep(float(message.get_body()))
    back.set("done")

@app.route("slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    note("slow")
    await asyncio.sleep(1.5)
    return func.HttpResponse("done")
"""


def test_running_handlers_end_in_the_grace_period_and_nothing_new_begins(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(STOPPING), {"QUEUE": str(queue.queue_name)})
    url = host.ready["url"]
    send(queue, "1.5")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(host.http.get, "/api/slow")
        host.wait_for_records("begun", 1)
        host.wait_for_records("slow", 1)
        host.terminate()
        until(lambda: refuses(url), "new connections are refused")
        send(queue, "0")
        assert answer.result().text == "done"

    assert host.wait_for_exit() == 0
    assert len(host.records("begun")) == 1
    assert decoded(queue) == ["0"]
    assert not host.is_announced


def refuses(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return True
    return False


def test_messages_of_handlers_that_outlast_the_grace_period_return(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(STOPPING), {"QUEUE": str(queue.queue_name)}, arguments=["--grace-seconds", "0.5"])
    send(queue, "60")
    host.wait_for_records("begun", 1)
    began = time.monotonic()
    host.terminate()

    assert host.wait_for_exit() == 0
    assert time.monotonic() - began < 8
    (message,) = queue.receive_messages()
    assert message.dequeue_count == 2


SHARED = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    note(body.split()[0], body=body, dequeue_count=message.dequeue_count)
    await asyncio.sleep(60 if body == "hold" and message.dequeue_count == 1 else 0.05)

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))
"""


def test_a_killed_process_is_replaced_and_its_message_comes_back_with_the_lease(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(
        make_app(SHARED),
        {"QUEUE": str(queue.queue_name), "FUNCTIONS_WORKER_PROCESS_COUNT": "2"},
        arguments=["--lease-seconds", "3"],
    )
    assert len(host.workers) == 2
    send(queue, "hold")
    (held,) = host.wait_for_records("hold", 1)
    os.kill(held["pid"], signal.SIGKILL)

    # HTTP goes on while the other process starts.
    until(lambda: held["pid"] not in host.workers, "the ready file tells of the loss")
    assert int(host.http.get("/api/who").text) != held["pid"]
    again = host.wait_for_records("hold", 2)[1]
    until(lambda: len(host.workers) == 2, "another process serves")
    until(lambda: is_empty(queue), "the message is handled")
    assert again["dequeue_count"] == 2
    assert again["pid"] != held["pid"]
    assert again["at"] - held["at"] > 1.5


def test_several_processes_share_queue_and_requests(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    app = make_app(SHARED, host_json='{"version": "2.0", "extensions": {"queues": {"batchSize": 1}}}')
    host = start_host(app, {"QUEUE": str(queue.queue_name)}, arguments=["--workers", "2"])
    for index in range(16):
        send(queue, f"job {index}")
    notes = host.wait_for_records("job", 16)
    until(lambda: is_empty(queue), "all are handled")

    assert sorted(note["body"] for note in notes) == sorted(f"job {index}" for index in range(16))
    assert {note["pid"] for note in notes} == set(host.workers)
    answers = set()

    def both_answered() -> bool:
        answers.add(int(httpx.get(f"{host.ready['url']}/api/who", trust_env=False).text))
        return answers == set(host.workers)

    until(both_answered, "each process answers some request")


def test_the_ready_file_names_a_living_supervisor_and_its_workers(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(SHARED), {"QUEUE": "never-made"})
    ready = host.ready
    assert ready["pid"] == host.process.pid
    assert ready["url"] == f"http://127.0.0.1:{ready['port']}"
    assert all(is_alive(pid) for pid in ready["workers"])
    os.kill(ready["pid"], signal.SIGKILL)
    # No process stays behind when the supervisor dies without a word.
    until(lambda: not any(is_alive(pid) for pid in ready["workers"]), "the workers end")


def test_a_port_that_is_taken_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    app = make_app(SHARED)
    first = start_host(app, {"QUEUE": "never-made"})
    second = start_host(app, {"QUEUE": "never-made"}, arguments=["--port", str(first.ready["port"])], ready=False)
    assert second.wait_for_exit() == 1
    assert f"Port {first.ready['port']} is unavailable" in second.output


@pytest.mark.parametrize("count", ["0", "11", "many"])
def test_a_number_of_processes_outside_the_limits_stops_the_start(
    make_app: MakeApp, start_host: StartHost, count: str
) -> None:
    host = start_host(make_app(SHARED), {"FUNCTIONS_WORKER_PROCESS_COUNT": count}, ready=False)
    assert host.wait_for_exit() == 1
    assert f"The number of worker processes is '{count}'" in host.output
