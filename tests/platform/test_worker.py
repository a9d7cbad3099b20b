"""The app's process is run as in Azure: its loop, tasks, modules and log lines, and what a failing start does."""

from __future__ import annotations

import os
import sys
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from build_tools.paths import ROOT
from local.host.app_process import Options, launch
from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import send, until

APP = """
import sys, threading

logging.info("a line at import")
logging.getLogger("azure").warning("a line of a library at import")

@app.route("facts")
async def facts(req: func.HttpRequest) -> func.HttpResponse:
    from azure_functions_runtime import get_threadpool_executor
    task = asyncio.current_task()
    found = {
        "loop": type(asyncio.get_running_loop()).__module__,
        "task": type(task).__name__,
        "child": type(asyncio.create_task(asyncio.sleep(0))).__name__,
        "path": sys.path,
        "host": sorted(name for name in sys.modules if name.split(".")[0] in ("local", "aiohttp")),
        "threads": get_threadpool_executor()._max_workers,
        "empty": os.environ.get("EMPTY"),
    }
    return func.HttpResponse(json.dumps(found))

@app.route("lines")
async def lines(req: func.HttpRequest) -> func.HttpResponse:
    async def child():
        logging.info("a line of a task")
    logging.info("a line of a handler")
    logging.debug("a line below the level")
    logging.getLogger("httpx").info("a line of a library")
    await asyncio.create_task(child())
    threading.Thread(target=lambda: logging.info("a line of a thread of its own")).start()
    asyncio.get_running_loop().call_later(0.2, lambda: logging.info("a line after the end"))
    return func.HttpResponse("")

@app.route("sync-lines")
def sync_lines(req: func.HttpRequest) -> func.HttpResponse:
    logging.warning("a line of a sync handler")
    return func.HttpResponse("")

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
async def tick(timer: func.TimerRequest, context: func.Context) -> None:
    note("tick", status=timer.schedule_status, trace=context.trace_context.trace_parent)

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def take(message: func.QueueMessage, context: func.Context) -> None:
    note("take", trace=context.trace_context.trace_parent)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
def test_the_app_runs_on_the_loop_the_tasks_the_path_and_the_threads_of_azure(
    make_app: MakeApp, start_host: StartHost
) -> None:
    app = make_app(APP)
    host = start_host(app, {"QUEUE": "never-made", "EMPTY": ""})
    found = host.http.get("/api/facts").json()
    assert found["loop"].startswith("uvloop")
    assert (found["task"], found["child"]) == ("ContextEnabledTask", "ContextEnabledTask")
    assert (found["path"][0], found["path"][-1]) == (str(app / ".python_packages/lib/site-packages"), str(app))
    assert str(ROOT) not in found["path"]
    assert found["host"] == ["local", "local.host", "local.host.origins", "local.host.protocol"]
    assert found["threads"] == 1000
    assert found["empty"] is None


def test_only_lines_of_a_running_invocation_reach_the_log(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(APP), {"QUEUE": "never-made", "AzureWebJobs.tick.Disabled": "1"})
    host.http.get("/api/lines")
    host.http.get("/api/sync-lines")
    until(lambda: "a line of a sync handler" in host.output, "its line arrives")
    host.terminate()
    assert host.wait_for_exit() == 0

    arrived = ["a line of a handler", "a line of a library\n", "a line of a task", "a line of a sync handler"]
    dropped = ["at import", "below the level", "a thread of its own", "after the end"]
    assert [line for line in arrived if line not in host.output] == []
    assert [line for line in dropped if line in host.output] == []


def test_timers_and_messages_come_without_a_trace_or_status_where_the_host_exports_nothing(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    host = start_host(make_app(APP), {"QUEUE": str(queue.queue_name)})
    send(queue, "x")
    (take,) = host.wait_for_records("take", 1)
    tick = host.wait_for_records("tick", 1)[0]
    assert (take["trace"], tick["trace"], tick["status"]) == ("", "", {})


def test_a_host_that_exports_begins_a_trace_for_each_message(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    app = make_app(APP, host_json='{"version": "2.0", "telemetryMode": "OpenTelemetry"}')
    exports = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    host = start_host(app, {"QUEUE": str(queue.queue_name), **exports})
    send(queue, "x")
    (take,) = host.wait_for_records("take", 1)
    assert take["trace"].startswith("00-")


def test_without_a_bundle_queue_functions_are_in_error_and_the_others_run(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    send(queue, "never taken")
    host = start_host(make_app(APP, bundle=False), {"QUEUE": str(queue.queue_name)})
    host.wait_for_records("tick", 2)
    assert host.http.get("/api/facts").status_code == 200
    assert host.records("take") == []
    assert [message.content for message in queue.peek_messages()] != []
    assert (
        "The 'take' function is in error: The binding type(s) 'queueTrigger' are not registered. "
        "Please ensure the type is correct and the binding extension is installed.\n"
    ) in host.output
    assert "\ttake:" not in host.output


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("QUEUE", "'%QUEUE%' does not resolve to a value."),
        (
            "AzureWebJobsStorage",
            "Storage account connection string 'AzureWebJobsAzureWebJobsStorage' does not exist. "
            "Make sure that it is a defined App Setting.",
        ),
    ],
)
def test_a_function_without_its_setting_or_connection_is_in_error_and_the_others_run(
    make_app: MakeApp, start_host: StartHost, missing: str, words: str
) -> None:
    settings = {"QUEUE": f"test-{uuid4().hex}", "AzureWebJobs.tick.Disabled": "1"} | {missing: ""}
    if missing == "QUEUE":
        del settings["QUEUE"]
    host = start_host(make_app(APP), settings)
    assert host.http.get("/api/facts").status_code == 200
    assert "Function 'Functions.take' failed indexing and will be disabled.\n" in host.output
    assert (
        "The 'take' function is in error: Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.take'. "
        f"Microsoft.Azure.WebJobs.Host: {words}\n"
    ) in host.output


def test_an_app_that_takes_too_long_to_load_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app("time.sleep(60)\n" + APP), arguments=["--load-seconds", "2"], ready=False)
    assert host.wait_for_exit() == 1
    assert "Initializing worker process failed: the app was not loaded within 2 s." in host.output


def test_an_app_that_ends_while_it_is_loaded_stops_the_start(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app("os._exit(7)\n" + APP), ready=False)
    assert host.wait_for_exit() == 1
    assert "Initializing worker process failed: the process ended with status 7." in host.output


def test_a_setting_for_threads_is_handed_on(make_app: MakeApp, start_host: StartHost) -> None:
    host = start_host(make_app(APP), {"QUEUE": "never-made", "PYTHON_THREADPOOL_THREAD_COUNT": "3"})
    assert host.http.get("/api/facts").json()["threads"] == 3


def test_the_apps_process_ends_with_its_host(make_app: MakeApp) -> None:
    app = launch(Options(app=str(make_app(APP))), os.environ)
    app.connection.close()
    assert app.process.wait(30) == 1
