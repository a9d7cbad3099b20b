"""Real things for the examinations: storage is Azurite, the directory is the simulator."""

from collections.abc import AsyncIterator, Iterator

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.graph.directory import GraphDirectory
from shared.graph.session import GraphSession
from shared.identity.credentials import app_credential
from shared.storage.accounts import CONNECTION, queue_service, table_service
from tests.contract.simulated_tenant import IDENTITY_HEADER, SimulatedTenant, simulator


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


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedTenant]:
    with simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def tenant(_simulator: SimulatedTenant) -> SimulatedTenant:
    """The simulated tenant, as it was in the beginning."""
    _simulator.reset()
    return _simulator


@pytest.fixture
async def session(tenant: SimulatedTenant, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GraphSession]:
    """A session with the app's own identity, as in the cloud."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{tenant.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    async with app_credential(None) as credential:
        session = GraphSession(base_url=tenant.graph_url, credential=credential)
        yield session
        await session.close()


@pytest.fixture
def directory(session: GraphSession) -> GraphDirectory:
    return GraphDirectory(session)
