"""Microsoft's own Python client on the simulator, and what its cases share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from local.simulator.graph_api import principal
from local.simulator.issuer import GRAPH
from local.simulator.resources import ROUTES
from local.simulator.simulator import Simulator
from tests.simulator.simulated_graph import CLIENT, serving

PERMISSIONS = sorted({name for route in ROUTES for needed in route.needs for name in needed})


class Token:
    """A credential that always has the same token."""

    def __init__(self, text: str) -> None:
        self._token = AccessToken(text, 2**33)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        return self._token


@dataclass
class Tenant:
    """One simulator for many cases: each begins with the sample tenant as it is."""

    simulator: Simulator
    base: str
    http: AsyncExitStack
    client: GraphServiceClient = field(init=False)

    def __post_init__(self) -> None:
        """The client is an app with every permission there is."""
        issuer, app = self.simulator.issuer, some(self.simulator.world.registry.find_client(CLIENT))
        claims = issuer.app_claims(app, GRAPH, self.base) | {"roles": PERMISSIONS}
        self.client = self._client(issuer.mint(claims))

    @property
    def graph_principal(self) -> str:
        """The object id of Microsoft Graph's own service principal."""
        return principal(self.simulator.world.directory).id

    def answered(self, route: str) -> bool:
        """Whether a call of this route ("GET /users") succeeded since the last reset."""
        return any(call == route and 200 <= status < 300 for call, status in self.simulator.world.observations.calls)

    def as_person(self, username: str) -> GraphServiceClient:
        """The client with a delegated token of somebody, for every permission there is."""
        issuer, person = self.simulator.issuer, self.simulator.world.registry.find_person(username)
        assert person is not None
        claims = issuer.person_claims(person, CLIENT, GRAPH, " ".join(PERMISSIONS), self.base)
        return self._client(issuer.mint(claims))

    def ref(self, id_: str) -> ReferenceCreate:
        return ReferenceCreate(odata_id=f"{self.base}/v1.0/directoryObjects/{id_}")

    def new_ref(self, id_: str) -> ReferenceUpdate:
        return ReferenceUpdate(odata_id=f"{self.base}/v1.0/directoryObjects/{id_}")

    def _client(self, token: str) -> GraphServiceClient:
        http = GraphClientFactory.create_with_default_middleware(options=options)
        self.http.push_async_callback(_close, http)
        auth = AzureIdentityAuthenticationProvider(Token(token), scopes=[f"{GRAPH}/.default"])
        adapter = GraphRequestAdapter(auth, client=http)
        adapter.base_url = f"{self.base}/v1.0"
        return GraphServiceClient(request_adapter=adapter)


Run = Callable[[Tenant], Awaitable[None]]


@dataclass
class Case:
    """Fluent calls with assertions on their typed results; `routes` are those it must have had an answer from."""

    run: Run
    routes: tuple[str, ...]


@dataclass
class Cases:
    all: list[Case] = field(default_factory=list)

    def covers(self, *routes: str) -> Callable[[Run], Run]:
        def note(run: Run) -> Run:
            self.all.append(Case(run, routes))
            return run

        return note


def some[T](value: T | None) -> T:
    assert value is not None
    return value


def asked[Q](query: Q | None = None, **headers: str) -> "RequestConfiguration[Q]":
    configuration: RequestConfiguration[Q] = RequestConfiguration(query_parameters=query)
    for name, value in headers.items():
        configuration.headers.add(name, value)
    return configuration


def eventual() -> "RequestConfiguration[Any]":
    return asked(ConsistencyLevel="eventual")


@asynccontextmanager
async def sdk_tenant() -> AsyncIterator[Tenant]:
    async with serving() as graph, AsyncExitStack() as http:
        yield Tenant(graph.simulator, str(graph.http.base_url).rstrip("/"), http)


async def _close(http: httpx.AsyncClient) -> None:
    """The client's own transports close none of those they wrap."""
    await http.aclose()
    for outer in (http._transport, *http._mounts.values()):
        inner = getattr(outer, "transport", None)
        if inner is not None:
            await inner.aclose()
