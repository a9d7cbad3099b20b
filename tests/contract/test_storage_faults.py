"""What the adapters make of a storage service that fails: nothing of the SDK gets out, and no half is written."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.data.tables.aio import TableServiceClient

from local.azurite import Azurite
from shared.core.errors import Conflict, StorageBusy
from shared.core.ids import GroupId
from shared.core.versions import Versioned
from shared.invitations.model.invitations import Invitation
from shared.invitations.ports import KeyClaim
from shared.invitations.rows.invitations import INVITATIONS as INVITATIONS_TABLE
from shared.invitations.rows.store import TableStore
from shared.messages.commands import InviteChunk
from shared.messages.outbox import QueueOutbox
from shared.pace.pacing import Breaker, Pace
from shared.storage.accounts import CONNECTION, StorageRefused, queue_service, table_service
from shared.storage.key import TENANT
from shared.storage.reminders import REMINDERS, TableReminders
from tests.builders import CHUNK, GROUP, NOW
from tests.contract.bad_network import BadNetwork, Fault
from tests.contract.test_store import chunk_of, claim, under_way

PACE = Pace(60, timedelta(minutes=1), burst=20)


@pytest.fixture
async def network(azurite: Azurite) -> AsyncIterator[BadNetwork]:
    async with BadNetwork.before(azurite.table_port) as network:
        yield network


@pytest.fixture
async def store(azurite: Azurite, network: BadNetwork) -> AsyncIterator[TableStore]:
    async with table_service({CONNECTION: azurite.connection_string_via(table_port=network.port)}) as service:
        yield TableStore(service)


@pytest.fixture
async def invitations(store: TableStore) -> list[Invitation]:
    """A chunk that is there."""
    found = chunk_of(GroupId(str(uuid.uuid4())), 2)
    await store.accept(found, None)
    return found


async def each_operation(store: TableStore, invitations: list[Invitation]) -> dict[str, type]:
    """Do everything that the port can, all at once, and tell what each ended with."""
    group, chunk = invitations[0].id.group, invitations[0].id.chunk
    rows = [Versioned(i, "W/\"datetime'2026-03-02T09%3A00%3A00Z'\"") for i in invitations]

    async def list_open() -> None:
        async for _ in store.open_chunks.list_open(due_before=NOW):
            pass

    operations = {
        "claim_key": claim(store, group),
        "release_key": store.release_key(KeyClaim(group, "key", "body", rows[0].version or "")),
        "find_guards": store.find_guards(group, [invitations[0].address.key]),
        "accept": store.accept(chunk_of(group), None),
        "read_chunk": store.read_chunk(group, chunk),
        "save": store.save(rows),
        "read": store.read(invitations[0].id),
        "list_group": store.list_group(group, state=None, continuation=None, limit=5),
        "open_chunk": store.open_chunks.open((group, chunk), NOW),
        "close_chunk": store.open_chunks.close((group, chunk)),
        "list_open": list_open(),
        "read_breaker": store.read_breaker(),
        "write_breaker": store.write_breaker(Versioned(Breaker(), None)),
        "reserve": store.reserve("lane", PACE, 1, NOW),
    }
    ended = await asyncio.gather(*operations.values(), return_exceptions=True)
    return {name: type(end) for name, end in zip(operations, ended, strict=True)}


async def test_storage_out_of_reach_is_busy_storage_for_every_operation(azurite: Azurite) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # not listening: connections are refused
        port = closed.getsockname()[1]
        text = azurite.connection_string_via(table_port=port, queue_port=port)
        async with table_service({CONNECTION: text}) as tables, queue_service({CONNECTION: text}) as queues:
            # One by one each would wait for its own retries.
            store, group = TableStore(tables), GroupId(str(uuid.uuid4()))
            ended = await asyncio.gather(
                store.read(chunk_of(group)[0].id),
                store.accept(chunk_of(group), None),
                store.open_chunks.open((group, CHUNK), NOW),
                store.reserve("lane", PACE, 1, NOW),
                QueueOutbox(queues, TableReminders(tables)).send(InviteChunk(GROUP, CHUNK)),
                QueueOutbox(queues, TableReminders(tables)).send(
                    InviteChunk(GROUP, CHUNK), not_before=datetime.now(UTC) + timedelta(days=1)
                ),
                return_exceptions=True,
            )

    assert [type(e) for e in ended] == [StorageBusy] * 6


@pytest.mark.parametrize("status", [403, 413])
async def test_what_a_repeat_does_not_change_is_refused_for_every_operation(
    store: TableStore, network: BadNetwork, invitations: list[Invitation], status: int
) -> None:
    network.from_then_on = status

    ended = await each_operation(store, invitations)

    assert ended == dict.fromkeys(ended, StorageRefused)


async def test_throttling_is_busy_storage_for_every_operation(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    network.from_then_on = 503

    ended = await each_operation(store, invitations)

    assert ended == dict.fromkeys(ended, StorageBusy)


async def test_one_server_error_is_mended_by_the_clients_own_repeat(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    network.faults = [500]
    group = invitations[0].id.group
    more = chunk_of(group)

    await store.accept(more, None)

    assert await store.read(more[0].id) == more[0]


@pytest.mark.parametrize("fault", ["cut before", 502])
async def test_a_write_that_got_no_answer_is_busy_and_wrote_nothing(
    store: TableStore, network: BadNetwork, invitations: list[Invitation], fault: Fault
) -> None:
    network.faults = [fault]
    more = chunk_of(invitations[0].id.group, 3)

    with pytest.raises(StorageBusy):
        await store.accept(more, None)

    assert await store.read_chunk(more[0].id.group, more[0].id.chunk) == []


async def test_storage_that_never_answers_is_given_up(
    azurite: Azurite, network: BadNetwork, invitations: list[Invitation]
) -> None:
    network.from_then_on = "hang"
    text = azurite.connection_string_via(table_port=network.port)
    async with table_service({CONNECTION: text}) as service:
        with pytest.raises(StorageBusy):
            # A write is not repeated where no answer came: one reading time is all it takes.
            await asyncio.wait_for(TableStore(service).accept(chunk_of(invitations[0].id.group), None), 30)


async def test_a_chunk_whose_answer_was_lost_is_there_and_says_so_by_its_guard(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    group = invitations[0].id.group
    held = await claim(store, group)
    assert isinstance(held, KeyClaim)
    more = chunk_of(group)
    network.faults = ["answer lost"]

    with pytest.raises(Conflict):
        await store.accept(more, held)

    key = more[0].address.key
    assert await under_way(store, group, [key]) == {key: more[0].id}
    assert await claim(store, group) == more[0].id


async def test_a_save_whose_answer_was_lost_is_a_conflict_and_is_there(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    group, chunk = invitations[0].id.group, invitations[0].id.chunk
    rows = await store.read_chunk(group, chunk)
    network.faults = ["answer lost"]

    with pytest.raises(Conflict):
        await store.save(rows)

    again = await store.read_chunk(group, chunk)
    assert {r.version for r in again}.isdisjoint({r.version for r in rows})
    await store.save(again)


async def test_a_claim_whose_answer_was_lost_is_still_ours(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    group = invitations[0].id.group
    network.faults = ["answer lost"]

    held = await claim(store, group)

    assert isinstance(held, KeyClaim)
    more = chunk_of(group)
    await store.accept(more, held)
    assert await claim(store, group) == more[0].id


async def test_a_claim_taken_over_whose_answer_was_lost_is_still_ours(
    store: TableStore, network: BadNetwork, invitations: list[Invitation]
) -> None:
    group = invitations[0].id.group
    await claim(store, group)
    # The insert meets the first claim, whose row is read, and then replaced.
    network.faults = [None, None, "answer lost"]

    held = await claim(store, group, after=timedelta(hours=1))

    assert isinstance(held, KeyClaim)
    assert network.faults == []
    await store.accept(chunk_of(group), held)


async def test_tables_that_are_missing_are_made_by_whoever_writes_first() -> None:
    with Azurite.start() as fresh:
        async with table_service({CONNECTION: fresh.connection_string}) as service:
            store, group = TableStore(service), GroupId(str(uuid.uuid4()))
            [invitation] = chunk_of(group)

            assert await store.read(invitation.id) is None
            assert [c async for c in store.open_chunks.list_open(due_before=NOW)] == []
            assert not (await store.read_breaker()).value.is_open
            chunks = [chunk_of(group) for _ in range(6)]
            await asyncio.gather(
                *(store.accept(c, None) for c in chunks),
                *(store.open_chunks.open((group, c[0].id.chunk), NOW) for c in chunks),
                *(store.reserve(f"lane{n}", PACE, 1, NOW) for n in range(6)),
            )

            assert sorted([t.name async for t in service.list_tables()]) == sorted(
                (INVITATIONS_TABLE, REMINDERS, TENANT)
            )
            assert len((await store.list_group(group, state=None, continuation=None, limit=50)).invitations) == 6


async def test_queues_that_are_missing_are_made_by_whoever_sends_first() -> None:
    with Azurite.start() as fresh:
        account = {CONNECTION: fresh.connection_string}
        async with queue_service(account) as service, table_service(account) as tables:
            outboxes = [QueueOutbox(service, TableReminders(tables)) for _ in range(6)]

            await asyncio.gather(*(o.send(InviteChunk(GROUP, CHUNK)) for o in outboxes))

            queue = service.get_queue_client("invitations")
            assert len([m async for m in queue.receive_messages(messages_per_page=32)]) == 6


async def test_queue_messages_never_expire_and_sleep_for_minutes_at_most(
    azurite: Azurite, tables: TableServiceClient
) -> None:
    now = datetime.now(UTC)
    async with BadNetwork.before(azurite.queue_port) as network:
        text = azurite.connection_string_via(queue_port=network.port)
        async with queue_service({CONNECTION: text}) as service:
            outbox = QueueOutbox(service, TableReminders(tables))
            await outbox.send(InviteChunk(GROUP, CHUNK))
            await outbox.send(InviteChunk(GROUP, CHUNK), not_before=now + timedelta(minutes=4))
            await outbox.send(InviteChunk(GROUP, CHUNK), not_before=now - timedelta(days=3650))
            await outbox.send(InviteChunk(GROUP, CHUNK), not_before=now + timedelta(days=3650))

    puts = [parse_qs(urlsplit(r.raw_path).query) for r in network.requests if r.path.endswith("/messages")]
    first, second, third = (int(p["visibilitytimeout"][0]) for p in puts[-3:])
    assert {p["messagettl"][0] for p in puts} == {"-1"}
    assert (first, third) == (0, 0)
    assert 180 < second <= 240


async def test_a_message_the_queue_service_cannot_take_is_busy_storage(
    azurite: Azurite, tables: TableServiceClient
) -> None:
    async with BadNetwork.before(azurite.queue_port) as network:
        text = azurite.connection_string_via(queue_port=network.port)
        async with queue_service({CONNECTION: text}) as service:
            outbox = QueueOutbox(service, TableReminders(tables))
            network.faults = [503] * 4
            with pytest.raises(StorageBusy):
                await outbox.send(InviteChunk(GROUP, CHUNK))
            assert network.faults == []
            network.faults = [403]
            with pytest.raises(StorageRefused):
                await outbox.send(InviteChunk(GROUP, CHUNK))
