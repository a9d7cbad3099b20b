"""Who may invite is asked by one instance for all: none asks before the directory wants it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId
from shared.core.reasons import Reason
from shared.imports.admissions import Admissions
from shared.imports.model.imports import Import, ImportState, Target
from shared.imports.ports import StoredImport
from shared.membership.model.apps import Policy
from tests.builders import GROUP, an_app
from tests.unit.imports.test_import_steps import IMPORT, Files, a_file

SECOND = timedelta(seconds=1)


class Asked:
    """The directory's answers to who may invite, one a question; with none left, what it says."""

    def __init__(self, world: Files, *says: DirectoryBusy | Refused, latency_s: float = 0.0) -> None:
        self.inner = world.admissions.authority
        self.says = list(says)
        self.latency_s = latency_s
        self.times = 0

    async def require_target(self, record: Import, group: GroupId) -> Target:
        self.times += 1
        await asyncio.sleep(self.latency_s)
        if self.says:
            raise self.says.pop(0)
        return await self.inner.require_target(record, group)


def instance(world: Files, asked: Asked) -> Admissions:
    """What one process has of its own."""
    fresh = world.admissions
    fresh.authority = asked  # type: ignore[assignment]
    return fresh


async def stored(world: Files) -> StoredImport:
    found = await world.imports.read(IMPORT, GROUP)
    assert found is not None
    return found


async def test_of_many_instances_one_asks_and_all_go_by_it_for_two_seconds() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, latency_s=0.01)
    four = [instance(world, asked) for _ in range(4)]

    before = await stored(world)

    targets = await asyncio.gather(*(one.need(before, GROUP) for one in four for _ in range(5)))

    assert asked.times == 1
    assert {t.app_name for t in targets} == {"Contoso Travel"}
    world.clock.advance(2 * SECOND)
    await four[3].need(await stored(world), GROUP)
    assert asked.times == 2


async def test_shortly_before_an_answer_runs_out_one_asks_anew_and_all_others_go_by_it() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, latency_s=0.1)
    one, other = instance(world, asked), instance(world, asked)
    await one.need(await stored(world), GROUP)
    await other.need(await stored(world), GROUP)
    world.clock.advance(1.6 * SECOND)

    asking = asyncio.create_task(one.need(await stored(world), GROUP))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(0.05):
        await one.need(await stored(world), GROUP)
        await other.need(await stored(world), GROUP)
    await asking

    assert asked.times == 2
    world.clock.advance(SECOND)
    await one.need(await stored(world), GROUP)
    await other.need(await stored(world), GROUP)
    assert asked.times == 2


async def test_an_answer_that_has_run_out_counts_for_nobody_while_it_is_asked_anew() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world)
    one, other = instance(world, asked), instance(world, asked)
    await one.need(await stored(world), GROUP)
    await other.need(await stored(world), GROUP)
    world.clock.advance(1.6 * SECOND)
    asked.latency_s = 60
    asking = asyncio.create_task(one.need(await stored(world), GROUP))
    await asyncio.sleep(0.01)
    await other.need(await stored(world), GROUP)
    world.clock.advance(0.4 * SECOND)

    with pytest.raises(DirectoryBusy):
        await other.need(await stored(world), GROUP)

    asking.cancel()


async def test_who_read_the_import_while_it_was_being_asked_does_not_wait_when_it_has_been() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, latency_s=0.01)
    one = instance(world, asked)
    asking = asyncio.create_task(one.need(await stored(world), GROUP))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    meanwhile = await stored(world)
    assert meanwhile.admissions[GROUP].value.is_asked(world.clock.now())
    await asking

    async with asyncio.timeout(0.05):
        for _ in range(20):
            await one.need(meanwhile, GROUP)


async def test_who_was_told_to_wait_holds_back_the_others_until_then() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, DirectoryBusy("busy", retry_after=7 * SECOND))
    first, second = instance(world, asked), instance(world, asked)
    with pytest.raises(DirectoryBusy):
        await first.need(await stored(world), GROUP)
    world.clock.advance(2 * SECOND)

    with pytest.raises(DirectoryBusy) as busy:
        await second.need(await stored(world), GROUP)

    assert (asked.times, busy.value.retry_after) == (1, 5 * SECOND)
    world.clock.advance(5 * SECOND)
    await second.need(await stored(world), GROUP)
    assert asked.times == 2


async def test_a_short_wait_is_waited_for_by_who_has_most_of_the_answers_which_then_count_longer() -> None:
    world = await Files(a_file(1)).given()
    soon = DirectoryBusy("busy", retry_after=timedelta(milliseconds=20))
    asked = Asked(world, soon, soon, soon)
    first, second = instance(world, asked), instance(world, asked)

    await asyncio.gather(first.need(await stored(world), GROUP), second.need(await stored(world), GROUP))

    assert asked.times == 4
    world.clock.advance(9 * SECOND)
    await second.need(await stored(world), GROUP)
    assert asked.times == 4
    world.clock.advance(SECOND)
    await second.need(await stored(world), GROUP)
    assert asked.times == 5


async def test_an_instance_that_dies_while_it_asks_holds_nobody_back_for_long() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, latency_s=60)
    dying = asyncio.create_task(instance(world, asked).need(await stored(world), GROUP))
    await asyncio.sleep(0.01)
    dying.cancel()
    asked.latency_s = 0
    with pytest.raises(DirectoryBusy):
        await instance(world, asked).need(await stored(world), GROUP)
    assert asked.times == 1

    world.clock.advance(10 * SECOND)
    await instance(world, asked).need(await stored(world), GROUP)
    assert asked.times == 2


async def test_whoever_resumes_the_import_is_asked_about_anew() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world)
    one = instance(world, asked)
    before = await stored(world)
    await one.need(before, GROUP)

    await world.imports.save(replace(before.record, value=replace(before.record.value, state=ImportState.RUNNING)))
    await one.need(await stored(world), GROUP)

    assert asked.times == 2


async def test_a_refusal_is_kept_for_nobody() -> None:
    world = await Files(a_file(1)).given()
    asked = Asked(world, Refused(Reason.AUTHORITY_LOST))
    with pytest.raises(Refused):
        await instance(world, asked).need(await stored(world), GROUP)

    assert (await instance(world, asked).need(await stored(world), GROUP)).app_name == "Contoso Travel"


async def test_the_row_has_the_domains_of_a_policy_and_nobodys_name() -> None:
    world = await Files(a_file(1)).given()
    policy = Policy(approvers=("ada@contoso.com",), allowed_domains=("fabrikam.com",))
    world.setups.put(an_app(policy=policy))

    target = await world.admissions.need(await stored(world), GROUP)

    assert target.policies == (replace(policy, approvers=()),)
    assert "ada@" not in repr(world.imports.admissions)
