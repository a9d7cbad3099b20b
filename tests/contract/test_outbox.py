"""One examination for every outbox: the one in memory that unit tests use, and the real one on Azurite."""

import asyncio
import base64
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.core.ids import SetupId
from shared.messages.commands import ChunkCommand, Command, InviteChunk, RunSetupStep, SetupStep
from shared.messages.outbox import LONGEST_SLEEP, QueueOutbox
from shared.messages.registry import MESSAGES, read_traceparent
from shared.storage.reminders import Reminder, TableReminders
from shared.telemetry import spans
from tests.builders import CHUNK, GROUP
from tests.contract.test_codec import AS_WRITTEN
from tests.fakes.outbox import FakeOutbox

SETUP = SetupId("5e7a00000000000000000a")
COMMANDS = list({type(command): command for command in AS_WRITTEN.values()}.values())
SETUP_STEPS = [RunSetupStep(SETUP, step) for step in SetupStep]
ONE_OF_EACH = list({MESSAGES.queue_of(command): command for command in (*COMMANDS, *SETUP_STEPS)}.values())
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Examined:
    """An outbox, and what a worker would be given now: commands, each taken once."""

    outbox: QueueOutbox | FakeOutbox
    receive: Callable[[], Awaitable[list[Command]]]


@pytest.fixture
async def queues(queues: QueueServiceClient) -> QueueServiceClient:
    """Storage with the queues, empty."""
    for name in MESSAGES.queues:
        with suppress(ResourceExistsError):
            await queues.create_queue(name)
        await queues.get_queue_client(name).clear_messages()
    return queues


@pytest.fixture
async def reminders(tables: TableServiceClient) -> TableReminders:
    """Storage without any reminder."""
    found = TableReminders(tables)
    async for reminder in found.list_due(datetime.max.replace(tzinfo=UTC)):
        await found.remove(reminder)
    async for reminder in found.list_parked():
        await found.remove(reminder)
    return found


@pytest.fixture
def outbox(queues: QueueServiceClient, reminders: TableReminders) -> QueueOutbox:
    return QueueOutbox(queues, reminders)


async def receive_raw(service: QueueServiceClient) -> list[bytes]:
    """Take the visible messages of all queues as the Functions host does: base64 in the text."""
    found = []
    for name in MESSAGES.queues:
        queue = service.get_queue_client(name)
        async for message in queue.receive_messages(messages_per_page=32):
            await queue.delete_message(message)
            found.append(base64.b64decode(message.content, validate=True))
    return found


@pytest.fixture(params=["memory", "azurite"])
async def examined(
    request: pytest.FixtureRequest, queues: QueueServiceClient, outbox: QueueOutbox
) -> AsyncIterator[Examined]:
    if request.param == "memory":
        fake = FakeOutbox()

        async def sent_to_fake() -> list[Command]:
            now = datetime.now(UTC)
            due = [s for s in fake.sent if s[1] is None or s[1] <= now]
            fake.sent = [s for s in fake.sent if s not in due]
            return [command for command, _ in due]

        yield Examined(fake, sent_to_fake)
        return

    async def received() -> list[Command]:
        return [MESSAGES.decode(body) for body in await receive_raw(queues)]

    yield Examined(outbox, received)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
async def test_a_command_arrives_as_it_was_sent(examined: Examined, command: Any) -> None:
    slot = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
    later = dataclasses.replace(command, attempt=7)
    if isinstance(later, ChunkCommand):
        later = dataclasses.replace(later, slot=slot)
    await examined.outbox.send(command)
    await examined.outbox.send(later)

    got = await examined.receive()

    assert sorted(got, key=attrgetter("attempt")) == [command, later]


async def test_a_command_sent_twice_arrives_twice(examined: Examined) -> None:
    await examined.outbox.send(COMMANDS[0])
    await examined.outbox.send(COMMANDS[0])

    assert await examined.receive() == [COMMANDS[0]] * 2


async def test_a_command_stays_invisible_until_its_time(examined: Examined) -> None:
    not_before = datetime.now(UTC) + timedelta(seconds=1.5)
    await examined.outbox.send(COMMANDS[0], not_before=not_before)
    assert await examined.receive() == []

    deadline = time.monotonic() + 20
    got: list[Command] = []
    while not got and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        got = await examined.receive()

    assert got == [COMMANDS[0]]
    assert datetime.now(UTC) >= not_before


async def test_a_time_that_has_passed_is_now(examined: Examined) -> None:
    await examined.outbox.send(COMMANDS[0], not_before=datetime(2020, 1, 1, tzinfo=UTC))

    assert await examined.receive() == [COMMANDS[0]]


async def test_each_kind_of_command_has_a_queue_of_its_own(queues: QueueServiceClient, outbox: QueueOutbox) -> None:
    for command in COMMANDS:
        await outbox.send(command)

    for command in COMMANDS:
        queue = queues.get_queue_client(MESSAGES.queue_of(command))
        [message] = [m async for m in queue.receive_messages()]
        assert MESSAGES.decode(base64.b64decode(message.content)) == command


def test_no_command_is_without_a_queue() -> None:
    assert {MESSAGES.queue_of(command) for command in ONE_OF_EACH} == set(MESSAGES.queues)
    assert len(set(MESSAGES.queues)) == len(MESSAGES.queues) == len(ONE_OF_EACH)


async def test_a_message_carries_the_trace_it_was_sent_in(queues: QueueServiceClient, outbox: QueueOutbox) -> None:
    with spans.delivery("a_step", TRACE):
        await outbox.send(COMMANDS[0])
    await outbox.send(COMMANDS[1])

    first, second = [read_traceparent(body) for body in await receive_raw(queues)]
    assert first is not None
    assert first.split("-")[1] == TRACE.split("-")[1]
    assert second is not None, "outside any work a message begins a trace"
    assert second.split("-")[1] != TRACE.split("-")[1]


async def messages_in(queues: QueueServiceClient) -> int:
    """All that lie on the queues, invisible ones as well."""
    properties = [await queues.get_queue_client(name).get_queue_properties() for name in MESSAGES.queues]
    return sum(p.approximate_message_count or 0 for p in properties)


async def test_a_long_wait_is_a_row_and_no_message(queues: QueueServiceClient, outbox: QueueOutbox) -> None:
    later = datetime.now(UTC) + LONGEST_SLEEP + timedelta(hours=1)
    await outbox.send(COMMANDS[0], not_before=later)

    assert await outbox.send_due() == 0
    assert await messages_in(queues) == 0


async def test_a_long_wait_ends_as_a_message_once_it_is_short(
    queues: QueueServiceClient, outbox: QueueOutbox, reminders: TableReminders
) -> None:
    body = MESSAGES.encode(COMMANDS[0], TRACE).decode()
    await reminders.wait(body, datetime.now(UTC) + timedelta(seconds=1.5))

    assert await outbox.send_due() == 1
    assert await outbox.send_due() == 0
    assert await messages_in(queues) == 1, "it sleeps on the queue until its time"
    assert await receive_raw(queues) == []
    deadline = time.monotonic() + 20
    got: list[bytes] = []
    while not got and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        got = await receive_raw(queues)
    assert got == [body.encode()], "as it was, its trace with it"


async def test_a_sweeper_that_dies_before_it_removes_a_reminder_sends_it_again(
    queues: QueueServiceClient, tables: TableServiceClient, outbox: QueueOutbox, reminders: TableReminders
) -> None:
    class Dies(TableReminders):
        async def remove(self, reminder: Reminder) -> None:
            raise ConnectionError("the process ends here")

    await reminders.wait(MESSAGES.encode(COMMANDS[0], None).decode(), datetime.now(UTC))
    with pytest.raises(ConnectionError):
        await QueueOutbox(queues, Dies(tables)).send_due()

    assert await outbox.send_due() == 1
    assert [MESSAGES.decode(body) for body in await receive_raw(queues)] == [COMMANDS[0]] * 2


async def test_two_sweepers_at_once_lose_no_reminder(
    queues: QueueServiceClient, outbox: QueueOutbox, reminders: TableReminders
) -> None:
    wanted = [InviteChunk(GROUP, CHUNK, attempt=n) for n in range(40)]
    for command in wanted:
        await reminders.wait(MESSAGES.encode(command, None).decode(), datetime.now(UTC))

    await asyncio.gather(outbox.send_due(), outbox.send_due())

    got = [MESSAGES.decode(body) for _ in range(4) for body in await receive_raw(queues)]
    assert {command.attempt for command in got if isinstance(command, InviteChunk)} == set(range(40))
    assert await outbox.send_due() == 0


async def test_a_reminder_of_a_newer_version_is_left_for_it(
    queues: QueueServiceClient, outbox: QueueOutbox, reminders: TableReminders
) -> None:
    await reminders.wait('{"kind":"of-tomorrow","v":2}', datetime.now(UTC))
    await reminders.wait(MESSAGES.encode(COMMANDS[0], None).decode(), datetime.now(UTC))

    await outbox.send_due()

    assert [MESSAGES.decode(body) for body in await receive_raw(queues)] == [COMMANDS[0]]
    left = [r.messages async for r in reminders.list_due(datetime.now(UTC))]
    assert left == [('{"kind":"of-tomorrow","v":2}',)]


async def test_what_is_parked_stays_until_it_is_sent_and_is_kept_once(examined: Examined) -> None:
    for _ in range(2):
        for command in ONE_OF_EACH:
            await examined.outbox.park(command)
    assert await examined.receive() == []

    assert await examined.outbox.send_parked() == len(ONE_OF_EACH)
    assert await examined.outbox.send_parked() == 0
    got = await examined.receive()
    assert sorted(map(str, got)) == sorted(map(str, ONE_OF_EACH))


async def test_the_sweeper_of_reminders_leaves_alone_what_is_parked(
    queues: QueueServiceClient, outbox: QueueOutbox, reminders: TableReminders
) -> None:
    await outbox.park(COMMANDS[0])

    assert await outbox.send_due() == 0
    assert [r.messages async for r in reminders.list_due(datetime.now(UTC) + timedelta(days=365))] == []
    assert await messages_in(queues) == 0
    assert await outbox.send_parked() == 1


async def test_two_who_start_at_once_lose_nothing_that_was_parked(
    queues: QueueServiceClient, outbox: QueueOutbox
) -> None:
    for n in range(40):
        await outbox.park(InviteChunk(GROUP, CHUNK, attempt=n))

    await asyncio.gather(outbox.send_parked(), outbox.send_parked())

    got = [MESSAGES.decode(body) for _ in range(4) for body in await receive_raw(queues)]
    assert {command.attempt for command in got if isinstance(command, InviteChunk)} == set(range(40))
    assert await outbox.send_parked() == 0
