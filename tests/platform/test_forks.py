"""Processes that are forked are as those that are started from nothing, and end as they do."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import HostProcess, is_alive, is_empty, send, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

FORKS = ["--forks", "function_app,a_module_nobody_has"]

APP = """
import gc, random, re, signal, sys, threading

LOADED_BY = os.getpid()

@app.route("facts")
async def facts(req: func.HttpRequest) -> func.HttpResponse:
    names = {number: os.readlink(f"/proc/self/fd/{number}") for number in range(256)
             if os.path.exists(f"/proc/self/fd/{number}")}
    return func.HttpResponse(json.dumps({
        "environment": dict(os.environ),
        "arguments": [re.sub(r"^[0-9]+$", "SOCKET", argument) for argument in sys.argv],
        "flags": str(sys.flags),
        "folder": os.getcwd(),
        "path": sys.path,
        "mask": os.umask(0o022),
        "group": [os.getpgrp(), os.getsid(0)],
        "signals": {number.name: str(signal.getsignal(number)) for number in signal.Signals},
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "tasks": len(os.listdir("/proc/self/task")),
        "descriptors": sorted(re.sub(r"[0-9]+", "", os.path.basename(name)) for name in names.values()),
        "loop": str(type(asyncio.get_running_loop())),
        "policy": str(type(asyncio.get_event_loop_policy())),
        "handlers": [type(handler).__name__ for handler in logging.getLogger().handlers],
        "level": logging.getLogger().level,
        "host": sorted({name for name in sys.modules if name.startswith("local.")} - {"local.host.forks"}),
    }))

@app.route("own")
async def own(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("a line of a handler")
    return func.HttpResponse(json.dumps({"pid": os.getpid(), "by": LOADED_BY, "random": random.random()}))

@app.route("end/{status}")
async def end(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(int(req.route_params["status"]))

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    note("work", dequeue_count=message.dequeue_count)
    if message.dequeue_count == 1:
        os.kill(os.getpid(), 9)
"""

OF_THIS_HOST = ("RECORD", "WEBSITE_HOSTNAME", "AzureFunctionsWebHost__hostid")
"""Settings that differ between two hosts of one app."""


def facts(host: HostProcess) -> dict[str, Any]:
    found: dict[str, Any] = host.http.get("/api/facts").json()
    for name in OF_THIS_HOST:
        assert found["environment"].pop(name)
    return found


def own(host: HostProcess) -> dict[str, Any]:
    found: dict[str, Any] = host.http.get("/api/own").json()
    return found


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in text.split()]


@pytest.mark.parametrize("arguments", [[], ["--bare"]], ids=["beside the environment", "bare"])
def test_a_forked_process_is_as_one_that_was_started(
    make_app: MakeApp, start_host: StartHost, arguments: list[str]
) -> None:
    app = make_app(APP)
    settings = {"QUEUE": "never-made", "EMPTY": "", "SOMETHING": "else"}
    started = start_host(app, settings, arguments=arguments)
    forked = start_host(app, settings, arguments=[*arguments, *FORKS])

    assert own(started)["pid"] == own(started)["by"]
    assert own(forked)["pid"] != own(forked)["by"], "it has not loaded the app itself"
    assert facts(forked) == facts(started)
    assert "a line of a handler" in forked.output


def test_each_forked_process_draws_numbers_of_its_own(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(APP), {"QUEUE": "never-made"}, arguments=[*FORKS, "--restart-seconds", "0.1"])
    first = own(host)
    os.kill(first["pid"], signal.SIGKILL)
    until(lambda: host.workers not in ([], [first["pid"]]), "another process serves")
    second = own(host)

    assert second["by"] == first["by"]
    assert second["random"] != first["random"]


def test_how_a_forked_process_ends_is_known_and_another_takes_its_place(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    arguments = [*FORKS, "--restart-seconds", "0.1"]
    host = start_host(make_app(APP), {"QUEUE": str(queue.queue_name)}, arguments=arguments)
    (first,) = host.workers
    send(queue, "deadly")
    host.wait_for_records("work", 2)
    until(lambda: is_empty(queue), "the second time worked")
    assert host.http.get("/api/end/7").status_code == 500
    until(lambda: [own(host)["pid"]] == host.workers, "a third process serves")

    assert "python exited with code 137" in host.output
    assert "exited with code 7" in host.output
    until(lambda: not is_alive(first), "nothing is left of the first")


def test_a_killed_host_takes_its_process_with_it_and_is_replaced(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(APP), {"QUEUE": "never-made"}, arguments=FORKS)
    before = [*host.hosts, *host.workers]
    os.kill(host.hosts[0], signal.SIGKILL)

    until(lambda: not any(is_alive(pid) for pid in before), "both have ended, and somebody has collected them")
    until(lambda: host.workers not in ([], before[1:]), "another serves")
    assert f"Host {before[0]} ended (signal 9): starting another." in host.output
    assert own(host)["pid"] == host.workers[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(make_app: MakeApp, start_host: StartHost, number: signal.Signals) -> None:
    host = start_host(make_app(APP), {"QUEUE": "never-made"}, arguments=FORKS)
    forking = children(host.process.pid)
    assert len(forking) == 2
    assert {*host.hosts, *host.workers} == {child for pid in forking for child in children(pid)}
    left = [*forking, *host.hosts, *host.workers]
    host.process.send_signal(number)

    assert host.wait_for_exit() == (0 if number == signal.SIGTERM else -number)
    until(lambda: not any(is_alive(pid) for pid in left), "all have ended")


def test_an_app_that_cannot_be_loaded_says_so(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app("import a_module_nobody_has"), arguments=FORKS, ready=False)

    assert host.wait_for_exit() == 1
    assert "ModuleNotFoundError: No module named 'a_module_nobody_has'" in host.output


@pytest.mark.parametrize(
    "line",
    ["import threading; threading.Thread(target=time.sleep, args=[60], daemon=True).start()", "logging.info('x')"],
)
def test_an_app_that_is_more_than_loaded_is_not_forked(make_app: MakeApp, start_host: StartHost, line: str) -> None:
    host = start_host(make_app(f"{line}\n{APP}"), {"QUEUE": "never-made"}, arguments=FORKS, ready=False)

    assert host.wait_for_exit() == 1
    assert "this process cannot be forked" in host.output
