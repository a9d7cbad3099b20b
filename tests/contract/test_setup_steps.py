"""Each step of a setup, in each situation: fresh, already done, half done, refused, throttled, without permission,
and killed before each of its writes. On Azurite and the simulated tenant, through the real adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.checks import CheckState
from shared.core.directory import Saml
from shared.core.ids import AppId, GroupId, SetupId
from shared.core.reasons import Reason
from shared.graph.session import GraphSession
from shared.membership.model.apps import Kind, Policy
from shared.messages.commands import RunSetupStep, SetupStep
from shared.setup.model import AppSpec, GroupSpec, SelfService, Setup, StepState
from tests.contract.setup_world import (
    ADMIN,
    EXPENSES,
    EXPENSES_APP,
    GUEST,
    PERMISSIONS,
    ROLE_USER,
    ROLES_APP,
    ROLES_SP,
    TEMPLATE,
    Killed,
    MortalStore,
    SetupWorld,
)
from tests.contract.simulated_tenant import (
    BLOCKED_COLLEAGUE,
    COLLEAGUE,
    DISABLED_APP,
    DYNAMIC,
    LIST,
    OWNER,
    ROLES,
    SYNCED,
    SimulatedTenant,
)

SAML = Saml(("api://expenses",), ("https://expenses.example/acs",), "https://expenses.example", ("ops@contoso.com",))
NEW_APP = AppSpec(template=TEMPLATE, name="Reisen")
PLAIN = GroupId("40000000-0000-4000-8000-0000000000f1")
DEFAULT = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def world(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[SetupWorld]:
    world = SetupWorld(tenant, session, tables)
    await world.clean()
    yield world
    await world.close()


@dataclass(frozen=True)
class Case:
    """One way to ask for a step. `ends` is the state it reaches, `makes` what it changes in the directory,
    `path` the calls that can be throttled, `without` the permissions that can be missing and `named` the one that is
    asked for then."""

    step: SetupStep
    changes: dict[str, Any]
    ends: StepState
    makes: list[Kind]
    path: str
    without: str
    named: str

    def __str__(self) -> str:
        return self.step.value


GROUP_WRITE = "Group.ReadWrite.All"
CASES = [
    Case(
        SetupStep.SELF_SERVICE_GROUPS, {}, StepState.MANUAL, [], r"^/policies/", "Policy.Read.All", "Policy.Read.All"
    ),
    Case(
        SetupStep.APPLICATION,
        {},
        StepState.DONE,
        [],
        r"^/servicePrincipals",
        "Directory.Read.All Application.ReadWrite.All",
        "Directory.Read.All",
    ),
    Case(
        SetupStep.APPLICATION,
        {"app": NEW_APP, "app_role": "User"},
        StepState.DONE,
        [Kind.APPLICATION],
        r"/instantiate$",
        "Application.ReadWrite.All",
        "Application.ReadWrite.All",
    ),
    Case(SetupStep.GROUP, {}, StepState.DONE, [Kind.GROUP], r"^/groups", GROUP_WRITE, GROUP_WRITE),
    Case(
        SetupStep.OWNERS,
        {"owners": (OWNER, "cleo@subsidiary.com")},
        StepState.DONE,
        [Kind.OWNER, Kind.OWNER],
        r"/owners/\$ref$",
        GROUP_WRITE,
        GROUP_WRITE,
    ),
    Case(
        SetupStep.SINGLE_SIGN_ON,
        {"app": NEW_APP, "saml": SAML, "app_role": "User"},
        StepState.MANUAL,
        [Kind.SINGLE_SIGN_ON, Kind.CERTIFICATE],
        r"^/servicePrincipals/",
        "Application.ReadWrite.All",
        "Application.ReadWrite.All",
    ),
    Case(
        SetupStep.SELF_SERVICE_ACCESS,
        {"policy": Policy(approvers=("cleo@subsidiary.com",))},
        StepState.MANUAL,
        [],
        r"^/users",
        "Directory.Read.All",
        "Directory.Read.All",
    ),
    Case(
        SetupStep.SELF_SERVICE_ACCESS,
        {"self_service": SelfService.ACCESS_PACKAGE},
        StepState.DONE,
        [Kind.CATALOG, Kind.CATALOG_RESOURCE, Kind.ACCESS_PACKAGE, Kind.ACCESS_POLICY],
        r"/accessPackages$",
        "EntitlementManagement.ReadWrite.All",
        "EntitlementManagement.ReadWrite.All",
    ),
    Case(
        SetupStep.GROUP_ASSIGNMENT,
        {},
        StepState.DONE,
        [Kind.ASSIGNMENT],
        r"/appRoleAssignedTo$",
        "AppRoleAssignment.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
    ),
    Case(
        SetupStep.OWNER_ASSIGNMENT,
        {"owners": (OWNER, "cleo@subsidiary.com")},
        StepState.DONE,
        [Kind.ASSIGNMENT, Kind.ASSIGNMENT],
        r"/appRoleAssignedTo$",
        "AppRoleAssignment.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
    ),
    Case(
        SetupStep.VERIFY,
        {},
        StepState.DONE,
        [],
        r"^/groups/",
        "Directory.Read.All Application.ReadWrite.All",
        "Directory.Read.All",
    ),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.step.value}-{len(c.makes)}")


def test_every_step_is_a_row_of_the_table() -> None:
    assert {case.step for case in CASES} == set(SetupStep)


async def ready(world: SetupWorld, case: Case) -> SetupId:
    """A setup of which this step is the next."""
    setup = await world.begin(world.plan(**case.changes))
    await world.up_to(setup, case.step)
    return setup


@every_case
async def test_fresh(world: SetupWorld, case: Case) -> None:
    setup = await ready(world, case)

    record = await world.finish(setup, case.step)

    assert record.state is case.ends, record.detail
    assert sorted(c.kind for c in record.changes) == sorted(case.makes)
    assert all(c.id for c in record.changes)
    assert record.reason is None
    assert (record.task is not None) == (case.ends is StepState.MANUAL)


@every_case
async def test_already_done(world: SetupWorld, case: Case) -> None:
    await world.all_of(await world.begin(world.plan(**case.changes)))
    setup = await ready(world, case)
    before = world.writes()

    record = await world.finish(setup, case.step)

    # What a person confirmed for the first setup stands for the second.
    assert record.state is StepState.DONE, record.detail
    assert world.writes() == before
    made_before = {
        Kind.GROUP,
        Kind.APPLICATION,
        Kind.CERTIFICATE,
        Kind.CATALOG,
        Kind.ACCESS_PACKAGE,
        Kind.ACCESS_POLICY,
    }
    assert {c.kind for c in record.changes} <= made_before


@every_case
async def test_throttled_in_the_middle(world: SetupWorld, case: Case) -> None:
    setup = await ready(world, case)
    world.tenant.fault(path=case.path, status=429, headers={"Retry-After": "31"}, times=1)
    started = world.clock.now()
    world.waits.clear()

    record = await world.finish(setup, case.step)

    assert record.state is case.ends, record.detail
    assert world.waits
    assert world.waits[0].not_before >= started + timedelta(seconds=31)
    assert sorted(c.kind for c in record.changes) == sorted(case.makes)


@pytest.mark.parametrize("case", [c for c in CASES if c.makes], ids=lambda c: f"{c.step.value}-{len(c.makes)}")
async def test_a_write_that_worked_but_was_not_answered(world: SetupWorld, case: Case) -> None:
    setup = await ready(world, case)
    world.tenant.fault(method="^(POST|PATCH)$", path=case.path, status=504, when="after", times=1)

    record = await world.finish(setup, case.step)

    assert record.state is case.ends, record.detail
    assert sorted(c.kind for c in record.changes) == sorted(case.makes)
    await exactly_once(world, await world.read(setup))


@every_case
async def test_permission_missing(world: SetupWorld, case: Case) -> None:
    setup = await ready(world, case)
    await world.permit(*(p for p in PERMISSIONS if p not in case.without.split()))

    record = await world.finish(setup, case.step)

    if case.step is SetupStep.SELF_SERVICE_GROUPS:
        # The switch is a person's in any case: what cannot be read around it is said, and stops nothing.
        assert record.state is StepState.MANUAL
        assert any(c.state is CheckState.UNKNOWN and case.named in c.found for c in record.checks)
        return
    assert (record.state, record.reason) == (StepState.FAILED, Reason.PERMISSION_MISSING)
    assert f"Grant {case.named}" in (record.detail or "")
    assert "Guestlist's identity" in (record.detail or "")
    await world.permit(*PERMISSIONS)
    await world.retry(setup)
    assert (await world.finish(setup, case.step)).state is case.ends


@every_case
async def test_killed_before_each_of_its_writes(world: SetupWorld, case: Case) -> None:
    deaths = 0
    for write in range(1, 40):
        await world.clean_all()
        setup = await ready(world, case)
        MortalStore.writes, MortalStore.dies_before = 0, write
        try:
            await world.finish(setup, case.step)
        except Killed:
            deaths += 1
        else:
            break
        finally:
            MortalStore.dies_before = None

        record = await world.finish(setup, case.step)

        assert record.state is case.ends, (write, record.detail)
        assert sorted(c.kind for c in record.changes) == sorted(case.makes), f"killed before write {write}"
        await exactly_once(world, await world.read(setup))
    assert deaths >= 2


async def exactly_once(world: SetupWorld, setup: Setup) -> None:
    """The directory has one of each thing that the setup may have made."""
    apps = (await world.graph("/servicePrincipals?$filter=displayName eq 'Reisen'"))["value"]
    assert len(apps) <= 1
    app = setup.found.app
    if app is not None:
        seen = await world.directory(app.service_principal)
        assert len(seen["groups"]) <= 1
        assert len(seen["assigned"]) == len(set(seen["assigned"]))
        principal = await world.graph(f"/servicePrincipals/{app.service_principal}?$select=keyCredentials")
        assert len({k["customKeyIdentifier"] for k in principal["keyCredentials"]}) <= 1
    base = "/identityGovernance/entitlementManagement"
    catalogs = (await world.graph(f"{base}/catalogs?$filter=displayName eq 'Guestlist'"))["value"]
    assert len(catalogs) <= 1
    for path in ("/accessPackages", "/assignmentPolicies"):
        assert len((await world.graph(base + path))["value"]) <= 1, path


def seeded(**sections: Any) -> Callable[[SetupWorld], Awaitable[None]]:
    async def seed(world: SetupWorld) -> None:
        world.tenant.seed(**sections)

    return seed


async def lose_owner(world: SetupWorld) -> None:
    [group] = [g for g in (await world.graph("/groups?$select=id,uniqueName"))["value"] if g.get("uniqueName")]
    await world.session.request(
        "POST",
        f"/groups/{group['id']}/owners/$ref",
        body={"@odata.id": f"{world.session.base_url}/users/{COLLEAGUE}"},
    )
    await world.session.request("DELETE", f"/groups/{group['id']}/owners/{OWNER}/$ref")


EXPIRED = [
    {
        "customKeyIdentifier": "QTQ1MDhFN0YyRkE2MEMyQzU1RTlDRDVGOEQyQjVDMEQ3QTkyMUUzMw==",
        "displayName": "CN=Expenses",
        "endDateTime": "2024-01-01T00:00:00Z",
        "startDateTime": "2021-01-01T00:00:00Z",
        "keyId": "4c266507-3e74-4b91-aeba-18a25b450f6e",
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
]
type Change = Callable[[SetupWorld], Awaitable[None]]
REFUSED: list[tuple[SetupStep, dict[str, Any], Change | None, Reason, str]] = [
    (SetupStep.APPLICATION, {"app": AppSpec(name="Nowhere")}, None, Reason.APP_MISSING, "Nowhere"),
    (SetupStep.APPLICATION, {"app": AppSpec(app_id=AppId(EXPENSES))}, None, Reason.APP_MISSING, EXPENSES),
    (SetupStep.APPLICATION, {"app": AppSpec(name="Disabled")}, None, Reason.APP_DISABLED, "Disabled"),
    (
        SetupStep.APPLICATION,
        {},
        seeded(servicePrincipals=[{"id": DISABLED_APP, "appId": DISABLED_APP, "displayName": "Expenses"}]),
        Reason.APP_AMBIGUOUS,
        EXPENSES_APP,
    ),
    (
        SetupStep.APPLICATION,
        {"app": AppSpec(template="No such app")},
        None,
        Reason.APP_TEMPLATE_MISSING,
        "No such app",
    ),
    (SetupStep.GROUP, {"group": GroupSpec(id=GroupId(DYNAMIC))}, None, Reason.GROUP_DYNAMIC, "Dynamic"),
    (SetupStep.GROUP, {"group": GroupSpec(id=GroupId(SYNCED))}, None, Reason.GROUP_SYNCED, "Synced"),
    (SetupStep.GROUP, {"group": GroupSpec(id=GroupId(LIST))}, None, Reason.GROUP_MAIL_ENABLED, "List"),
    (SetupStep.GROUP, {"group": GroupSpec(id=GroupId(ROLES))}, None, Reason.GROUP_ROLE_ASSIGNABLE, "Roles"),
    (SetupStep.OWNERS, {"owners": ("gus@adatum.com",)}, None, Reason.OWNER_IS_GUEST, "Gus"),
    (SetupStep.OWNERS, {"owners": (GUEST,)}, None, Reason.OWNER_IS_GUEST, "Gus"),
    (SetupStep.OWNERS, {"owners": (BLOCKED_COLLEAGUE,)}, None, Reason.OWNER_DISABLED, "Bob"),
    (SetupStep.OWNERS, {"owners": (OWNER, "nobody@contoso.com")}, None, Reason.PERSON_MISSING, "nobody@contoso.com"),
    (
        SetupStep.SINGLE_SIGN_ON,
        {},
        seeded(
            servicePrincipals=[
                {
                    "id": EXPENSES,
                    "appId": EXPENSES_APP,
                    "displayName": "Expenses",
                    "preferredSingleSignOnMode": "saml",
                    "keyCredentials": EXPIRED,
                }
            ]
        ),
        Reason.CERTIFICATE_EXPIRED,
        "2024-01-01",
    ),
    (
        SetupStep.SELF_SERVICE_ACCESS,
        {"policy": Policy(approvers=("gus@adatum.com",))},
        None,
        Reason.OWNER_IS_GUEST,
        "Gus",
    ),
    (
        SetupStep.GROUP_ASSIGNMENT,
        {"app": AppSpec(name="Roles")},
        None,
        Reason.APP_ROLE_NEEDED,
        "'Approver' (approver)",
    ),
    (
        SetupStep.GROUP_ASSIGNMENT,
        {"app": AppSpec(name="Roles"), "app_role": "Boss"},
        None,
        Reason.APP_ROLE_MISSING,
        "not 'Boss'",
    ),
    (SetupStep.VERIFY, {}, lose_owner, Reason.VERIFICATION_FAILED, "Olivia Owner missing"),
]


@pytest.mark.parametrize(
    ("step", "changes", "change", "reason", "said"), REFUSED, ids=lambda v: getattr(v, "value", "")
)
async def test_refused_with_the_reason_and_nothing_is_made(
    world: SetupWorld, step: SetupStep, changes: dict[str, Any], change: Change | None, reason: Reason, said: str
) -> None:
    setup = await world.begin(world.plan(**changes))
    await world.up_to(setup, step)
    if change is not None:
        await change(world)
    before = world.writes()

    record = await world.finish(setup, step)

    assert (record.state, record.reason) == (StepState.FAILED, reason), record.detail
    assert said in (record.detail or "")
    assert world.writes() == before
    # What was done before stays done, and a later delivery does not try by itself.
    assert await world.deliver(RunSetupStep(setup, step)) is None
    assert world.writes() == before


async def test_the_tenant_step_says_when_nobody_can_be_invited(world: SetupWorld) -> None:
    world.tenant.settings(policies={"allowInvitesFrom": "none"})

    record = await world.finish(await world.begin(world.plan()), SetupStep.SELF_SERVICE_GROUPS)

    [check] = [c for c in record.checks if c.check == "Who may invite guests"]
    assert check.state is CheckState.WRONG


async def test_half_done_application_is_found_by_its_template(world: SetupWorld) -> None:
    """Instantiated by hand, or by a setup that lost its memory: not made again."""
    found = await world.graph(f"/applicationTemplates?$filter=displayName eq '{TEMPLATE}'")
    template = found["value"][0]["id"]
    body = {"displayName": "Reisen"}
    await world.session.request("POST", f"/applicationTemplates/{template}/instantiate", body=body)
    setup = await world.begin(world.plan(app=NEW_APP))

    record = await world.finish(setup, SetupStep.APPLICATION)

    assert record.state is StepState.DONE
    assert record.changes == ()
    await exactly_once(world, await world.read(setup))


async def test_half_done_owners_get_the_rest(world: SetupWorld) -> None:
    first = await world.begin(world.plan())
    await world.finish(first, SetupStep.APPLICATION)
    await world.finish(first, SetupStep.GROUP)
    await world.finish(first, SetupStep.OWNERS)
    second = await world.begin(world.plan(owners=(OWNER, COLLEAGUE)))
    await world.finish(second, SetupStep.APPLICATION)
    await world.finish(second, SetupStep.GROUP)

    record = await world.finish(second, SetupStep.OWNERS)

    assert [c.id for c in record.changes] == [COLLEAGUE]
    assert (await world.directory())["owners"] == {"Expenses guests": [OWNER, COLLEAGUE]}


async def test_half_done_saml_gets_its_certificate(world: SetupWorld) -> None:
    setup = await world.begin(world.plan(app=NEW_APP, saml=SAML, app_role="User"))
    await world.finish(setup, SetupStep.APPLICATION)
    found = (await world.read(setup)).found.app
    assert found is not None
    app = await world.tools.directory.app_by_id(found.app_id)
    assert app is not None
    await world.tools.directory.set_saml(app, SAML)

    record = await world.finish(setup, SetupStep.SINGLE_SIGN_ON)

    assert [c.kind for c in record.changes] == [Kind.CERTIFICATE]
    assert record.task is not None
    assert dict(record.task.values)["Certificate thumbprint"] == record.changes[0].id


async def test_an_existing_group_is_taken_and_not_counted_as_made(world: SetupWorld) -> None:
    world.tenant.seed(groups=[{"id": PLAIN, "displayName": "Plain", "owners": [OWNER]}])
    setup = await world.all_of(await world.begin(world.plan(group=GroupSpec(id=PLAIN, take_over=True))))

    assert setup.steps[SetupStep.GROUP].changes == ()
    assert setup.steps[SetupStep.VERIFY].state is StepState.DONE
    kept = await world.store.read_app(setup.found.app.app_id)  # type: ignore[union-attr]
    assert kept is not None
    assert Kind.GROUP not in {c.kind for c in kept.value.made}


async def test_a_question_is_answered_by_a_retry(world: SetupWorld) -> None:
    setup = await world.begin(world.plan(app=AppSpec(app_id=AppId(ROLES_APP))))
    await world.up_to(setup, SetupStep.GROUP_ASSIGNMENT)
    assert (await world.finish(setup, SetupStep.GROUP_ASSIGNMENT)).reason is Reason.APP_ROLE_NEEDED

    await world.retry(setup, app_role="user")
    done = await world.all_of(setup)

    assert done.steps[SetupStep.VERIFY].state is StepState.DONE
    assert (await world.directory(ROLES_SP))["assigned"] == [("Olivia Owner", ROLE_USER), ("Roles guests", ROLE_USER)]


async def test_new_objects_that_are_not_seen_everywhere_yet_are_waited_for(world: SetupWorld) -> None:
    lag = {"ms": 400}
    world.tenant.settings(replication={"objectsGet": lag, "objectsList": lag, "appRole": lag})

    setup = await world.all_of_in_real_time(await world.begin(world.plan(app=NEW_APP, app_role="User")))

    assert setup.steps[SetupStep.VERIFY].state is StepState.DONE, setup.steps[SetupStep.VERIFY].detail
    await exactly_once(world, setup)


async def test_a_tenant_without_the_licence_hears_so(world: SetupWorld) -> None:
    world.tenant.settings(entitlement={"licensed": False})
    setup = await world.begin(world.plan(self_service=SelfService.ACCESS_PACKAGE))
    await world.up_to(setup, SetupStep.SELF_SERVICE_ACCESS)

    record = await world.finish(setup, SetupStep.SELF_SERVICE_ACCESS)

    assert (record.state, record.reason) == (StepState.FAILED, Reason.LICENCE_MISSING)


async def test_a_rehearsal_changes_nothing_and_says_what_would_happen(world: SetupWorld) -> None:
    before = world.writes()

    said = {r.step: r for r in await world.commands.dry_run(world.plan(), ADMIN)}

    assert world.writes() == before
    assert "create the security group 'Expenses guests'" in said[SetupStep.GROUP].would_do[0]
    assert said[SetupStep.OWNERS].would_do == ("make Olivia Owner an owner of the new group",)
    assert said[SetupStep.OWNER_ASSIGNMENT].would_do == ("assign Olivia Owner to 'Expenses' as Default Access",)
    assert await world.store.list_apps() == []


async def test_a_rehearsal_names_what_would_be_refused(world: SetupWorld) -> None:
    said = {r.step: r for r in await world.commands.dry_run(world.plan(owners=("nobody@contoso.com",)), ADMIN)}

    refused = said[SetupStep.OWNERS].refused
    assert refused is not None
    assert refused.reason is Reason.PERSON_MISSING
    assert said[SetupStep.OWNER_ASSIGNMENT].would_do == ()
