"""The store of setups on Azurite."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.checks import Check, CheckState, Confirmation
from shared.core.directory import AppRole, DirectoryUser, Saml
from shared.core.errors import Conflict
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord, Change, Kind, Policy, RequestPolicy
from shared.membership.ports import AppStore
from shared.messages.commands import SetupStep
from shared.setup.model import (
    AppSpec,
    Found,
    FoundApp,
    FoundGroup,
    GroupSpec,
    ManualTask,
    SelfService,
    Setup,
    SetupPlan,
    StepRecord,
    StepState,
    new_setup,
)
from shared.setup.rows import TableSetupStore
from tests.builders import NOW, OWNER
from tests.fakes.setup_store import FakeSetupStore

CLAIM = timedelta(minutes=5)
PLAN = SetupPlan(
    app=AppSpec(template="Contoso Travel", name="Reisen"),
    owners=("olivia@contoso.com",),
    group=GroupSpec(name="Gäste", description="d"),
    app_role="User",
    saml=Saml(("api://x",), ("https://x.example/acs",), "https://x.example", ("a@contoso.com",)),
    policy=Policy(RequestPolicy.OPEN, ("olivia@contoso.com",), ("fabrikam.com",), ("bad.example",)),
    self_service=SelfService.ACCESS_PACKAGE,
)


@pytest.fixture
def store(tables: TableServiceClient) -> TableSetupStore:
    return TableSetupStore(tables)


@pytest.fixture(params=["memory", "azurite"])
def apps(request: pytest.FixtureRequest) -> AppStore:
    """One examination for every store of apps: the one in memory, and the real one."""
    return FakeSetupStore() if request.param == "memory" else TableSetupStore(request.getfixturevalue("tables"))


def a_setup(plan: SetupPlan = PLAN) -> Setup:
    setup_id = SetupId(uuid.uuid4().hex[:22])
    return new_setup(setup_id, plan, "digest", now=NOW, creator=OWNER, name="Adam Admin")


def a_record() -> StepRecord:
    """A record with something in every field."""
    person = DirectoryUser(UserId("u"), "Olivia")
    return StepRecord(
        SetupStep.GROUP,
        state=StepState.FAILED,
        attempts=3,
        started_at=NOW,
        finished_at=NOW + timedelta(microseconds=1),
        changes=(Change(Kind.GROUP, "g", "made"),),
        notes=("a note",),
        checks=(Check("c", CheckState.ATTENTION, "found"),),
        task=ManualTask("key", "title", "https://link", ("do this",), (("name", "value"),)),
        confirmation=Confirmation(OWNER, "Adam", NOW, "a note"),
        found=Found(
            FoundApp(AppId("a"), "n", PrincipalId("p")),
            FoundGroup(GroupId("g"), "n"),
            (person,),
            (person,),
            AppRole("r", "User", "user"),
        ),
        intends=("one", "two"),
        reason=Reason.APP_ROLE_NEEDED,
        detail="which?",
    )


def an_app(group: str | None = None) -> AppRecord:
    return AppRecord(
        app_id=AppId(str(uuid.uuid4())),
        name="Contoso Travel",
        service_principal=PrincipalId("sp"),
        group=GroupId(group or str(uuid.uuid4())),
        group_name="Guests",
        owners=(DirectoryUser(UserId("u"), "Olivia"),),
        approvers=(),
        policy=Policy(),
        setup=SetupId("s"),
        updated_at=NOW,
        made=(Change(Kind.GROUP, "g", "made"),),
    )


async def test_a_setup_comes_back_as_it_was_written(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)

    found = await store.read(setup.id)

    assert found is not None
    assert found.setup == setup
    assert await store.read(SetupId("0" * 22)) is None


async def test_a_setup_is_created_once(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)

    with pytest.raises(Conflict):
        await store.create(replace(setup, digest="another"))


async def test_steps_are_saved_without_getting_in_each_others_way(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)
    mine, theirs = await store.read(setup.id), await store.read(setup.id)
    assert mine is not None
    assert theirs is not None

    await store.save(mine, [a_record()])
    await store.save(theirs, [StepRecord(SetupStep.VERIFY, state=StepState.DONE)])

    found = await store.read(setup.id)
    assert found is not None
    assert found.setup.steps[SetupStep.GROUP] == a_record()
    assert found.setup.steps[SetupStep.VERIFY].state is StepState.DONE


async def test_who_saves_a_step_second_meets_a_conflict(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)
    mine, theirs = await store.read(setup.id), await store.read(setup.id)
    assert mine is not None
    assert theirs is not None
    saved = await store.save(mine, [StepRecord(SetupStep.GROUP, attempts=1)])

    with pytest.raises(Conflict):
        await store.save(theirs, [StepRecord(SetupStep.GROUP, attempts=1), StepRecord(SetupStep.VERIFY, attempts=9)])

    again = await store.save(saved, [StepRecord(SetupStep.GROUP, attempts=2)])
    assert again.setup.steps[SetupStep.GROUP].attempts == 2
    found = await store.read(setup.id)
    assert found is not None
    assert found.setup.steps[SetupStep.VERIFY].attempts == 0


async def test_the_plan_changes_with_its_steps_or_not_at_all(store: TableSetupStore) -> None:
    setup = a_setup()
    await store.create(setup)
    stored = await store.read(setup.id)
    assert stored is not None
    other = replace(setup.plan, app_role="Another")

    saved = await store.save(
        replace(stored, setup=replace(setup, plan=other)), [StepRecord(SetupStep.GROUP)], plan=True
    )
    with pytest.raises(Conflict):
        await store.save(stored, [], plan=True)

    found = await store.read(setup.id)
    assert found is not None
    assert found.setup.plan == other == saved.setup.plan


async def test_open_setups_are_listed_when_their_time_has_come(store: TableSetupStore) -> None:
    due, later, closed = (a_setup().id for _ in range(3))
    await store.open(due, NOW - timedelta(seconds=1))
    await store.open(later, NOW + timedelta(seconds=1))
    await store.open(closed, NOW - timedelta(seconds=1))
    await store.close(closed)
    await store.close(closed)

    found = [s async for s in store.list_open(due_before=NOW)]

    assert due in found
    assert not {later, closed} & set(found)
    await store.close(due)


async def test_apps_are_kept_found_by_group_and_guarded(apps: AppStore) -> None:
    app, other = an_app(), an_app()
    saved = await apps.save_app(Versioned(app, None))
    await apps.save_app(Versioned(other, None))

    found = await apps.read_app(app.app_id)
    assert found == saved
    assert await apps.list_apps(app.group) == [app]
    assert {app.app_id, other.app_id} <= {a.app_id for a in await apps.list_apps()}
    with pytest.raises(Conflict):
        await apps.save_app(Versioned(app, None))
    await apps.save_app(replace(saved, value=replace(app, name="Neu")))
    with pytest.raises(Conflict):
        await apps.save_app(replace(saved, value=replace(app, name="Alt")))
    await apps.delete_app(app.app_id)
    await apps.delete_app(app.app_id)
    assert await apps.read_app(app.app_id) is None


async def test_the_latest_confirmation_stands(store: TableSetupStore) -> None:
    key = uuid.uuid4().hex
    assert await store.read_confirmation(key) is None

    await store.write_confirmation(key, Confirmation(OWNER, "Adam", NOW))
    await store.write_confirmation(key, Confirmation(OWNER, "Eve", NOW, "again"))

    assert await store.read_confirmation(key) == Confirmation(OWNER, "Eve", NOW, "again")


async def test_one_at_a_time_may_make_a_thing(store: TableSetupStore) -> None:
    key = uuid.uuid4().hex

    taken = await asyncio.gather(*(store.take_intent(key, now=NOW, claim=CLAIM) for _ in range(4)))

    [intent] = [t for t in taken if t is not None]
    assert (intent.since, intent.again, intent.result) == (NOW, False, None)


async def test_a_claim_that_ran_out_is_taken_over_in_doubt(store: TableSetupStore) -> None:
    key = uuid.uuid4().hex
    dead = await store.take_intent(key, now=NOW, claim=CLAIM)
    assert dead is not None

    later = NOW + CLAIM + timedelta(seconds=1)
    again = await store.take_intent(key, now=later, claim=CLAIM)
    assert again is not None
    assert (again.since, again.again) == (NOW, True)
    await store.finish_intent(dead, "a result that comes too late")
    await store.release_intent(dead)

    known = await store.read_intent(key)
    assert known is not None
    assert (known.result, known.version) == (None, again.version)


async def test_what_came_of_an_intent_is_remembered_until_it_is_known_to_be_gone(store: TableSetupStore) -> None:
    key = uuid.uuid4().hex
    intent = await store.take_intent(key, now=NOW, claim=CLAIM)
    assert intent is not None
    await store.finish_intent(intent, "made-1")
    known = await store.read_intent(key)
    assert known is not None
    assert known.result == "made-1"

    fresh = await store.take_intent(key, now=NOW + CLAIM, claim=CLAIM, renew=True)

    assert fresh is not None
    assert (fresh.again, fresh.result, fresh.since) == (False, None, NOW + CLAIM)


async def test_a_released_intent_leaves_no_doubt(store: TableSetupStore) -> None:
    key = uuid.uuid4().hex
    intent = await store.take_intent(key, now=NOW, claim=CLAIM)
    assert intent is not None
    await store.release_intent(intent)

    assert await store.read_intent(key) is None
    again = await store.take_intent(key, now=NOW, claim=CLAIM)
    assert again is not None
    assert not again.again
