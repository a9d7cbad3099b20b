"""What may be invited in a day, by whatever way: one by one, by approved requests, from files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.errors import Refused, StorageBusy
from shared.core.ids import AppId, GroupId, UserId
from shared.core.reasons import Reason
from shared.http import problems
from shared.messages.commands import FulfilRequest, SplitImport
from shared.pace.pacing import Budgets, DayLimit
from shared.requests.model import RequestState
from tests.builders import GROUP, OWNER, STRANGER, a_caller, a_group, an_app
from tests.unit.imports.test_import_steps import ELSEWHERE, IMPORT, WIDE, Files
from tests.unit.invitations.test_accept import new
from tests.unit.requests.test_requests import KEY, Door
from tests.unit.world import World

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
SECOND = UserId("33333333-3333-4333-8333-333333333334")
OTHER = GroupId("22222222-2222-4222-8222-222222222224")


def few(inviter: int = 100, group: int = 100, tenant: int = 100) -> Budgets:
    return Budgets(*(DayLimit(n, n) for n in (inviter, group, tenant)))


async def over(world: World, address: str, *, by: UserId = OWNER, into: GroupId = GROUP) -> Refused:
    before = (
        dict(world.store.rows),
        dict(world.store.open_chunks.opened),
        dict(world.store.days),
        list(world.outbox.sent),
    )
    with pytest.raises(Refused) as refused:
        await world.accept(replace(new(address), group=into), a_caller(by), None)
    assert refused.value.reason is Reason.BUDGET_REACHED
    assert before == (world.store.rows, world.store.open_chunks.opened, world.store.days, world.outbox.sent), (
        "something was written"
    )
    return refused.value


async def test_of_1001_invitations_of_one_person_in_a_day_the_last_is_refused_with_the_time(world: World) -> None:
    for n in range(1000):
        await world.accept(new(f"guest{n}@fabrikam.com"), a_caller(), None)

    refused = await over(world, "guest1000@fabrikam.com")

    document, headers = problems.of_error(refused, "r")
    assert (document["status"], document["until"]) == (429, MIDNIGHT)
    assert headers["Retry-After"] == str(15 * 3600)
    assert "GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER" in document["detail"]
    assert len(world.store.rows) == 1000

    world.clock.time = MIDNIGHT
    await world.accept(new("guest1000@fabrikam.com"), a_caller(), None)


async def test_a_group_and_the_tenant_have_days_of_their_own(world: World) -> None:
    world.directory.groups = {g: a_group(id=g, owners=frozenset({OWNER, SECOND})) for g in (GROUP, OTHER)}
    world.setups.put(an_app(app_id=AppId("55555555-5555-4555-8555-555555555556"), group=OTHER))
    world.budgets = few(group=2, tenant=3)
    for address, by in (("a@fabrikam.com", OWNER), ("b@fabrikam.com", SECOND)):
        await world.accept(new(address), a_caller(by), None)
    assert "AND_GROUP" in str(await over(world, "c@fabrikam.com", by=SECOND))

    await world.accept(replace(new("c@fabrikam.com"), group=OTHER), a_caller(), None)
    assert "(GUESTLIST_INVITATIONS_PER_DAY)" in str(await over(world, "d@fabrikam.com", into=OTHER))


async def test_a_repeat_takes_nothing_twice(world: World) -> None:
    world.budgets = few(inviter=2)
    first = await world.accept(new("a@fabrikam.com"), a_caller(), "key")
    for _ in range(5):
        assert await world.accept(new("a@fabrikam.com"), a_caller(), "key") == first
        with pytest.raises(Refused) as refused:
            await world.accept(new("a@fabrikam.com"), a_caller(), None)
        assert refused.value.reason is Reason.INVITATION_UNDER_WAY

    await world.accept(new("b@fabrikam.com"), a_caller(), None)
    await over(world, "c@fabrikam.com")


async def test_a_key_that_was_refused_for_the_day_can_be_used_the_next(world: World) -> None:
    world.budgets = few(inviter=1)
    await world.accept(new("a@fabrikam.com"), a_caller(), None)
    with pytest.raises(Refused):
        await world.accept(new("b@fabrikam.com"), a_caller(), "key")
    world.clock.time = MIDNIGHT
    await world.accept(new("b@fabrikam.com"), a_caller(), "key")


async def test_who_is_refused_for_another_reason_takes_nothing(world: World) -> None:
    for address, caller in (("nobody", a_caller()), ("a@fabrikam.com", a_caller(STRANGER))):
        with pytest.raises(Refused):
            await world.accept(new(address), caller, None)
    assert world.store.days == {}


async def test_a_day_that_cannot_be_counted_invites_nobody(world: World) -> None:
    world.store.fail_next.append("take_of_day")
    with pytest.raises(StorageBusy):
        await world.accept(new(), a_caller(), None)
    assert world.store.rows == {}


async def test_an_approved_request_waits_for_the_next_day_and_takes_once() -> None:
    door = Door()
    door.policy()
    door.budgets = few(inviter=1)
    await door.accept(new("a@fabrikam.com"), a_caller(), None)
    await door.proven()
    await door.decide.approve(GROUP, KEY, a_caller(), None)
    await door.deliver()
    assert (door.request.state, door.request.is_unfulfilled) == (RequestState.APPROVED, True)
    assert await door.sweep_requests() == 0, "before the day begins"

    door.clock.time = MIDNIGHT + timedelta(seconds=1)
    assert await door.sweep_requests() >= 1
    await door.deliver()
    assert door.request.invitation is not None
    assert len(door.store.rows) == 2

    await door.fulfil(FulfilRequest(GROUP, KEY))
    assert door.store.days[f"inviter-{OWNER}"].taken == 1


async def test_what_was_invited_one_by_one_counts_for_imports_and_the_other_way_round() -> None:
    content = b"address\n" + b"".join(b"guest%d@fabrikam.com\n" % n for n in range(100))
    settings = replace(WIDE, per_inviter=DayLimit(60, 60))
    world = await Files(content, settings=settings).given()
    one_by_one = World(store=world.store, clock=world.clock, budgets=few(inviter=50))
    for n in range(20):
        await one_by_one.accept(new(f"single{n}@fabrikam.com"), a_caller(), None)

    await world.split(SplitImport(IMPORT, 0))
    outcome = await world.split(SplitImport(IMPORT, 1))

    assert len(world.store.rows) == 60
    assert outcome.later is not None
    assert outcome.later.not_before == MIDNIGHT
    await over(one_by_one, "one-more@fabrikam.com")


async def test_an_import_waits_for_the_day_of_a_group_and_takes_once() -> None:
    content = b"address,group\n" + b"".join(
        b"guest%d@fabrikam.com,%s\n" % (n, (GROUP if n < 80 else ELSEWHERE).encode()) for n in range(100)
    )
    settings = replace(WIDE, per_group=DayLimit(40, 40))
    world = Files(content, settings=settings)
    world.directory.groups[ELSEWHERE] = a_group(id=ELSEWHERE)
    world.setups.put(an_app(app_id=AppId("55555555-5555-4555-8555-555555555556"), group=ELSEWHERE))
    world.principals.roles = {OWNER: frozenset({"Admin"})}
    await world.given(for_admin=True)

    await world.split(SplitImport(IMPORT, 0))
    # As if a delivery came twice: the old one finds its piece read.
    await world.split(SplitImport(IMPORT, 0))
    outcome = await world.split(SplitImport(IMPORT, 1))

    assert world.store.days[f"group-{GROUP}"].taken == 40
    assert outcome.later is not None
    assert outcome.later.not_before == MIDNIGHT
    assert "one group" in outcome.later.why
    assert world.progress.targets[GROUP].app_name == "Contoso Travel"

    world.clock.time = MIDNIGHT
    await world.read_all()
    assert len(world.store.rows) == 100
