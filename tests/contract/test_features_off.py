"""What is switched off is refused at its door with its own reason, asks the directory for nothing, and leaves what is
there to be read; what was under way comes to rest, and goes on when the feature is on again."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import FindingFilter, Phase, PlanState
from shared.core.audit_rules import Remedy, Rule
from shared.core.errors import Refused
from shared.core.features import ALL, Feature, Features, choose
from shared.core.ids import AuditId
from shared.core.reasons import Reason
from shared.graph.directory import GraphDirectory
from shared.graph.guests import GraphGuestReader
from shared.graph.session import GraphSession
from shared.invitations.commands import CancelInvitation
from shared.invitations.model.invitations import State
from shared.invitations.take_back import DeleteUnused
from shared.membership.model.apps import AppState
from shared.membership.stop import StopSwitch
from shared.messages.commands import ApplyRemedies, RemoveApp, RunSetupStep, SetupStep
from shared.setup.model import SelfService, SetupState, StepState
from tests.contract.audit_world import ADMIN, APP, GROUP, PERMISSIONS, AuditWorld
from tests.contract.setup_world import ADMIN as SETUP_ADMIN
from tests.contract.setup_world import SetupWorld
from tests.contract.simulated_tenant import SimulatedTenant, no_key
from tests.fakes.outbox import FakeOutbox

INVITING_ONLY, _ = choose([], mailbox=False)


def without(*features: Feature) -> Features:
    return Features(ALL.on - set(features))


async def refused(call: Awaitable[object], feature: Feature) -> None:
    with pytest.raises(Refused) as said:
        await call
    assert said.value.reason is Reason.FEATURE_OFF
    assert f"'{feature.value}'" in (said.value.detail or "")


# Setup


@pytest.fixture
async def setups(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[SetupWorld]:
    world = SetupWorld(tenant, session, tables)
    await world.clean()
    yield world
    await world.close()


async def test_a_setup_is_refused_before_anything_is_read_or_written(setups: SetupWorld) -> None:
    setups.switch(INVITING_ONLY)
    before = setups.tenant._ask("GET", "calls")

    await refused(setups.begin(setups.plan()), Feature.SETUP)
    await refused(setups.commands.dry_run(setups.plan(), SETUP_ADMIN), Feature.SETUP)

    assert setups.tenant._ask("GET", "calls") == before
    assert await setups.commands.list_all(SETUP_ADMIN) == []


async def test_a_setup_with_an_access_package_is_refused_and_one_without_is_not(setups: SetupWorld) -> None:
    setups.switch(without(Feature.ACCESS_PACKAGES))

    await refused(setups.begin(setups.plan(self_service=SelfService.ACCESS_PACKAGE)), Feature.ACCESS_PACKAGES)
    assert (await setups.all_of(await setups.begin(setups.plan()))).state is SetupState.DONE


async def test_a_setup_under_way_comes_to_rest_and_goes_on_when_it_is_on_again(setups: SetupWorld) -> None:
    made = await setups.begin(setups.plan())
    await setups.up_to(made, SetupStep.GROUP)
    setups.switch(INVITING_ONLY)

    await setups.deliver(RunSetupStep(made, SetupStep.GROUP))

    record = await setups.record(made, SetupStep.GROUP)
    assert (record.state, record.reason) == (StepState.FAILED, Reason.FEATURE_OFF)
    assert [s.id for s in await setups.commands.list_all(SETUP_ADMIN)] == [made], "it can be read"
    await refused(setups.retry(made), Feature.SETUP)
    await refused(setups.commands.confirm(made, SetupStep.SELF_SERVICE_GROUPS, SETUP_ADMIN, None), Feature.SETUP)

    setups.switch(ALL)
    await setups.retry(made)
    assert (await setups.finish(made, SetupStep.GROUP)).state is StepState.DONE


async def test_an_app_is_not_taken_apart(setups: SetupWorld) -> None:
    await setups.all_of(await setups.begin(setups.plan()))
    [app] = await setups.apps.list(SETUP_ADMIN)
    look = await setups.apps.check_removal(app.app_id, SETUP_ADMIN)
    await setups.apps.remove(app.app_id, SETUP_ADMIN, look.tag)
    setups.switch(INVITING_ONLY)

    await refused(setups.apps.remove(app.app_id, SETUP_ADMIN, look.tag), Feature.SETUP)
    before = setups.writes()
    assert await setups.deliver(RemoveApp(app.app_id)) is None

    assert setups.writes() == before
    assert [a.state for a in await setups.apps.list(SETUP_ADMIN)] == [AppState.REMOVING]
    setups.switch(ALL)
    await setups.deliver(RemoveApp(app.app_id))
    assert await setups.apps.list(SETUP_ADMIN) == []


# Audits


@pytest.fixture
async def audits(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[AuditWorld]:
    world = AuditWorld(tenant, session, tables)
    await world.clean()
    yield world
    await world.close()


async def test_no_audit_begins_and_those_that_are_there_can_be_read(audits: AuditWorld) -> None:
    audit = await audits.audit()
    audits.switch(INVITING_ONLY)

    await refused(audits.start.start_manual(ADMIN), Feature.AUDITS)
    assert await audits.start.start_scheduled() is None
    assert not audits.outbox.sent
    assert (await audits.commands.show("latest", ADMIN)).id == audit
    assert (await audits.commands.findings(audit, ADMIN, FindingFilter(), None, 10))[1:] == ([], None)


async def planned(audits: AuditWorld) -> AuditId:
    audits.seed_guests(["stray"])
    await audits.set_policy(remedies={Rule.NOT_INVITED: Remedy.REMOVE})
    return await audits.audit()


async def test_without_remedies_an_audit_reports_and_plans_nothing(audits: AuditWorld) -> None:
    audits.switch(without(Feature.REMEDIES))
    audits.seed_guests(["stray"])
    await refused(audits.set_policy(remedies={Rule.NOT_INVITED: Remedy.REMOVE}, auto_apply=True), Feature.REMEDIES)
    await audits.set_policy(remedies={Rule.NOT_INVITED: Remedy.REPORT}, max_guests=5)
    audits.switch(ALL)
    await audits.set_policy(remedies={Rule.NOT_INVITED: Remedy.REMOVE}, auto_apply=True)
    audits.switch(without(Feature.REMEDIES))

    audit = await audits.audit()

    assert (await audits.read(audit)).phase is Phase.DONE
    assert [rule for rule, _ in await audits.found(audit)] == ["guest-not-invited"]
    assert await audits.plan(audit) is None
    assert len(audits.members()) == 1


async def test_what_is_planned_is_neither_carried_out_nor_taken_back(audits: AuditWorld) -> None:
    audit = await planned(audits)
    audits.switch(without(Feature.REMEDIES))

    await refused(audits.commands.apply(audit, APP, ADMIN), Feature.REMEDIES)
    await refused(audits.commands.undo(audit, APP, ADMIN), Feature.REMEDIES)
    assert len(await audits.commands.plans(audit, ADMIN)) == 1


async def test_remedies_under_way_stand_still_and_go_on_when_they_are_on_again(audits: AuditWorld) -> None:
    audit = await planned(audits)
    await audits.commands.apply(audit, APP, ADMIN)
    audits.outbox.sent.clear()
    audits.switch(without(Feature.REMEDIES))

    await audits.deliver(ApplyRemedies(audit, APP))
    audits.clock.ahead += audits.tools.timing.stall_timeout * 2
    assert await audits.sweep() == 0

    assert len(audits.members()) == 1
    plan = await audits.plan(audit)
    assert plan is not None
    assert plan.state is PlanState.RUNNING
    audits.switch(ALL)
    assert await audits.sweep() == 1
    await audits.deliver_all()
    assert audits.members() == set()


async def test_without_sign_ins_nobodys_is_asked_for_and_none_is_missed(audits: AuditWorld) -> None:
    await audits.guests("away", signInActivity={"lastSignInDateTime": "2020-01-01T00:00:00Z"})
    audits.switch(without(Feature.SIGN_INS))
    # Whoever asks is refused, and would report that.
    await audits.permit(*(p for p in PERMISSIONS if p != "AuditLog.Read.All"))

    assert await audits.found() == []

    page = await GraphGuestReader(audits.session, no_key, sign_ins=False).guests(GROUP, None)
    assert (len(page.guests), page.sign_ins_known) == (1, False)


# Undo


async def test_a_cancelled_invitation_leaves_the_account_and_takes_the_membership(audits: AuditWorld) -> None:
    [user] = audits.tenant.invite("ada@fabrikam.com")
    audits.join(user)
    [invitation] = await audits.remember(["ada@fabrikam.com"], [user])
    groups = GraphDirectory(audits.session)
    cancel = CancelInvitation(
        audits.access,
        groups,
        audits.store,
        audits.clock,
        DeleteUnused(groups, audits.store, audits.tools.setups, without(Feature.UNDO)),
        StopSwitch(audits.store, FakeOutbox(), audits.tools.change_log, audits.clock),
    )

    undone = await cancel(invitation.id, ADMIN)

    assert undone.state is State.UNDONE
    assert "the account stays: deleting accounts is switched off" in (undone.detail or "")
    assert audits.members() == set()
    assert audits.account(user) is not None
    allowed = replace(cancel.delete_unused, features=ALL)
    again = await replace(cancel, delete_unused=allowed)(invitation.id, ADMIN)
    assert again == undone
