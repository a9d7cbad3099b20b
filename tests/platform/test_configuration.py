"""host.json, local.settings.json, and bindings with settings in them (checklist 2)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.configuration import (
    HostSettings,
    QueueSettings,
    merge,
    parse_time_span,
    read_host_json,
    read_local_settings,
    resolve,
)
from local.host.engine import IndexedFunction
from local.host.errors import NotReproduced, StartError
from local.host.functions import QueueTrigger, TimerTrigger, describe
from local.host.queues import Backoff


def read(folder: Path, document: dict[str, Any], **environment: str) -> HostSettings:
    (folder / "host.json").write_text(json.dumps(document))
    return read_host_json(folder, environment)


def test_an_empty_host_json_means_the_documented_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, {"version": "2.0"}) == HostSettings(
        queues=QueueSettings(
            batch_size=16,
            new_batch_threshold=8,
            max_dequeue_count=5,
            max_polling_interval=timedelta(minutes=1),
            visibility_timeout=timedelta(0),
        ),
        route_prefix="api",
        function_timeout=timedelta(minutes=30),
    )


def test_the_threshold_is_half_of_the_batch_where_it_is_not_given(tmp_path: Path) -> None:
    queues = read(tmp_path, {"version": "2.0", "extensions": {"queues": {"batchSize": 7}}}).queues
    assert (queues.batch_size, queues.new_batch_threshold) == (7, 3)


def test_every_key_is_read(tmp_path: Path) -> None:
    section = {
        "batchSize": 4,
        "newBatchThreshold": 0,
        "maxDequeueCount": 2,
        "messageEncoding": "Base64",
        "maxPollingInterval": "00:00:03",
        "visibilityTimeout": "1.00:00:30.5",
    }
    settings = read(
        tmp_path,
        {
            "version": "2.0",
            "functionTimeout": "00:05:00",
            "extensions": {"queues": section, "http": {"routePrefix": "/v2/"}},
        },
    )
    assert settings == HostSettings(
        queues=QueueSettings(4, 0, 2, timedelta(seconds=3), timedelta(days=1, seconds=30, milliseconds=500)),
        route_prefix="v2",
        function_timeout=timedelta(minutes=5),
    )


def test_app_settings_override_host_json_without_regard_to_case(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        {"version": "2.0", "extensions": {"queues": {"batchSize": 4}}},
        AzureFunctionsJobHost__Extensions__Queues__BatchSize="9",
        AzureFunctionsJobHost__functionTimeout="00:02:00",
    )
    assert settings.queues.batch_size == 9
    assert settings.function_timeout == timedelta(minutes=2)
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("document", "warning"),
    [
        ({"extension": {}}, "'extension'"),
        ({"extensions": {"queues": {"batchsize": 1, "batchSizes": 1}}}, "'extensions.queues.batchSizes'"),
        ({"extensions": {"http": {"prefix": ""}}}, "'extensions.http.prefix'"),
    ],
)
def test_an_unknown_key_is_reported_by_its_whole_name(tmp_path: Path, document: dict[str, Any], warning: str) -> None:
    assert read(tmp_path, {"version": "2.0", **document}).warnings == (
        f"host.json: unknown key {warning} is ignored.",
    )


@pytest.mark.parametrize(
    "document",
    [
        *({"extensions": {"queues": {name: value}}} for name, value in [
            ("batchSize", 0), ("batchSize", 33), ("batchSize", "x"), ("newBatchThreshold", -1),
            ("maxDequeueCount", 0), ("visibilityTimeout", "soon"),
        ]),
        {"extensions": []}, {"extensions": {"queues": 1}}, {"functionTimeout": "00:00:00"},
        {"functionTimeout": "ten"},
    ],
)  # fmt: skip
def test_a_value_the_host_cannot_use_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    with pytest.raises(StartError, match=r"host\.json"):
        read(tmp_path, {"version": "2.0", **document})


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"functionTimeout": "-1"}, "functionTimeout"),
        ({"functions": ["one"]}, "functions"),
        ({"retry": {"strategy": "fixedDelay"}}, "retry"),
        ({"logging": {"logLevel": {"default": "Warning"}}}, "logLevel"),
        ({"extensions": {"http": {"maxOutstandingRequests": 2}}}, "maxOutstandingRequests"),
        ({"extensions": {"queues": {"messageEncoding": "none"}}}, "messageEncoding"),
    ],
)
def test_a_value_that_only_azure_acts_on_is_refused(tmp_path: Path, document: dict[str, Any], name: str) -> None:
    with pytest.raises(NotReproduced, match=name):
        read(tmp_path, {"version": "2.0", **document})


def test_a_folder_without_host_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"host\.json was not found"):
        read_host_json(tmp_path, {})


@pytest.mark.parametrize("text", ["", "10", "24:00:00", "00:60:00", "00:00:60", "1:2:3:4"])
def test_what_is_no_time_span_is_none(text: str) -> None:
    assert parse_time_span(text) is None


def write_settings(folder: Path, content: object) -> Path:
    path = folder / "local.settings.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_local_settings_are_texts_and_null_is_nothing(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path,
        {
            "Values": {"A": "text", "B": 5, "C": True, "D": None, "E": ""},
        },
    )
    assert read_local_settings(path) == {
        "A": "text",
        "B": "5",
        "C": "true",
        "E": "",
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Unable to parse"),
        ([], "not a JSON object"),
        ({"IsEncrypted": True, "Values": {}}, "encrypted"),
        ({"Values": []}, "'Values'"),
        ({"Values": {"A": {"B": "c"}}}, "'Values.A'"),
        ({"ConnectionStrings": {"Db": "x"}}, "ConnectionStrings"),
        ({"Host": {"LocalHttpPort": 7099}}, "Host"),
    ],
)
def test_local_settings_of_another_form_are_refused(tmp_path: Path, content: object, reason: str) -> None:
    with pytest.raises(StartError, match=reason):
        read_local_settings(write_settings(tmp_path, content))


def test_a_variable_that_is_set_but_empty_gives_way_to_the_file() -> None:
    merged, skipped = merge({"A": "1", "B": ""}, {"A": "2", "B": "3", "C": "4"})
    assert (merged, skipped) == ({"A": "1", "B": "3", "C": "4"}, ["A"])


def test_placeholders_may_stand_anywhere_and_must_be_settings() -> None:
    assert resolve("%A%-x-%B%", {"A": "1", "B": ""}) == "1-x-"
    assert resolve("100% sure", {}) == "100% sure"
    with pytest.raises(StartError, match="'%C%' does not resolve to a value"):
        resolve("%C%", {"A": "1"})


def indexed(*bindings: dict[str, Any], retries: bool = False) -> list[IndexedFunction]:
    return [IndexedFunction("work", "id", bindings, retries)]


def test_settings_are_put_into_queue_connection_and_schedule() -> None:
    environment = {"NAME": "Mails", "WHERE": "Elsewhere", "WHEN": "0 0 3 * * *", "Elsewhere": "a connection"}
    queue = {"type": "queueTrigger", "name": "m", "queueName": "%NAME%-1", "connection": "%WHERE%"}
    timer = {"type": "timerTrigger", "name": "t", "schedule": "%WHEN%"}
    (by_queue,) = describe(indexed(queue), environment)
    (by_timer,) = describe(indexed(timer), environment)
    assert by_queue.trigger == QueueTrigger("m", "mails-1", "Elsewhere")
    assert isinstance(by_timer.trigger, TimerTrigger)
    assert (by_timer.trigger.schedule.text, by_timer.trigger.monitored) == ("0 0 3 * * *", True)


QUEUE = {"type": "queueTrigger", "name": "q", "queueName": "mails", "connection": "Storage"}
HTTP = {"type": "httpTrigger", "name": "req", "authLevel": "anonymous"}
TIMER = {"type": "timerTrigger", "name": "t", "schedule": "0 0 3 * * *"}


@pytest.mark.parametrize(
    ("bindings", "bundle", "reason"),
    [
        ([], True, "No trigger binding specified. A function must have a trigger input binding."),
        (
            [{"type": "timerTrigger", "name": "t", "schedule": "61 * * * * *"}],
            True,
            "Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.work'. Microsoft.Azure.WebJobs.Host: "
            "The schedule expression '61 * * * * *' was not recognized as a valid cron expression or timespan "
            "string.",
        ),
        (
            [QUEUE | {"queueName": "%NOBODY%"}],
            True,
            "Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.work'. Microsoft.Azure.WebJobs.Host: "
            "'%NOBODY%' does not resolve to a value.",
        ),
        (
            [QUEUE | {"connection": "Nowhere"}],
            True,
            "Storage account connection string 'AzureWebJobsNowhere' does not exist. "
            "Make sure that it is a defined App Setting.",
        ),
        (
            [QUEUE, {"type": "queue", "name": "out", "queueName": "x"}],
            False,
            "The binding type(s) 'queueTrigger, queue' are not registered. "
            "Please ensure the type is correct and the binding extension is installed.",
        ),
    ],
)
def test_a_function_the_host_cannot_run_is_in_error_and_the_others_go_on(
    bindings: list[dict[str, Any]], bundle: bool, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = IndexedFunction("other", "id", (HTTP,))
    found = describe([*indexed(*bindings), other], {"Storage": "a connection"}, bundle=bundle)
    assert [function.name for function in found] == ["other"]
    (error,) = [line for line in caplog.messages if line.startswith("The 'work' function is in error: ")]
    assert reason in error


@pytest.mark.parametrize("setting", ["Storage", "AzureWebJobsStorage"])
def test_a_connection_is_a_setting_of_that_name(setting: str) -> None:
    (function,) = describe(indexed(QUEUE), {setting: "something"})
    assert isinstance(function.trigger, QueueTrigger)


@pytest.mark.parametrize("kind", ["blobTrigger", "queue"])
def test_a_binding_that_only_azure_has_stops_the_start(kind: str) -> None:
    with pytest.raises(NotReproduced, match=f"bindings of type '{kind}'"):
        describe(indexed({"type": kind, "name": "b"}), {})


def test_a_retry_policy_stops_the_start() -> None:
    with pytest.raises(NotReproduced, match="The 'work' function: a retry policy"):
        describe(indexed(HTTP, retries=True), {})


@pytest.mark.parametrize(
    ("binding", "what"),
    [
        (HTTP | {"authLevel": "function"}, "the authorization level 'function'"),
        (HTTP | {"authLevel": None}, "the authorization level 'function'"),
        (TIMER | {"runOnStartup": True}, "run_on_startup"),
        (TIMER | {"useMonitor": False}, "use_monitor"),
        (QUEUE | {"queueName": "mails-poison"}, "a trigger on the poison queue 'mails-poison'"),
        (QUEUE | {"connection": "Other"}, "the connection 'Other' with an identity"),
    ],
)
def test_what_only_azure_does_with_a_trigger_stops_the_start(binding: dict[str, Any], what: str) -> None:
    with pytest.raises(NotReproduced, match=f"The 'work' function: .*{what}"):
        describe(indexed(binding), {"Storage": "a connection", "Other__queueServiceUri": "https://"})


@pytest.mark.parametrize(
    ("schedule", "frequent"),
    [
        *[(text, True) for text in ("* * * * * *", "*/5 * * * * *", "10,20,45 * * * * *")],
        *[(text, False) for text in ("0 * * * * *", "30 * * * * *", "* 1-5 * * * *", "* */20 * * * *")],
    ],
)
def test_a_timer_that_comes_due_more_than_once_a_minute_is_not_monitored(schedule: str, frequent: bool) -> None:
    (function,) = describe(indexed({"type": "timerTrigger", "name": "t", "schedule": schedule}), {})
    assert isinstance(function.trigger, TimerTrigger)
    assert function.trigger.monitored is not frequent


def test_pauses_between_polls_grow_to_the_longest_and_start_over() -> None:
    backoff = Backoff(timedelta(seconds=2))
    pauses = [backoff.pause_s() for _ in range(12)]
    assert pauses[0] == 0.1
    assert 0.18 <= pauses[1] <= 0.22
    assert 0.26 <= pauses[2] <= 0.34
    assert pauses == sorted(pauses)
    assert all(pause == 2.0 for pause in pauses[7:])
    backoff.reset()
    assert backoff.pause_s() == 0.1
