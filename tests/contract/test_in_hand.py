"""What an instance works on is sent again when it dies, and only then. On Azurite."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.errors import StorageBusy
from shared.messages.in_hand import MessagesInHand
from shared.storage.reminders import Reminder, TableReminders

LEASE = timedelta(seconds=0.6)
FAR = datetime.max.replace(tzinfo=UTC)


class Counting(TableReminders):
    """The real table; counts what is written, and refuses where a test says so."""

    def __init__(self, service: TableServiceClient) -> None:
        super().__init__(service)
        self.writes = 0
        self.fails = False

    async def hold(self, owner: str, messages: Sequence[str], until: datetime) -> None:
        self.writes += 1
        if self.fails:
            raise StorageBusy("no")
        await super().hold(owner, messages, until)


@pytest.fixture
async def reminders(tables: TableServiceClient) -> Counting:
    """Storage without any reminder."""
    found = Counting(tables)
    async for reminder in found.list_due(FAR):
        await found.remove(reminder)
    return found


@pytest.fixture
async def in_hand(reminders: Counting) -> AsyncIterator[MessagesInHand]:
    found = MessagesInHand(reminders, LEASE)
    yield found
    await found.close()


async def held(reminders: TableReminders, before: datetime = FAR) -> list[Reminder]:
    return [reminder async for reminder in reminders.list_due(before)]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 20
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_message_is_written_down_before_the_work_begins(reminders: Counting, in_hand: MessagesInHand) -> None:
    async with in_hand.holding("join_chunk", "one"):
        [row] = await held(reminders)
        assert (row.messages, row.is_held) == (("one",), True)
        assert datetime.now(UTC) < row.due <= datetime.now(UTC) + LEASE


async def test_who_works_on_renews_for_as_long_as_the_work_takes(
    reminders: Counting, in_hand: MessagesInHand
) -> None:
    async with in_hand.holding("join_chunk", "one"):
        [first] = await held(reminders)

        async def moved_on() -> bool:
            [now] = await held(reminders)
            assert now.messages == ("one",)
            return now.due > first.due + 2 * LEASE

        await eventually(moved_on)


async def test_work_that_is_done_is_forgotten(reminders: Counting, in_hand: MessagesInHand) -> None:
    async with in_hand.holding("join_chunk", "one"):
        pass

    async def forgotten() -> bool:
        return await held(reminders) == []

    await eventually(forgotten)
    async with in_hand.holding("join_chunk", "two"):
        [row] = await held(reminders)
        assert row.messages == ("two",)


async def test_a_handler_that_fails_is_forgotten_too(reminders: Counting, in_hand: MessagesInHand) -> None:
    with pytest.raises(ValueError, match="stop"):
        async with in_hand.holding("join_chunk", "one"):
            raise ValueError("stop")

    async def forgotten() -> bool:
        return await held(reminders) == []

    await eventually(forgotten)


async def test_what_a_dead_process_had_in_hand_falls_due_when_its_lease_ends(
    reminders: Counting, in_hand: MessagesInHand
) -> None:
    async with in_hand.holding("join_chunk", "one"), in_hand.holding("join_chunk", "two"):
        await in_hand.close()  # nobody renews any more

        async def is_due() -> bool:
            return bool(await held(reminders, datetime.now(UTC)))

        await eventually(is_due)
        [row] = await held(reminders)
        assert set(row.messages) == {"one", "two"}


async def test_a_row_that_is_renewed_while_it_is_sent_again_stays(
    reminders: Counting, in_hand: MessagesInHand
) -> None:
    async with in_hand.holding("join_chunk", "one"):
        [seen] = await held(reminders)
        async with in_hand.holding("join_chunk", "two"):
            await reminders.remove(seen)
            assert len(await held(reminders)) == 1


async def test_messages_that_come_together_are_written_down_together(
    reminders: Counting, in_hand: MessagesInHand
) -> None:
    names = [f"message-{n}" for n in range(24)]
    begun = asyncio.Barrier(len(names))

    async def work(name: str) -> None:
        async with in_hand.holding("import_chunk", name):
            await begun.wait()
            [row] = await held(reminders)
            assert set(row.messages) == set(names)

    await asyncio.gather(*(work(name) for name in names))

    assert reminders.writes <= 3


async def test_each_handler_and_each_process_has_a_row_of_its_own(
    reminders: Counting, in_hand: MessagesInHand
) -> None:
    other = MessagesInHand(reminders, LEASE)
    async with (
        in_hand.holding("join_chunk", "one"),
        in_hand.holding("mail_chunk", "two"),
        other.holding("join_chunk", "three"),
    ):
        assert sorted(row.messages for row in await held(reminders)) == [("one",), ("three",), ("two",)]
    await other.close()


async def test_work_begins_although_storage_takes_no_row(reminders: Counting, in_hand: MessagesInHand) -> None:
    reminders.fails = True
    begun = False
    async with in_hand.holding("join_chunk", "one"):
        begun = True

    assert begun
