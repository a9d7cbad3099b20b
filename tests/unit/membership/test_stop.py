"""An operator stops everything that sends or changes, and starts it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.queues import work
from shared import wiring
from shared.core.caller import Caller
from shared.core.errors import Refused, StorageBusy
from shared.core.ids import AuditId
from shared.core.reasons import Reason
from shared.core.records import Stop
from shared.core.versions import Versioned
from shared.membership.stop import REMEMBERED, StopSwitch
from shared.messages.commands import Command, InviteChunk, RoundTrip, RunAudit
from shared.messages.outcomes import Outcome
from shared.messages.registry import MESSAGES
from tests.builders import CHUNK, GROUP, NOW, OWNER, STRANGER, a_caller
from tests.fakes.audits import FakeTrail
from tests.unit.world import World

OPERATOR = a_caller(OWNER, "Operator")
INVITE = InviteChunk(GROUP, CHUNK, attempt=3)


@dataclass
class Switches:
    """One switch for each instance, with the storage of all."""

    world: World
    change_log: FakeTrail = field(default_factory=FakeTrail)

    def another(self) -> StopSwitch:
        return StopSwitch(self.world.store, self.world.outbox, self.change_log, self.world.clock)


@pytest.fixture
def switches(world: World) -> Switches:
    return Switches(world)


@pytest.mark.parametrize("roles", [(), ("Admin",), ("SetupAdmin",), ("Auditor",), ("PrivacyOfficer", "Inviter")])
async def test_nobody_but_an_operator_stops_or_starts(switches: Switches, roles: tuple[str, ...]) -> None:
    caller: Caller = a_caller(OWNER, *roles)
    for act in (switches.another().stop(caller, "x"), switches.another().start(caller)):
        with pytest.raises(Refused) as refused:
            await act
        assert refused.value.reason is Reason.NOT_ADMIN
    assert not (await switches.another().show()).is_on


async def test_every_instance_follows_within_seconds(switches: Switches) -> None:
    one, other = switches.another(), switches.another()
    assert not await other.parks(INVITE)

    await one.stop(OPERATOR, "Nobody here sent these")
    assert await one.parks(INVITE)
    switches.world.clock.advance(REMEMBERED)

    assert timedelta(seconds=5) >= REMEMBERED
    assert await other.parks(INVITE)
    shown = await other.show()
    assert (shown.is_on, shown.at, shown.by, shown.reason) == (True, NOW, OWNER, "Nobody here sent these")


async def test_messages_that_come_together_ask_once(switches: Switches, monkeypatch: pytest.MonkeyPatch) -> None:
    one, read, times = switches.another(), switches.world.store.read_stop, 0

    async def slowly() -> Versioned[Stop]:
        nonlocal times
        times += 1
        await asyncio.sleep(0.01)
        return await read()

    monkeypatch.setattr(switches.world.store, "read_stop", slowly)

    assert await asyncio.gather(*(one.parks(INVITE) for _ in range(16))) == [False] * 16

    assert times == 1


def test_only_what_neither_sends_nor_changes_goes_on() -> None:
    assert {route.command for route in MESSAGES.routes if route.while_stopped} == {RoundTrip, RunAudit}


async def test_stopping_and_starting_are_written_down_once_each_with_who_and_why(switches: Switches) -> None:
    one = switches.another()
    await one.stop(OPERATOR, "Odd invitations")
    switches.world.clock.advance(timedelta(minutes=5))
    again = await one.stop(a_caller(STRANGER, "Operator"), "Another reason")
    await one.start(OPERATOR)
    await one.start(OPERATOR)

    assert (again.by, again.at, again.reason) == (OWNER, NOW, "Odd invitations")
    entries = list({entry.key: entry for entry in switches.change_log.entries}.values())
    assert [(e.what, e.who, e.at) for e in entries] == [
        ("stop", f"Olivia Owner ({OWNER})", NOW),
        ("start", f"Olivia Owner ({OWNER})", NOW + timedelta(minutes=5)),
    ]
    assert "Odd invitations" in entries[0].after


async def test_a_stop_that_somebody_else_wrote_at_the_same_moment_stands(switches: Switches) -> None:
    one, other = switches.another(), switches.another()
    await other.stop(a_caller(STRANGER, "Operator"), "First")
    found = await one.stop(OPERATOR, "Second")
    assert (found.by, found.reason) == (STRANGER, "First")


async def test_what_was_parked_goes_on_at_the_start_and_else_with_the_next_sweep(switches: Switches) -> None:
    world, one = switches.world, switches.another()
    await one.stop(OPERATOR, None)
    await world.outbox.park(INVITE)
    assert await one.sweep() == 0
    assert world.outbox.sent == []

    world.outbox.fails = True
    assert not (await one.start(OPERATOR)).is_on
    world.outbox.fails = False

    assert await one.sweep() == 1
    assert [command for command, _ in world.outbox.sent] == [INVITE]
    assert world.outbox.parked == []


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, switches: Switches) -> SimpleNamespace:
    """What a delivery needs of the app; notes in `ran` what its steps were given."""

    @asynccontextmanager
    async def in_hand(handler: str, message: str) -> AsyncIterator[None]:
        yield

    async def run(command: Command) -> Outcome:
        made.ran.append(command)
        return Outcome()

    audits = SimpleNamespace(run=run)
    made = SimpleNamespace(
        stop=switches.another(),
        outbox=switches.world.outbox,
        in_hand=in_hand,
        invite_chunk=run,
        audits=audits,
        ran=[],
    )

    async def found() -> Any:
        return made

    monkeypatch.setattr(wiring, "app", found)
    return made


async def deliver(command: Command) -> None:
    await work(MESSAGES.route_of(command), "function", MESSAGES.encode(command, None))


async def test_a_message_is_parked_as_it_is_while_all_is_stopped(app: SimpleNamespace) -> None:
    await app.stop.stop(OPERATOR, None)
    await deliver(INVITE)
    await deliver(INVITE)
    assert (app.ran, app.outbox.parked) == ([], [INVITE])

    audit = RunAudit(AuditId("a" * 22), "begin")
    await deliver(audit)
    assert app.ran == [audit]

    await app.stop.start(OPERATOR)
    assert app.outbox.sent == [(INVITE, None)]
    await deliver(INVITE)
    assert app.ran == [audit, INVITE]


async def test_a_message_stays_on_its_queue_where_nobody_can_tell_whether_all_is_stopped(
    app: SimpleNamespace, switches: Switches
) -> None:
    switches.world.store.fail_next.append("read_stop")
    with pytest.raises(StorageBusy):
        await deliver(INVITE)
    assert (app.ran, app.outbox.parked) == ([], [])
