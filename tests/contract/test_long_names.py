"""The directory compares with 120 characters of a value at most (Microsoft Graph, known issue 13635): names and
addresses may be longer."""

from shared.core.ids import UserId
from shared.graph.app_directory import GraphAppDirectory
from shared.graph.session import GraphSession
from tests.contract.simulated_tenant import SimulatedTenant

_ID = "00000000-0000-4000-8000-0000000000{}"


async def test_apps_with_long_names_are_distinguished(tenant: SimulatedTenant, session: GraphSession) -> None:
    beginning = "O'Brien's app " * 14
    names = [f"{beginning}one", f"{beginning}two"]
    tenant.seed(servicePrincipals=[{"id": _ID.format(f"f{n}"), "displayName": name} for n, name in enumerate(names)])

    [found] = await GraphAppDirectory(session).apps_by_name(names[1].upper())

    assert found.service_principal == _ID.format("f1")


async def test_people_with_long_addresses_are_distinguished(tenant: SimulatedTenant, session: GraphSession) -> None:
    beginning = f"{'o' * 60}@{'d' * 60}"
    addresses = [f"{beginning}.com", f"{beginning}.org"]
    tenant.seed(users=[{"id": _ID.format(f"f{n}"), "mail": address} for n, address in enumerate(addresses)])

    found = await GraphAppDirectory(session).find_people(
        [addresses[1].upper(), f"{beginning}.net", "olivia@contoso.com"]
    )

    assert [p.id if p else None for p in found[:2]] == [UserId(_ID.format("f1")), None]
    assert found[2] is not None
