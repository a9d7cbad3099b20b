"""What lies on poison queues: every message is worked on and deleted after that, and what is no message is kept."""

import asyncio
import base64
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.core.ids import SetupId
from shared.messages.commands import Command, RunSetupStep, SetupStep
from shared.messages.queues import Drained, StoragePoisonQueues
from shared.messages.registry import MESSAGES, UNREADABLE, poison_queue
from tests.contract.test_codec import AS_WRITTEN

INVITE = AS_WRITTEN["message-invite-chunk"]
INVITATIONS = poison_queue("invitations")
AT_ONCE = timedelta(seconds=1)
"""The shortest rest that Queue Storage knows for a message that is taken."""


class Killed(BaseException):
    """The process ends here."""


class Work:
    """Notes what it was given; fails at some."""

    def __init__(self, *failing: Command) -> None:
        self.done: list[Command] = []
        self._failing = failing

    async def __call__(self, body: bytes) -> None:
        command = MESSAGES.decode(body)
        self.done.append(command)
        if command in self._failing:
            raise RuntimeError("not today")


@pytest.fixture(autouse=True)
async def _nothing_is_left_of_other_tests(queues: QueueServiceClient) -> None:
    for name in (*map(poison_queue, MESSAGES.queues), UNREADABLE):
        with suppress(ResourceNotFoundError):
            await queues.delete_queue(name)


async def put(queues: QueueServiceClient, name: str, text: str) -> None:
    with suppress(ResourceExistsError):
        await queues.create_queue(name)
    await queues.get_queue_client(name).send_message(text)


def as_the_host_writes(command: Command) -> str:
    return base64.b64encode(MESSAGES.encode(command, None)).decode()


async def texts(queues: QueueServiceClient, name: str) -> list[str]:
    try:
        return [str(message.content) for message in await queues.get_queue_client(name).peek_messages(32)]
    except ResourceNotFoundError:
        return []


async def count(queues: QueueServiceClient, name: str) -> int:
    """Those that rest included."""
    try:
        properties = await queues.get_queue_client(name).get_queue_properties()
    except ResourceNotFoundError:
        return 0
    return properties.approximate_message_count or 0


async def test_each_queues_messages_are_worked_on_and_deleted(queues: QueueServiceClient) -> None:
    commands = [*AS_WRITTEN.values(), *(RunSetupStep(SetupId("a" * 22), step) for step in SetupStep)]
    assert {MESSAGES.queue_of(command) for command in commands} == set(MESSAGES.queues)
    for command in commands:
        await put(queues, poison_queue(MESSAGES.queue_of(command)), as_the_host_writes(command))
    work = Work()

    drained = await StoragePoisonQueues(queues).drain(work)

    assert drained == Drained(done=len(commands))
    assert sorted(map(repr, work.done)) == sorted(map(repr, commands))
    assert [name for name in MESSAGES.queues if await count(queues, poison_queue(name))] == []


async def test_only_the_queues_that_are_named_are_asked(azurite: Azurite) -> None:
    asked: list[str] = []

    def hook(request: Any) -> None:
        asked.append(request.http_request.url)

    async with QueueServiceClient.from_connection_string(azurite.connection_string, raw_request_hook=hook) as queues:
        for name in ("invitations", "mails"):
            await put(queues, poison_queue(name), as_the_host_writes(INVITE))
        asked.clear()
        filled = [INVITATIONS, "mails", UNREADABLE, "somebody-elses-poison"]

        assert await StoragePoisonQueues(queues).drain(Work(), filled) == Drained(done=1)
        assert all(f"/{INVITATIONS}/" in address for address in asked)
        assert await count(queues, poison_queue("mails")) == 1
        assert await StoragePoisonQueues(queues).drain(Work(), []) == Drained()


async def test_more_than_a_batch_is_drained_in_one_run(queues: QueueServiceClient) -> None:
    for _ in range(40):
        await put(queues, INVITATIONS, as_the_host_writes(INVITE))

    assert await StoragePoisonQueues(queues).drain(Work()) == Drained(done=40)


async def test_a_drain_begins_nothing_after_its_time(queues: QueueServiceClient) -> None:
    for _ in range(3):
        await put(queues, INVITATIONS, as_the_host_writes(INVITE))

    assert await StoragePoisonQueues(queues, run=timedelta(0)).drain(Work()) == Drained()
    assert await count(queues, INVITATIONS) == 3


async def test_where_no_poison_queue_is_there_is_nothing_to_do(queues: QueueServiceClient) -> None:
    assert await StoragePoisonQueues(queues).drain(Work()) == Drained()


async def test_a_command_that_somebody_wrote_without_base64_is_a_command(queues: QueueServiceClient) -> None:
    await put(queues, INVITATIONS, MESSAGES.encode(INVITE, None).decode())
    work = Work()

    assert await StoragePoisonQueues(queues).drain(work) == Drained(done=1)
    assert work.done == [INVITE]


@pytest.mark.parametrize(
    "text",
    [
        "no base64, from ada@fabrikam.com",
        base64.b64encode(b"ada@fabrikam.com is no command").decode(),
        base64.b64encode(b'{"v": 99, "who": "ada@fabrikam.com"}').decode(),
        "abcd",
        "{",
        "é",
    ],
)
async def test_what_is_no_command_is_put_aside_as_it_is_and_does_not_come_again(
    queues: QueueServiceClient, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    await put(queues, INVITATIONS, text)
    await put(queues, INVITATIONS, as_the_host_writes(INVITE))

    with caplog.at_level(logging.INFO, "guestlist"):
        assert await StoragePoisonQueues(queues).drain(Work()) == Drained(done=1, unreadable=1)

    assert await count(queues, INVITATIONS) == 0
    assert await texts(queues, UNREADABLE) == [text]
    assert f"is unreadable: moved to {UNREADABLE}" in caplog.text
    assert "fabrikam" not in caplog.text


async def test_what_fails_rests_and_holds_up_nobody(queues: QueueServiceClient) -> None:
    other = AS_WRITTEN["message-import-chunk"]
    for command in (INVITE, other):
        await put(queues, INVITATIONS, as_the_host_writes(command))
    drain = StoragePoisonQueues(queues, hidden=AT_ONCE).drain

    assert await drain(Work(INVITE)) == Drained(done=1, failed=1)
    assert await count(queues, INVITATIONS) == 1

    work = Work()
    await _until_done(drain, work)
    assert work.done == [INVITE]


async def _until_done(drain: Any, work: Work) -> None:
    async with asyncio.timeout(20):
        while not work.done:
            await drain(work)
            await asyncio.sleep(0.1)


async def test_a_drain_that_is_killed_before_it_deletes_is_done_again(azurite: Azurite) -> None:
    dying = True

    def hook(request: Any) -> None:
        if dying and request.http_request.method == "DELETE":
            raise Killed

    async with QueueServiceClient.from_connection_string(azurite.connection_string, raw_request_hook=hook) as queues:
        await put(queues, INVITATIONS, as_the_host_writes(INVITE))
        poison, work = StoragePoisonQueues(queues, hidden=AT_ONCE), Work()
        with pytest.raises(Killed):
            await poison.drain(work)
        dying = False
        assert work.done == [INVITE]
        again = Work()
        await _until_done(poison.drain, again)
        assert again.done == [INVITE]
        assert await count(queues, INVITATIONS) == 0


async def test_two_drains_at_once_lose_nothing_and_do_not_trip_over_each_other(queues: QueueServiceClient) -> None:
    for _ in range(30):
        await put(queues, INVITATIONS, as_the_host_writes(INVITE))
    first, second = Work(), Work()

    drained = await asyncio.gather(
        StoragePoisonQueues(queues).drain(first), StoragePoisonQueues(queues).drain(second)
    )

    assert sum(each.done for each in drained) == len(first.done) + len(second.done) == 30
    assert [each.failed for each in drained] == [0, 0]
    assert await count(queues, INVITATIONS) == 0


async def test_a_message_that_another_drain_has_taken_over_meanwhile_is_theirs_to_delete(
    queues: QueueServiceClient,
) -> None:
    await put(queues, INVITATIONS, as_the_host_writes(INVITE))
    poison = StoragePoisonQueues(queues, hidden=AT_ONCE)
    taken_over = Work()

    async def slow(body: bytes) -> None:
        # Longer than the message rests: the second drain gets it, works and deletes.
        await _until_done(poison.drain, taken_over)

    assert await poison.drain(slow) == Drained(done=1)
    assert taken_over.done == [INVITE]
    assert await count(queues, INVITATIONS) == 0
