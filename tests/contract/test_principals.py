"""What the directory says of those who ask, read from the simulator through the real adapter."""

from collections.abc import Callable

import pytest

from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.graph.ports import Standing
from shared.graph.principals import GraphPrincipals
from shared.graph.session import GraphSession
from tests.contract import simulated_tenant as t
from tests.contract.simulated_tenant import SimulatedTenant

API = "a1000000-0000-4000-8000-000000000001"
API_PRINCIPAL, FLOW = (f"a1000000-0000-4000-8000-0000000000{n}" for n in ("ff", "fe"))
ADMINS, NESTED = (f"a1000000-0000-4000-8000-0000000000{n}" for n in ("f0", "f1"))
ROLES = {
    "Admin": "a1000000-0000-4000-8000-0000000000a1",
    "Auditor": "a1000000-0000-4000-8000-0000000000a2",
    "Inviter": "a1000000-0000-4000-8000-0000000000a3",
    "Old": "a1000000-0000-4000-8000-0000000000a4",
}
OWNER, COLLEAGUE = UserId(t.OWNER), UserId(t.COLLEAGUE)
PERMISSIONS = ("User.Read.All", "Application.Read.All", "GroupMember.Read.All")


def number(n: int) -> UserId:
    return UserId(f"a2000000-0000-4000-8000-{n:012}")


@pytest.fixture
def principals(session: GraphSession, tenant: SimulatedTenant) -> GraphPrincipals:
    tenant.permit(*PERMISSIONS)
    tenant.seed(
        servicePrincipals=[
            {
                "id": API_PRINCIPAL,
                "appId": API,
                "displayName": "Guestlist",
                "appRoles": [
                    {
                        "id": id_,
                        "value": value,
                        "displayName": value,
                        "isEnabled": value != "Old",
                        "allowedMemberTypes": ["User", "Application"],
                    }
                    for value, id_ in ROLES.items()
                ],
            },
            {"id": FLOW, "appId": FLOW, "displayName": "A flow"},
        ]
    )
    return GraphPrincipals(session, API)


@pytest.fixture
def give(tenant: SimulatedTenant) -> Callable[[str, str], None]:
    def give(principal: str, role: str) -> None:
        assignment = {"principalId": principal, "resourceId": API_PRINCIPAL, "appRoleId": ROLES.get(role, role)}
        tenant.seed(appRoleAssignments=[assignment])

    return give


def group(tenant: SimulatedTenant, id_: str, *members: str) -> None:
    tenant.seed(groups=[{"id": id_, "displayName": id_, "members": list(members)}])


async def test_standing_tells_members_guests_disabled_people_and_apps_apart(
    principals: GraphPrincipals, tenant: SimulatedTenant
) -> None:
    [guest] = (UserId(u) for u in tenant.invite("ada@fabrikam.com"))
    app, off = UserId(t.TRAVEL), UserId(t.DISABLED_APP)

    found = await principals.standing([OWNER, UserId(t.BLOCKED_COLLEAGUE), guest, app, off, UserId(t.NOWHERE), OWNER])

    assert found == {
        OWNER: Standing(enabled=True, is_guest=False, is_app=False),
        t.BLOCKED_COLLEAGUE: Standing(enabled=False, is_guest=False, is_app=False),
        guest: Standing(enabled=True, is_guest=True, is_app=False),
        app: Standing(enabled=True, is_guest=False, is_app=True),
        off: Standing(enabled=False, is_guest=False, is_app=True),
    }
    assert [id_ for id_, standing in found.items() if standing == Standing(True, False, False)] == [OWNER]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 150, 151])
async def test_any_number_is_looked_up_in_few_calls(
    principals: GraphPrincipals, tenant: SimulatedTenant, count: int
) -> None:
    tenant.seed(users=[{"id": number(n), "mail": f"m{n}@contoso.com"} for n in range(count)])

    assert set(await principals.standing([number(n) for n in range(count)])) == {number(n) for n in range(count)}


async def test_roles_are_those_given_to_the_person_and_to_groups_of_direct_members(
    principals: GraphPrincipals, tenant: SimulatedTenant, give: Callable[[str, str], None]
) -> None:
    group(tenant, NESTED, COLLEAGUE)
    group(tenant, ADMINS, OWNER, NESTED)
    give(OWNER, "Auditor")
    give(ADMINS, "Admin")

    assert await principals.roles_of(OWNER) == {"Admin", "Auditor"}
    assert await principals.roles_of(COLLEAGUE) == set(), "a group in the group does not hold its roles"
    assert await principals.roles_of(UserId(t.NOWHERE)) == set()


async def test_a_role_that_was_taken_away_is_not_held_any_more(
    principals: GraphPrincipals, tenant: SimulatedTenant, give: Callable[[str, str], None]
) -> None:
    group(tenant, ADMINS, OWNER)
    give(ADMINS, "Admin")
    assert await principals.roles_of(OWNER) == {"Admin"}

    group(tenant, ADMINS)

    assert await principals.roles_of(OWNER) == set()


async def test_an_app_holds_only_what_was_given_to_itself(
    principals: GraphPrincipals, tenant: SimulatedTenant, give: Callable[[str, str], None]
) -> None:
    group(tenant, ADMINS, FLOW)
    give(ADMINS, "Admin")
    give(FLOW, "Inviter")

    assert await principals.roles_of(UserId(FLOW)) == {"Inviter"}


async def test_default_access_roles_that_are_off_and_roles_of_other_apps_count_for_nothing(
    principals: GraphPrincipals, tenant: SimulatedTenant, give: Callable[[str, str], None]
) -> None:
    give(OWNER, t.DEFAULT_ROLE)
    give(OWNER, "Old")
    tenant.seed(
        appRoleAssignments=[{"principalId": OWNER, "resourceId": t.TRAVEL, "appRoleId": ROLES["Admin"]}],
    )

    assert await principals.roles_of(OWNER) == set()


@pytest.mark.parametrize("audience", [API, f"api://{API}", API.upper(), f"api://{API}/"])
async def test_the_api_is_found_by_each_form_of_its_id(
    principals: GraphPrincipals, session: GraphSession, give: Callable[[str, str], None], audience: str
) -> None:
    give(OWNER, "Admin")

    assert await GraphPrincipals(session, audience).roles_of(OWNER) == {"Admin"}


async def test_an_api_without_an_enterprise_app_is_said_so(session: GraphSession) -> None:
    with pytest.raises(Refused, match="no enterprise app with the id guestlist-api") as refused:
        await GraphPrincipals(session, "guestlist-api").roles_of(OWNER)

    assert refused.value.reason is Reason.DIRECTORY_REFUSED


@pytest.mark.parametrize("missing", PERMISSIONS)
async def test_what_may_not_be_read_is_named(
    principals: GraphPrincipals, tenant: SimulatedTenant, give: Callable[[str, str], None], missing: str
) -> None:
    group(tenant, ADMINS, OWNER)
    give(ADMINS, "Admin")
    tenant.permit(*(p for p in PERMISSIONS if p != missing))

    async def ask_all() -> None:
        await principals.standing([OWNER])
        await principals.roles_of(OWNER)

    with pytest.raises(Refused, match=missing) as refused:
        await ask_all()

    assert refused.value.reason is Reason.PERMISSION_MISSING


@pytest.mark.parametrize("status", [429, 503])
async def test_a_directory_that_is_busy_is_waited_for(
    principals: GraphPrincipals, tenant: SimulatedTenant, status: int
) -> None:
    tenant.fault(path="^/(users|servicePrincipals)", status=status, times=4)

    with pytest.raises(DirectoryBusy):
        await principals.standing([OWNER])
    with pytest.raises(DirectoryBusy):
        await principals.roles_of(OWNER)
