"""Each rule of the audits: exactly that fault is planted in the directory, and exactly that finding is seen. On
Azurite and the simulated tenant, through the real adapters."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import TOTAL, FindingFilter, Phase
from shared.audits.model.rules import AuditSettings
from shared.core.audit_rules import Rule, Severity
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.ids import AppId, GroupId, PrincipalId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.graph.guests import GraphGuestReader
from shared.graph.session import GraphSession
from shared.membership.groups import GuestCommands
from shared.membership.stop import StopSwitch
from shared.messages.commands import JoinChunk, RunAudit
from tests.contract.audit_faults import (
    PLANTS,
    a_last_day_passes,
    an_invitation_stands_still,
    somebody_adds_a_guest_by_hand,
    with_saml,
)
from tests.contract.audit_world import ADMIN, APP, GROUP, AuditWorld, Death, Killed
from tests.contract.simulated_tenant import (
    COLLEAGUE,
    DEFAULT_ROLE,
    OWNER,
    SimulatedTenant,
    no_key,
)
from tests.fakes.outbox import FakeOutbox


@pytest.fixture
async def world(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient
) -> AsyncIterator[AuditWorld]:
    world = AuditWorld(tenant, session, tables)
    await world.clean()
    yield world
    await world.close()


@pytest.mark.parametrize("rule", list(Rule), ids=[r.value for r in Rule])
async def test_a_fault_is_found_and_nothing_else(world: AuditWorld, rule: Rule) -> None:
    await world.guests("fine", "well")
    subject = await PLANTS[rule](world)

    assert await world.found() == [(rule.value, subject)]


@pytest.mark.parametrize("rule", list(Rule), ids=[r.value for r in Rule])
async def test_a_fault_that_comes_after_an_audit_is_found_by_the_next(world: AuditWorld, rule: Rule) -> None:
    await world.guests("fine", "well")
    assert await world.found() == []
    subject = await PLANTS[rule](world)

    assert await world.found() == [(rule.value, subject)]
    assert await world.found() == [(rule.value, subject)], "and by the one after it, though nothing has changed"


async def test_a_healthy_app_has_no_finding(world: AuditWorld) -> None:
    with_saml(world, timedelta(days=400))
    await world.guests("ada", "bob", "Cy@München.example")

    assert await world.found() == []
    assert await world.found() == [], "nor has it the next time"


# Runs


async def test_ten_thousand_healthy_guests_have_no_finding(world: AuditWorld) -> None:
    names = [f"guest{n:05d}" for n in range(10_000)]
    ids = world.seed_guests(names, join=False)
    world.regroup(members=ids)
    await world.remember(names, ids)
    world.clock.ahead += timedelta(days=1)

    audit = await world.audit()
    assert await world.found(audit) == []
    done = await world.read(audit)
    assert done.full
    totals = await world.tools.audits.read_totals(audit, TOTAL)
    assert totals["guests"] == totals["state:accepted"] == totals["domain:fabrikam.com"] == 10_000

    before = world.calls()
    changed = await world.audit()
    assert await world.found(changed) == []
    assert (world.calls() - before).total() < 30, "the second audit asks for what changed"
    assert await world.tools.audits.read_totals(changed, TOTAL) == totals


async def test_what_is_counted_follows_the_guests(world: AuditWorld) -> None:
    first, _, third = await world.guests("one", "two", "three@adatum.com")
    await world.guests("four", externalUserState="PendingAcceptance")
    await world.audit()
    world.leave(first)
    world.patch(f"/users/{third}", accountEnabled=False)
    audit = await world.audit()

    totals = await world.tools.audits.read_totals(audit, TOTAL)
    assert {k: n for k, n in totals.items() if not k.startswith("group:")} == {
        "guests": 3,
        "state:accepted": 1,
        "state:pending": 1,
        "state:blocked": 1,
        "domain:fabrikam.com": 2,
        "domain:adatum.com": 1,
        "accepted:1 day": 2,
    }


async def test_a_second_audit_is_not_begun_beside_the_first(world: AuditWorld) -> None:
    first = await world.start.start_manual(ADMIN)

    with pytest.raises(Refused) as refused:
        await world.start.start_manual(ADMIN)
    assert (refused.value.reason, refused.value.location) == (Reason.AUDIT_RUNNING, first.id)
    assert await world.start.start_scheduled() is None
    await world.deliver_all()
    assert (await world.start.start_scheduled()) is not None


async def test_every_message_may_come_twice_and_at_once_and_the_audit_is_closed_once(
    world: AuditWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await world.guests("fine")
    stray = await somebody_adds_a_guest_by_hand(world)
    caplog.set_level(logging.INFO, logger="guestlist")
    audit = (await world.start.start_manual(ADMIN)).id
    while world.outbox.sent:
        commands = [command for command, _ in world.outbox.sent]
        world.outbox.sent.clear()
        await asyncio.gather(*(world.deliver(command) for command in commands * 2))

    assert await world.found(audit) == [("guest-not-invited", stray)]
    assert len([r for r in caplog.records if f"audit {audit} done" in r.message]) == 1
    assert (await world.tools.audits.read_totals(audit, TOTAL))["guests"] == 2


async def test_killed_before_any_write_an_audit_comes_to_the_same_end(
    world: AuditWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.guests("fine", "well", "good")
    stray = await somebody_adds_a_guest_by_hand(world)
    expected = [("guest-not-invited", stray)]
    deaths = 0
    while await dies_before(deaths + 1, world, monkeypatch):
        deaths += 1
        last = (await world.tools.audits.read_position()).value.last
        assert last is not None
        assert await world.found(last) == expected, f"death {deaths}"
        totals = await world.tools.audits.read_totals(last, TOTAL)
        assert totals["guests"] == 4, f"death {deaths}"
        # The next one is a first one again.
        await world.forget()
    assert deaths >= 30


async def dies_before(write: int, world: AuditWorld, monkeypatch: pytest.MonkeyPatch) -> bool:
    """An audit in which the delivery that comes to the n-th write dies before it; the sweeper, or the message that
    comes again, goes on. False where there was no n-th write."""
    with monkeypatch.context() as patch:
        death = Death(write)
        death.at_every_write(patch)
        with suppress(Killed):
            await world.start.start_manual(ADMIN)
        while True:
            if not world.outbox.sent:
                world.clock.ahead += timedelta(hours=1)
                if not await world.sweep():
                    break
            command, _ = world.outbox.sent.pop(0)
            try:
                await world.deliver(command)
            except Killed:
                world.outbox.sent.append((command, None))
    if (await world.tools.audits.read_position()).value.last is None:
        await world.audit()  # It died before it was anybody's.
    return death.came


async def test_a_group_that_is_set_up_later_is_read_whole(world: AuditWorld) -> None:
    await world.guests("fine")
    await world.audit()
    other, app = GroupId("60000000-0000-4000-8000-0000000000c1"), AppId("5a000000-0000-4000-8000-0000000000c1")
    principal = "50000000-0000-4000-8000-0000000000c1"
    old = world.user("old")
    world.tenant.seed(
        users=[old],
        groups=[{"id": other, "displayName": "Other", "owners": [OWNER, COLLEAGUE], "members": [old["id"]]}],
        servicePrincipals=[{"id": principal, "appId": app, "displayName": "Other"}],
        appRoleAssignments=[
            {"principalId": id_, "resourceId": principal, "appRoleId": DEFAULT_ROLE}
            for id_ in (OWNER, COLLEAGUE, other)
        ],
    )
    record = await world.setups.read_app(APP)
    assert record is not None
    second = replace(
        record.value,
        app_id=app,
        name="Other",
        group=other,
        group_name="Other",
        service_principal=PrincipalId(principal),
    )
    await world.setups.save_app(Versioned(second, None))

    assert await world.found() == [("guest-not-invited", old["id"])]


async def test_where_a_token_has_expired_everything_is_read_again(world: AuditWorld) -> None:
    [lost, kept] = await world.guests("lost", "kept")
    await world.audit()
    world.leave(lost)
    world.tenant.settings(delta={"linksExpired": True})
    audit = await world.start.start_manual(ADMIN)
    # The links that begin anew are good.
    command, _ = world.outbox.sent.pop(0)
    await world.deliver(command)
    command, _ = world.outbox.sent.pop(0)
    await world.deliver(command)
    world.tenant.settings(delta={"linksExpired": False})
    await world.deliver_all()

    assert (await world.read(audit.id)).full
    assert await world.found(audit.id) == [("membership-missing", lost)]
    assert kept in world.members()


@pytest.mark.parametrize("rule", [Rule.NOT_INVITED, Rule.MEMBERSHIP_MISSING, Rule.ACCOUNT_MISSING, Rule.EXPIRED])
async def test_what_a_delta_query_repeats_is_judged_once(world: AuditWorld, rule: Rule) -> None:
    """Source: Microsoft Graph, "Use delta query": an object may come several times in one response."""
    world.tenant.settings(delta={"repeats": 2}, paging={"pageSize": 2})
    await world.guests("fine", "well")
    assert await world.found() == []
    subject = await PLANTS[rule](world)

    assert await world.found() == [(rule.value, subject)]
    assert await world.found() == [(rule.value, subject)]


async def test_an_account_that_is_deleted_for_good_is_missing_and_one_that_is_restored_is_not(
    world: AuditWorld,
) -> None:
    """A delta query gives ``deleted`` as the reason of the one, and shows the other again. Source: Microsoft Graph,
    "Use delta query"."""
    gone, back, _ = await world.guests("gone", "back", "fine")
    assert await world.found() == []
    world.delete(gone, back)
    missing = [(Rule.ACCOUNT_MISSING.value, user) for user in sorted((gone, back))]
    assert sorted(await world.found()) == missing

    world.restore(back)
    world.tenant.settings(deleted={"keepDays": 0})  # Nothing can be restored any more.

    assert await world.found() == [(Rule.ACCOUNT_MISSING.value, gone)]


async def test_an_audit_that_is_given_up_is_said_so_and_the_next_looks_at_everything(world: AuditWorld) -> None:
    await world.guests("fine")
    await world.audit()
    stray = await somebody_adds_a_guest_by_hand(world)
    torn = (await world.start.start_manual(ADMIN)).id
    command, _ = world.outbox.sent[0]
    assert isinstance(command, RunAudit)
    await world.deliver(command)
    await world.run_task.give_up(command)
    await world.deliver_all()

    given_up = await world.read(torn)
    why = f"the task '{command.task}' stopped with an error in every delivery"
    assert (given_up.phase, given_up.detail) == (Phase.FAILED, why)
    audit = await world.audit()
    assert (await world.read(audit)).full
    assert await world.found(audit) == [("guest-not-invited", stray)]


async def test_without_permission_an_audit_fails_and_names_it(world: AuditWorld) -> None:
    await world.permit("GroupMember.ReadWrite.All")
    audit = (await world.start.start_manual(ADMIN)).id
    await world.deliver_all()

    failed = await world.read(audit)
    assert failed.phase is Phase.FAILED
    assert re.search("User.Read.All|GroupMember.Read.All|Application.Read.All", failed.detail or "")


async def test_what_waits_is_throttled_and_goes_on(world: AuditWorld) -> None:
    await world.guests("fine")
    stray = await somebody_adds_a_guest_by_hand(world)
    world.tenant.fault(method="GET", path="/users/delta", status=429, headers={"Retry-After": "7"})
    world.tenant.fault(method="GET", path="/groups/delta", status=503)

    assert await world.found() == [("guest-not-invited", stray)]


async def test_since_when_a_finding_is_known_is_remembered(world: AuditWorld) -> None:
    await somebody_adds_a_guest_by_hand(world)
    first = await world.audit()
    world.clock.ahead += timedelta(days=1)
    second = await world.audit()

    [finding] = await world.findings(second)
    assert finding.seen_since == (await world.read(first)).started_at
    assert finding.id == (await world.findings(first))[0].id


async def test_what_stands_still_is_set_going_again(world: AuditWorld) -> None:
    await an_invitation_stands_still(world)
    audit = await world.start.start_manual(ADMIN)
    sent: list[object] = []
    while world.outbox.sent:
        command, _ = world.outbox.sent.pop(0)
        sent.append(command)
        await world.deliver(command)

    assert [c for c in sent if isinstance(c, JoinChunk)]
    assert [r for r, _ in await world.found(audit.id)] == ["stuck-work"]


async def test_findings_come_in_pages_and_by_what_they_are(world: AuditWorld) -> None:
    strays = set(world.seed_guests([f"stray{n}" for n in range(5)]))
    await a_last_day_passes(world)
    audit = await world.audit()
    store = world.tools.audits

    page, after = await store.list_findings(audit, FindingFilter(), None, 4)
    rest, end = await store.list_findings(audit, FindingFilter(), after, 4)
    assert [len(page), len(rest), end] == [4, 2, None]
    assert page[0].rule is Rule.EXPIRED, "the worst first"
    assert {f.subject for f in page[1:] + rest} == strays
    for show, count in (
        (FindingFilter(severity=Severity.HIGH), 1),
        (FindingFilter(rule=Rule.NOT_INVITED), 5),
        (FindingFilter(group=GROUP), 6),
        (FindingFilter(app=APP, severity=Severity.LOW), 0),
    ):
        assert len((await store.list_findings(audit, show, None, 100))[0]) == count, show
    with pytest.raises(Refused, match="never given out"):
        await store.list_findings(audit, FindingFilter(), "bm9uc2Vuc2U", 4)


async def test_findings_are_kept_for_a_while_and_what_was_counted_for_ever(world: AuditWorld) -> None:
    await world.guests("fine")
    await somebody_adds_a_guest_by_hand(world)
    old = await world.audit()
    world.clock.ahead += world.settings.kept + timedelta(days=1)
    await world.audit()

    assert await world.findings(old) == []
    kept = await world.read(old)
    assert (kept.is_tidied, kept.counts["findings"]) == (True, 1)
    assert (await world.tools.audits.read_totals(old, TOTAL))["guests"] == 2


async def test_an_owner_who_removes_a_guest_is_believed_and_written_down(world: AuditWorld) -> None:
    [guest] = await world.guests("leaving")
    guest_reader, groups = GraphGuestReader(world.session, no_key), world.tools.groups
    snapshot, change_log = world.tools.snapshot, world.tools.change_log
    stop = StopSwitch(world.store, FakeOutbox(), change_log, world.clock)
    commands = GuestCommands(world.access, groups, guest_reader, world.store, snapshot, change_log, world.clock, stop)
    await commands.remove(GROUP, UserId(guest), Caller(UserId(OWNER), "Olivia Owner", frozenset(), False))
    world.clock.ahead += timedelta(hours=2)

    assert await world.found() == []
    [entry] = (await world.tools.change_log.read(None, 10))[0]
    assert (entry.what, entry.subject) == ("remove", guest)
    assert entry.who == f"Olivia Owner ({OWNER})"
    assert entry.request_id


async def test_who_is_invited_while_the_directory_is_read_is_no_finding(world: AuditWorld) -> None:
    """Members are read, then a guest comes and is done, then accounts are read: the membership is not seen."""
    world.settings = AuditSettings(settling=timedelta(seconds=1))
    world.equip(world.session, world.tables)
    await world.guests("fine")
    await world.audit()
    audit = await world.start.start_manual(ADMIN)
    members = next(c for c, _ in world.outbox.sent if isinstance(c, RunAudit) and c.task == "members-0")
    await world.deliver(members)
    await world.remember(["fresh"], world.seed_guests(["fresh"]))
    world.clock.ahead += timedelta(minutes=5)  # The accounts take their time.
    await world.deliver_all()

    assert await world.found(audit.id) == []
    world.clock.ahead += timedelta(minutes=5)
    assert await world.found() == []


async def test_a_guest_who_is_removed_in_the_admin_center_and_invited_again_is_no_finding(world: AuditWorld) -> None:
    [guest] = await world.guests("back")
    world.leave(guest)
    assert await world.found() == [("membership-missing", guest)]
    world.join(guest)
    await world.remember(["back"], [guest])

    assert await world.found() == []
