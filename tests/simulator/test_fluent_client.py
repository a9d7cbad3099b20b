"""msgraph-sdk's fluent client on everything the simulator serves: what it sends is taken, what it gets is typed."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.simulator.resources import ROUTES
from tests.simulator import sdk_apps, sdk_directory
from tests.simulator.sdk_tenant import Case, Tenant, sdk_tenant

CASES = [*sdk_directory.cases.all, *sdk_apps.cases.all]
NOT_FLUENT = {
    "GET /groups/{group}/members/{object}": "one member can be cast or referred to, not got",
    "GET /groups/{group}/owners/{object}": "as for members",
    "DELETE /groups/{group}/members/{object}": "the client removes references; without $ref the user is deleted",
    "DELETE /groups/{group}/owners/{object}": "as for members",
    "PATCH /groups/{group}/members/$ref": "refused by Graph as well",
    "PATCH /groups/{group}/owners/$ref": "refused by Graph as well",
    "GET /applications/{application}/appRoles": "the client has no path for a property",
    "GET /auditLogs/signIns/{record}": "nobody's sign-in is recorded: the case meets its 404",
}
"""What the client has no way to ask for, or not with success."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenant() -> AsyncIterator[Tenant]:
    async with sdk_tenant() as found:
        yield found


def plain(route: str) -> str:
    """Casts of actions are spelled both ways, and below an alternate key the client has no paths of its own."""
    name = route.replace("/graph.", "/")
    return re.sub(r"/(application|servicePrincipal)s/\(appId=\)/\{appId\}/", r"/\1s/{\1}/", name)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.run.__name__)
async def test_the_client_reads_and_writes(tenant: Tenant, case: Case) -> None:
    tenant.simulator.reset()

    await case.run(tenant)

    assert [route for route in case.routes if not tenant.answered(route)] == []


def test_every_route_of_v1_has_a_case() -> None:
    covered = {plain(route) for case in CASES for route in case.routes}
    routes = {f"{route.method} {route.template}" for route in ROUTES if not route.beta_only}

    assert [route for route in sorted(routes) if plain(route) not in covered and route not in NOT_FLUENT] == []
    assert sorted(NOT_FLUENT.keys() - routes) == []
    assert sorted(route for case in CASES for route in case.routes if route not in routes) == []
