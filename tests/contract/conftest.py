"""Real things for the examinations: storage is Azurite."""

from collections.abc import AsyncIterator, Iterator

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.adapters.storage import CONNECTION, queue_service, table_service


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with Azurite.start() as running:
        yield running


@pytest.fixture
async def tables(azurite: Azurite) -> AsyncIterator[TableServiceClient]:
    async with table_service({CONNECTION: azurite.connection_string}) as service:
        yield service


@pytest.fixture
async def queues(azurite: Azurite) -> AsyncIterator[QueueServiceClient]:
    async with queue_service({CONNECTION: azurite.connection_string}) as service:
        yield service
