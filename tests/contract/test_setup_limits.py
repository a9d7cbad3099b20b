"""What a setup leaves alone, whoever asks: Guestlist's own registrations, apps and groups of others."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.directory import Saml
from shared.core.ids import AppId, GroupId
from shared.core.reasons import Reason
from shared.graph.session import GraphSession
from shared.membership.model.apps import Kind
from shared.messages.commands import SetupStep
from shared.setup.model import AppSpec, GroupSpec, StepState
from tests.contract.setup_world import EXPENSES_APP, TEMPLATE, SetupWorld
from tests.contract.simulated_tenant import COLLEAGUE, OWNER, SimulatedTenant

OURS_APP = "5a000000-0000-4000-8000-0000000000f0"
FOREIGN_APP = "5a000000-0000-4000-8000-0000000000f1"
FOREIGN = "50000000-0000-4000-8000-0000000000f1"
MICROSOFT_APP = "5a000000-0000-4000-8000-0000000000f2"
PLAIN, SHARED, STRANGE = (GroupId(f"40000000-0000-4000-8000-0000000000f{n}") for n in (1, 2, 3))
MINE = Saml(("api://mine",), ("https://mine.example/acs",))
NEW = AppSpec(template=TEMPLATE, name="Reisen")


def _app(last: str, app_id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"50000000-0000-4000-8000-0000000000{last}", "appId": app_id, "displayName": name, **more}


def _group(id_: str, name: str, owner: str) -> dict[str, Any]:
    return {"id": id_, "displayName": name, "securityEnabled": True, "mailEnabled": False, "owners": [owner]}


@pytest.fixture
async def world(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[SetupWorld]:
    world = SetupWorld(tenant, session, tables, protected=frozenset({AppId(OURS_APP)}))
    await world.clean()
    tenant.seed(
        servicePrincipals=[
            _app("f0", OURS_APP, "Guestlist API"),
            _app("f1", FOREIGN_APP, "Payroll", replyUrls=["https://payroll.example/acs"]),
            _app("f2", MICROSOFT_APP, "Of Microsoft", appOwnerOrganizationId="f8cdef31-a31e-4b4a-93e4-5f571e91255a"),
        ],
        applications=[
            {
                "id": "60000000-0000-4000-8000-0000000000f1",
                "appId": FOREIGN_APP,
                "displayName": "Payroll",
                "identifierUris": ["https://payroll.example"],
                "web": {"redirectUris": ["https://payroll.example/acs"]},
            }
        ],
        groups=[
            _group(PLAIN, "Plain", OWNER),
            _group(SHARED, "Shared", OWNER),
            _group(STRANGE, "Of somebody else", COLLEAGUE),
        ],
        appRoleAssignments=[
            {"principalId": SHARED, "resourceId": FOREIGN, "appRoleId": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}
        ],
    )
    yield world
    await world.close()


@pytest.mark.parametrize("app_id", [OURS_APP, MICROSOFT_APP], ids=["guestlist itself", "of microsoft"])
async def test_a_protected_app_is_not_set_up(world: SetupWorld, app_id: str) -> None:
    setup = await world.begin(world.plan(app=AppSpec(app_id=AppId(app_id))))

    record = await world.finish(setup, SetupStep.APPLICATION)

    assert (record.state, record.reason) == (StepState.FAILED, Reason.APP_PROTECTED)


async def test_an_app_that_became_protected_in_between_is_assigned_to_nobody(world: SetupWorld) -> None:
    setup = await world.begin(world.plan(app=AppSpec(app_id=AppId(EXPENSES_APP))))
    await world.up_to(setup, SetupStep.GROUP_ASSIGNMENT)
    world.protect(EXPENSES_APP)

    record = await world.finish(setup, SetupStep.GROUP_ASSIGNMENT)

    assert (record.state, record.reason) == (StepState.FAILED, Reason.APP_PROTECTED)
    assert world.tenant.calls("POST /servicePrincipals/{id}/appRoleAssignedTo") == 0


async def test_the_addresses_of_an_app_that_somebody_uses_are_not_replaced(world: SetupWorld) -> None:
    setup = await world.begin(world.plan(app=AppSpec(app_id=AppId(FOREIGN_APP)), saml=MINE))
    await world.up_to(setup, SetupStep.SINGLE_SIGN_ON)

    record = await world.finish(setup, SetupStep.SINGLE_SIGN_ON)

    assert (record.state, record.reason) == (StepState.FAILED, Reason.APP_IN_USE)
    app = await world.tools.directory.app_by_id(AppId(FOREIGN_APP))
    assert app is not None
    assert app.reply_urls == ("https://payroll.example/acs",)
    assert app.certificates == ()


async def test_a_rehearsal_says_so_as_well(world: SetupWorld) -> None:
    said = await world.dry_run(world.plan(app=AppSpec(app_id=AppId(FOREIGN_APP)), saml=MINE))

    refused = said[SetupStep.SINGLE_SIGN_ON].refused
    assert refused is not None
    assert refused.reason is Reason.APP_IN_USE


async def test_what_guestlist_added_it_sets_again(world: SetupWorld) -> None:
    first = await world.all_of(await world.begin(world.plan(app=NEW, saml=MINE, app_role="User")))
    assert first.steps[SetupStep.SINGLE_SIGN_ON].state is StepState.DONE
    other = Saml(("api://mine",), ("https://mine.example/moved",))

    second = await world.all_of(await world.begin(world.plan(app=NEW, saml=other, app_role="User")))

    assert second.steps[SetupStep.SINGLE_SIGN_ON].state is StepState.DONE


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (GroupSpec(id=PLAIN), Reason.GROUP_NOT_OFFERED),
        (GroupSpec(id=SHARED, take_over=True), Reason.GROUP_OF_ANOTHER),
        (GroupSpec(id=STRANGE, take_over=True), Reason.GROUP_OF_ANOTHER),
    ],
    ids=["not said", "opens another app", "owned by others"],
)
async def test_a_group_of_others_is_not_taken(world: SetupWorld, wish: GroupSpec, reason: Reason) -> None:
    setup = await world.begin(world.plan(group=wish))
    await world.up_to(setup, SetupStep.GROUP)

    record = await world.finish(setup, SetupStep.GROUP)

    assert (record.state, record.reason) == (StepState.FAILED, reason)


async def test_a_group_that_came_to_open_another_app_in_between_gets_no_owner(world: SetupWorld) -> None:
    setup = await world.begin(world.plan(group=GroupSpec(id=PLAIN, take_over=True)))
    await world.up_to(setup, SetupStep.OWNERS)
    world.tenant.seed(
        appRoleAssignments=[
            {"principalId": PLAIN, "resourceId": FOREIGN, "appRoleId": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}
        ]
    )

    record = await world.finish(setup, SetupStep.OWNERS)

    assert (record.state, record.reason) == (StepState.FAILED, Reason.GROUP_OF_ANOTHER)


async def test_a_removal_leaves_the_group_that_was_there_and_its_owner(world: SetupWorld) -> None:
    setup = await world.all_of(await world.begin(world.plan(group=GroupSpec(id=PLAIN, take_over=True))))
    app = setup.found.app
    assert app is not None
    kept = await world.store.read_app(app.app_id)
    assert kept is not None
    assert not {Kind.GROUP, Kind.OWNER, Kind.APPLICATION} & {c.kind for c in kept.value.made}

    await world.remove(app.app_id)

    assert OWNER in (await world.tools.groups.read_group(PLAIN)).owners
    assert await world.tools.directory.app_by_id(app.app_id) is not None
