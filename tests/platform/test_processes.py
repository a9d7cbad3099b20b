"""Processes that overrun, stop and die: nothing is lost but time (checklist 6, 7 and 8)."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from azure.storage.queue import QueueClient

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import decoded, is_alive, is_empty, send, until

OVERRUN = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    note(body, dequeue_count=message.dequeue_count)
    if message.dequeue_count == 1:
        await asyncio.sleep(60)

@app.route("block")
async def block(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(60)

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))
"""


def test_a_handler_that_times_out_fails_its_process_is_replaced_and_what_else_ran_there_hangs(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    app = make_app(OVERRUN, host_json='{"version": "2.0", "functionTimeout": "00:00:03"}')
    host = start_host(app, {"QUEUE": str(queue.queue_name)}, arguments=["--restart-seconds", "0.1"])
    (before,) = host.workers
    send(queue, "first")
    (first,) = host.wait_for_records("first", 1)
    until(lambda: time.time() > first["at"] + 1.5, "the neighbour begins well after it")
    send(queue, "neighbour")
    (neighbour,) = host.wait_for_records("neighbour", 1)

    again = host.wait_for_records("first", 2)[1]  # by either process: the old one has a moment's grace
    # Its own time-out, too: nothing gave it back when its process was killed.
    neighbour_again = host.wait_for_records("neighbour", 2)[1]
    until(lambda: is_empty(queue), "the second deliveries worked")

    assert not is_alive(before)
    assert first["pid"] == neighbour["pid"] == before
    assert int(host.http.get("/api/who").text) == host.workers[0] != before
    assert neighbour_again["at"] - neighbour["at"] > 2.9
    assert (again["dequeue_count"], neighbour_again["dequeue_count"]) == (2, 2)
    assert host.output.count("Timeout value of 3 s exceeded") == 2
    assert host.output.count("a function in it timed out") == 1


def test_a_handler_that_blocks_the_loop_times_out_as_well(make_app: MakeApp, start_host: StartHost) -> None:
    app = make_app(OVERRUN, host_json='{"version": "2.0", "functionTimeout": "00:00:03"}')
    host = start_host(app, {"QUEUE": "never-made"}, arguments=["--restart-seconds", "0.1"])
    (before,) = host.workers

    assert host.http.get("/api/block").status_code == 500
    until(lambda: not is_alive(before), "the process is gone")
    assert int(host.http.get("/api/who").text) != before


CRASHING = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    note("work", dequeue_count=message.dequeue_count, host=os.getppid())
    if message.dequeue_count < 5:
        os.kill(os.getpid(), 9)

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))

@app.route("end/{status}")
async def end(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(int(req.route_params["status"]))
"""


def test_a_crash_fails_what_ran_and_the_third_ends_the_host_which_the_platform_replaces(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(CRASHING), {"QUEUE": str(queue.queue_name)}, arguments=["--restart-seconds", "0.1"])
    (before,) = host.hosts
    send(queue, "deadly")
    notes = host.wait_for_records("work", 5, within_s=60)
    until(lambda: is_empty(queue), "the fifth time worked")

    # Given back at once each time, though the lease is ten minutes.
    assert [note["dequeue_count"] for note in notes] == [1, 2, 3, 4, 5]
    assert [note["host"] == before for note in notes] == [True, True, True, False, False]
    assert len({note["pid"] for note in notes}) == 5
    assert host.output.count("(Failed, Id=") == host.output.count("ms): python exited with code 137") == 4
    assert host.output.count("Exceeded language worker restart retry count for runtime:python.") == 1
    assert f"Host {before} has ended itself" in host.output


def test_a_crashed_process_is_restarted_once_in_an_interval(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(CRASHING), {"QUEUE": "never-made"}, arguments=["--restart-seconds", "5"])
    (first,) = host.workers
    # The first crash is answered at once, the second only when the interval after the first is over.
    os.kill(first, signal.SIGKILL)
    (second,) = until(lambda: [pid for pid in host.workers if pid != first], "another process serves")
    at = time.monotonic()
    os.kill(second, signal.SIGKILL)
    until(lambda: [pid for pid in host.workers if pid != second], "a third process serves")
    assert time.monotonic() - at > 4.5


BREAKABLE = """
if os.path.exists(os.environ["BROKEN"]):
    raise RuntimeError("broken by the test")

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))
"""


def test_an_app_that_cannot_be_loaded_again_ends_the_host_and_serves_once_it_can(
    make_app: MakeApp, start_host: StartHost, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    host = start_host(make_app(BREAKABLE), {"BROKEN": str(broken)}, arguments=["--restart-seconds", "0.1"])
    (before,) = host.hosts
    broken.touch()
    os.kill(host.workers[0], signal.SIGKILL)
    until(lambda: f"Host {before} has ended itself" in host.output, "the host gives up")
    # Two starts that failed count as crashes, too.
    assert host.output.count("Initializing worker process failed: Worker failed to index functions") == 2
    broken.unlink()
    until(lambda: host.hosts and host.workers, "another host serves")
    assert int(host.http.get("/api/who").text) == host.workers[0]


def test_a_process_that_ends_with_status_0_is_missed_by_the_host(make_app: MakeApp, start_host: StartHost) -> None:
    app = make_app(CRASHING, host_json='{"version": "2.0", "functionTimeout": "00:00:02"}')
    host = start_host(app, {"QUEUE": "never-made"}, arguments=["--restart-seconds", "0.1"])
    (before,) = host.workers
    # What ran hangs until its time-out, and that restarts the process.
    assert host.http.get("/api/end/0").status_code == 500
    assert "Timeout value of 2 s exceeded" in host.output
    (after,) = until(lambda: [pid for pid in host.workers if pid != before], "another process serves")
    assert int(host.http.get("/api/who").text) == after


STOPPING = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    note("begun", body=message.get_body().decode(), dequeue_count=message.dequeue_count)
    await asyncio.sleep(float(message.get_body()))

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
    note(body.split()[0], body=body, dequeue_count=message.dequeue_count, host=os.getppid())
    await asyncio.sleep(60 if body == "hold" and message.dequeue_count == 1 else 0.05)

@app.route("who")
async def who(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(os.getpid()))
"""


def test_a_killed_instance_is_replaced_and_its_message_comes_back_with_the_lease(
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
    os.kill(held["host"], signal.SIGKILL)
    until(lambda: not is_alive(held["pid"]), "the app's process ends with its host")

    # HTTP goes on while the other instance starts.
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
    pids = [*ready["hosts"], *ready["workers"]]
    assert len(pids) == 2
    assert all(is_alive(pid) for pid in pids)
    os.kill(ready["pid"], signal.SIGKILL)
    # No process stays behind when the supervisor dies without a word.
    until(lambda: not any(is_alive(pid) for pid in pids), "the workers end")


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
