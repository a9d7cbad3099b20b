"""Queue triggers against a real queue service (checklist 4 and 9)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from tests.platform.conftest import MakeApp, StartHost
from tests.platform.host_process import HostProcess, decoded, is_empty, send, until

Queue = Callable[[str], QueueClient]


def notes_about(served: HostProcess, about: str, body: str, count: int = 1) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        return [note for note in served.records(about) if note.get("body") == body]

    until(lambda: len(found()) >= count, f"{count} notes about {body}: {served.output}")
    return found()


def existing(queue: QueueClient) -> QueueClient:
    with suppress(ResourceExistsError):
        queue.create_queue()
    return queue


def test_a_message_that_worked_is_deleted(served: HostProcess, served_queue: Queue) -> None:
    queue = existing(served_queue("plain"))
    send(queue, "works Ω")
    (note,) = notes_about(served, "take", "works Ω")
    until(lambda: is_empty(queue), "the message is deleted")
    assert note["dequeue_count"] == 1


def test_the_handler_gets_the_services_facts_about_its_message(served: HostProcess, served_queue: Queue) -> None:
    queue = existing(served_queue("plain"))
    sent = queue.send_message(base64.b64encode(b"facts").decode(), time_to_live=3600)
    (note,) = notes_about(served, "take", "facts")
    inserted, expires, visible = (datetime.fromisoformat(note[name]) for name in ("inserted", "expires", "visible"))
    assert note["id"] == sent.id
    assert note["receipt"] != sent.pop_receipt
    assert inserted == sent.inserted_on
    assert expires - inserted == timedelta(hours=1)
    assert visible - inserted >= timedelta(minutes=10)


def test_a_message_that_keeps_failing_ends_in_the_poison_queue(served: HostProcess, served_queue: Queue) -> None:
    queue = existing(served_queue("failing"))
    send(queue, "hopeless")
    notes = notes_about(served, "fail", "hopeless", count=3)
    poison = served_queue("failing-poison")
    until(lambda: poison_has(poison, "hopeless"), "it is in the poison queue")
    until(lambda: is_empty(queue), "it is gone from its queue")
    assert [note["dequeue_count"] for note in notes] == [1, 2, 3]
    assert len([note for note in served.records("fail") if note["body"] == "hopeless"]) == 3


def poison_has(queue: QueueClient, body: str) -> bool:
    try:
        return body in decoded(queue)
    except ResourceNotFoundError:
        return False


def test_a_message_that_works_the_second_time_leaves_no_trace(served: HostProcess, served_queue: Queue) -> None:
    queue = existing(served_queue("twice"))
    send(queue, "again")
    served.wait_for_records("twice", 2)
    until(lambda: is_empty(queue), "the message is deleted")
    assert [note["dequeue_count"] for note in served.records("twice")] == [1, 2]


def test_a_message_nobody_can_decode_goes_to_the_poison_queue_untouched(
    served: HostProcess, served_queue: Queue
) -> None:
    queue = existing(served_queue("plain"))
    queue.send_message("no base64!")
    poison = served_queue("plain-poison")

    def arrived() -> bool:
        try:
            return [message.content for message in poison.peek_messages()] == ["no base64!"]
        except ResourceNotFoundError:
            return False

    until(arrived, "it is in the poison queue")
    until(lambda: is_empty(queue), "it is gone from its queue")


def test_a_queue_that_is_made_later_is_listened_to(served: HostProcess, served_queue: Queue) -> None:
    queue = served_queue("late")
    with pytest.raises(ResourceNotFoundError):
        queue.get_queue_properties()
    queue.create_queue()
    send(queue, "at last")
    notes_about(served, "late", "at last")
    assert "late" not in "".join(line for line in served.output.splitlines() if "failed" in line)


TUNED = """
{"version": "2.0", "extensions": {"queues": {
    "batchSize": 2, "newBatchThreshold": 1, "visibilityTimeout": "00:00:02"
}}}
"""

TUNED_APP = """
running = 0

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    global running
    body = message.get_body().decode()
    running += 1
    note(body.split()[0], running=running, dequeue_count=message.dequeue_count)
    await asyncio.sleep(float(body.split()[1]))
    running -= 1
    if body.startswith("fail") and message.dequeue_count == 1:
        raise RuntimeError("the first time")
"""


def test_batch_size_threshold_and_visibility_come_from_host_json(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    for index in range(7):
        send(queue, "slow 0.2" if index % 2 else "slow 0.6")
    send(queue, "fail 0")
    host = start_host(make_app(TUNED_APP, host_json=TUNED), {"QUEUE": str(queue.queue_name)})
    notes = host.wait_for_records("slow", 7)
    first, second = host.wait_for_records("fail", 2)
    until(lambda: is_empty(queue), "everything is handled")

    # A batch of two is fetched as soon as no more than one still runs: never more than three at once.
    assert max(note["running"] for note in [*notes, first]) == 3
    # A failed message is kept back by visibilityTimeout, which the service counts in whole seconds.
    assert second["dequeue_count"] == 2
    assert 1.0 <= second["at"] - first["at"] < 5.0


LONG_RUN = """
@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    note("begun", dequeue_count=message.dequeue_count)
    time.sleep(5)  # blocks the app's loop: the host's part must go on all the same
    note("ended")
"""


def test_a_message_stays_ours_for_as_long_as_its_handler_runs(
    make_app: MakeApp, start_host: StartHost, queue: QueueClient
) -> None:
    send(queue, "long")
    host = start_host(
        make_app(LONG_RUN),
        {"QUEUE": str(queue.queue_name)},
        arguments=["--lease-seconds", "2", "--workers", "2"],
    )
    host.wait_for_records("ended", 1)
    until(lambda: is_empty(queue), "it is deleted with the receipt of the last renewal")
    assert [note["dequeue_count"] for note in host.records("begun")] == [1]
    assert "Unable to delete" not in host.output
