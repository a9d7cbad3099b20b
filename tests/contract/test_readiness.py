"""The readiness check on real parts: storage, the identity's token, each permission missing in turn, and what sweeps
and their messages leave behind."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.core.features import ALL, PERMISSIONS, Feature
from shared.core.ids import ChunkId, GroupId
from shared.diagnostics.model import Chain, Status
from shared.diagnostics.readiness import CheckReadiness
from shared.diagnostics.storage_health import CHAIN, ROUND_TRIP, SWEEP, WHOLE_SWEEP, StorageHealth
from shared.graph.app_directory import GraphAppDirectory
from shared.graph.session import GraphSession
from shared.invitations.rows.store import TableStore
from shared.messages.commands import InviteChunk
from shared.messages.outbox import QueueOutbox
from shared.storage.accounts import CONNECTION, StorageRefused, queue_service, table_service
from shared.storage.key import TENANT
from shared.storage.reminders import TableReminders
from tests.builders import NOW
from tests.contract.setup_world import WalkingClock
from tests.contract.simulated_tenant import CLIENT, GUESTS, SimulatedTenant

EVERY = frozenset(p.name for p in PERMISSIONS)
KEY = "d3Jvbmcga2V5IG9mIG5vYm9keSB3aG8gaXMga25vd24="


@pytest.fixture
async def check(session: GraphSession, tables: TableServiceClient, queues: QueueServiceClient) -> CheckReadiness:
    heartbeats, clock = StorageHealth(tables, queues), WalkingClock()
    await heartbeats.note_sweep(clock.now())
    await heartbeats.note_return(clock.now(), clock.now())
    return CheckReadiness(heartbeats, GraphAppDirectory(session), clock, ALL, timedelta(minutes=3))


async def test_with_every_permission_it_is_ready(tenant: SimulatedTenant, check: CheckReadiness) -> None:
    tenant.permit(*sorted(EVERY))

    assert (await check()).status is Status.READY


@pytest.mark.parametrize("missing", PERMISSIONS, ids=lambda p: p.name)
async def test_each_permission_that_is_missing_is_found_in_the_identitys_own_token(
    tenant: SimulatedTenant, check: CheckReadiness, missing: object
) -> None:
    [permission] = [p for p in PERMISSIONS if p is missing]
    tenant.permit(*sorted(EVERY - {permission.name, *permission.instead}))

    found = await check()

    assert found.missing is not None
    assert {f for f, lacks in found.missing.items() if permission in lacks} == set(permission.purposes)
    assert (found.status is Status.NOT_READY) is bool(found.missing[Feature.INVITING])


async def test_without_a_token_it_is_not_ready(tenant: SimulatedTenant, check: CheckReadiness) -> None:
    tenant.seed(clients=[{"clientId": CLIENT, "objectId": CLIENT, "name": "gone", "isManagedIdentity": False}])

    found = await check()

    assert found.status is Status.NOT_READY
    assert (found.storage, found.missing) == (None, None)


# Storage


async def test_storage_that_was_never_written_to_answers(
    tables: TableServiceClient, queues: QueueServiceClient
) -> None:
    await StorageHealth(tables, queues).read()


async def test_storage_that_is_in_use_answers_and_its_messages_stay(
    tables: TableServiceClient, queues: QueueServiceClient
) -> None:
    await TableStore(tables).read_breaker()
    outbox = QueueOutbox(queues, TableReminders(tables))
    await outbox.send(InviteChunk(GroupId(GUESTS), ChunkId("0" * 22)))

    await StorageHealth(tables, queues).read()

    queue = queues.get_queue_client("invitations")
    [message] = await queue.peek_messages(max_messages=1)
    assert message.dequeue_count == 0
    await queue.delete_queue()


@pytest.fixture
async def broken(request: pytest.FixtureRequest, azurite: Azurite) -> AsyncIterator[StorageHealth]:
    text = request.param(azurite.connection_string)
    async with table_service({CONNECTION: text}) as tables, queue_service({CONNECTION: text}) as queues:
        yield StorageHealth(tables, queues)


def of_another_key(text: str) -> str:
    return ";".join(f"AccountKey={KEY}" if p.startswith("AccountKey=") else p for p in text.split(";"))


# Of the SDK itself, for a refusal in XML.
@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
@pytest.mark.parametrize("broken", [of_another_key], indirect=True)
async def test_storage_that_refuses_the_identity_is_not_taken_for_well(broken: StorageHealth) -> None:
    with pytest.raises(StorageRefused):
        await broken.read()


# Timer and queues


@pytest.fixture
async def heartbeats(tables: TableServiceClient, queues: QueueServiceClient) -> StorageHealth:
    """Where there was no sweep yet."""
    for row in (SWEEP, ROUND_TRIP):
        await tables.get_table_client(TENANT).delete_entity(CHAIN, row)
    return StorageHealth(tables, queues)


async def test_what_a_sweep_and_its_message_leave_is_read_again(heartbeats: StorageHealth) -> None:
    assert await heartbeats.read() == Chain()

    await heartbeats.note_sweep(NOW + timedelta(minutes=5))
    assert await heartbeats.read() == Chain(swept_at=NOW + timedelta(minutes=5))

    await heartbeats.note_return(NOW, NOW + timedelta(minutes=6))
    assert await heartbeats.read() == Chain(NOW + timedelta(minutes=5), NOW)


async def test_the_last_whole_sweep_is_read_again(heartbeats: StorageHealth, tables: TableServiceClient) -> None:
    await tables.get_table_client(TENANT).delete_entity(*WHOLE_SWEEP)
    assert await heartbeats.read_whole_sweep() is None

    await heartbeats.note_whole_sweep(NOW)
    assert await heartbeats.read_whole_sweep() == NOW


async def test_an_older_message_that_comes_back_later_changes_nothing(heartbeats: StorageHealth) -> None:
    await heartbeats.note_return(NOW, NOW)
    await heartbeats.note_return(NOW - timedelta(minutes=5), NOW + timedelta(minutes=1))

    assert (await heartbeats.read()).returned == NOW


@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
@pytest.mark.parametrize("broken", [of_another_key], indirect=True)
async def test_a_sweep_that_cannot_be_noted_is_no_sweep(broken: StorageHealth) -> None:
    with pytest.raises(StorageRefused):
        await broken.note_sweep(NOW)
    with pytest.raises(StorageRefused):
        await broken.note_return(NOW, NOW)
