"""The readiness check: what it says, how long it takes, how often it looks; and what proves timer and queues."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from shared.core.clock import Timing
from shared.core.errors import DirectoryBusy, StorageBusy
from shared.core.features import ALL, PERMISSIONS, Feature, Features, choose, needed_by
from shared.diagnostics.model import Beat, Chain, Readiness, SetupWorker, Status
from shared.diagnostics.readiness import KEPT, CheckReadiness, WatchChain
from shared.diagnostics.schemas import ready
from shared.graph.app_directory import GraphAppDirectory
from shared.messages.commands import RoundTrip
from tests.builders import NOW
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox

EVERY = frozenset(p.name for p in PERMISSIONS)
TIMEOUT = timedelta(minutes=12)


class Outside:
    """Storage and the identity, as a test wants them to be."""

    def __init__(self, *held: str) -> None:
        self.held = frozenset(held or EVERY)
        self.storage: Exception | None = None
        self.token: Exception | None = None
        self.waits = False
        self.asked = 0
        self.chain = Chain(NOW, NOW)
        self.whole_sweep: datetime | None = None

    async def note_sweep(self, at: datetime) -> None:
        self.chain = replace(self.chain, swept_at=at)

    async def read_whole_sweep(self) -> datetime | None:
        return self.whole_sweep

    async def note_whole_sweep(self, begun: datetime) -> None:
        self.whole_sweep = begun

    async def note_setup_worker(self, at: datetime, holds: frozenset[str]) -> None:
        self.chain = replace(self.chain, setup=SetupWorker(at, holds))

    async def note_return(self, sent_at: datetime, arrived_at: datetime) -> None:
        self.chain = replace(self.chain, returned=sent_at)

    async def read(self) -> Chain:
        self.asked += 1
        if self.waits:
            await asyncio.Event().wait()
        if self.storage is not None:
            raise self.storage
        return self.chain

    async def permissions(self) -> frozenset[str]:
        if self.token is not None:
            raise self.token
        return self.held


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


type Check = Callable[..., CheckReadiness]


def chain(
    outside: Outside, clock: FakeClock, outbox: FakeOutbox | None = None, timing: Timing | None = None
) -> WatchChain:
    return WatchChain(outside, outbox or FakeOutbox(), cast(GraphAppDirectory, outside), clock, timing or Timing())


@pytest.fixture
def check(clock: FakeClock) -> Check:
    def made(outside: Outside, features: Features = ALL, patience_s: float = 5) -> CheckReadiness:
        return CheckReadiness(outside, cast(GraphAppDirectory, outside), clock, features, TIMEOUT, patience_s)

    return made


async def test_where_everything_is_there_it_is_ready(check: Check) -> None:
    found = await check(Outside())()

    assert found.status is Status.READY
    assert {f.status for f in ready(found, ALL).features} == {"ready"}


@pytest.mark.parametrize(("hours", "lacks"), [(None, True), (0.5, False), (1.5, True)])
async def test_what_setup_s_own_worker_holds_counts_while_it_is_fresh(
    clock: FakeClock, hours: float | None, lacks: bool
) -> None:
    outside = Outside()
    if hours is not None:
        held = frozenset(p.name for p in PERMISSIONS)
        await outside.note_setup_worker(clock.now() - timedelta(hours=hours), held)
    directory = cast(GraphAppDirectory, outside)

    found = await CheckReadiness(outside, directory, clock, ALL, TIMEOUT, has_setup_worker=True)()

    assert found.missing is not None
    assert bool(found.missing[Feature.SETUP]) == lacks
    assert not found.missing[Feature.INVITING]


@pytest.mark.parametrize("missing", PERMISSIONS, ids=lambda p: p.name)
async def test_each_missing_permission_is_said_of_its_features_and_stops_only_inviting(
    check: Check, missing: object
) -> None:
    [permission] = [p for p in PERMISSIONS if p is missing]
    found = await check(Outside(*(EVERY - {permission.name, *permission.instead})))()

    needs_it = Feature.INVITING in permission.purposes
    said = {f.feature: {p.permission: p.purpose for p in f.missing} for f in ready(found, ALL).features}
    assert {f for f, lacks in said.items() if permission.name in lacks} == set(permission.purposes)
    assert all(said[f][permission.name] == purpose for f, purpose in permission.purposes.items())
    higher_too = any(p.name in permission.instead and Feature.INVITING in p.purposes for p in PERMISSIONS)
    assert found.status is (Status.NOT_READY if needs_it or higher_too else Status.DEGRADED)


async def test_what_is_off_lacks_nothing_and_is_said_to_be_off(check: Check) -> None:
    features, _ = choose([], mailbox=False)
    outside = Outside(*(p.name for p in needed_by(Feature.INVITING)))

    found = await check(outside, features)()

    assert found.status is Status.READY
    said = {f.feature: f.status for f in ready(found, features).features}
    assert said == {f: "ready" if f is Feature.INVITING else "off" for f in Feature}


async def test_without_storage_nothing_works_and_no_insides_are_told(check: Check) -> None:
    outside = Outside()
    outside.storage = StorageBusy("account guestlist7 refused (AuthorizationFailure)")

    found = await check(outside)()

    assert found.status is Status.NOT_READY
    said = ready(found, ALL)
    assert (said.storage.status, said.token.status) == ("failed", "ok")
    assert "guestlist7" not in str(said)


async def test_without_a_token_nothing_is_known_of_permissions(check: Check) -> None:
    outside = Outside()
    outside.token = DirectoryBusy("no token")

    found = await check(outside)()

    assert found.status is Status.NOT_READY
    assert {f.status for f in ready(found, ALL).features} == {"unknown"}


async def test_what_does_not_answer_is_not_waited_for(check: Check) -> None:
    outside = Outside()
    outside.waits = True

    found = await check(outside, patience_s=0.01)()

    assert found.status is Status.NOT_READY
    assert "no answer within" in (found.storage or "")


async def test_who_keeps_asking_costs_one_look_in_a_while(check: Check, clock: FakeClock) -> None:
    outside = Outside()
    asked = check(outside)

    await asyncio.gather(*(asked() for _ in range(20)))
    clock.advance(KEPT - timedelta(seconds=1))
    await asked()
    assert outside.asked == 1

    clock.advance(timedelta(seconds=1))
    await asked()
    assert outside.asked == 2


async def test_a_process_says_what_each_feature_lacks(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    features, _ = choose(["sign-ins", "audits"], mailbox=False)
    held = ("User.Read.All", "GroupMember.Read.All", "Application.Read.All", "User.Invite.All")
    with caplog.at_level(logging.INFO, "guestlist"):
        await check(Outside(*held), features).report()

    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warned == [
        "feature 'inviting' lacks GroupMember.ReadWrite.All (else it cannot add guests to the group, and take them "
        "out)",
        "feature 'sign-ins' lacks AuditLog.Read.All (else it cannot show, and judge, when a guest last signed in (it "
        "takes a P1 licence as well))",
    ]


async def test_a_process_where_all_is_there_warns_of_nothing(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "guestlist"):
        await check(Outside()).report()

    [said] = caplog.records
    assert said.levelno == logging.INFO
    assert "audits" in said.getMessage()


async def test_a_process_is_not_stopped_by_what_nobody_foresaw(
    check: Check, caplog: pytest.LogCaptureFixture
) -> None:
    outside = Outside()
    outside.storage = ZeroDivisionError()

    await check(outside).report()

    assert "could not be looked at" in caplog.text


async def test_a_process_says_it_once(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    say = check(Outside()).report
    with caplog.at_level(logging.INFO, "guestlist"):
        await say()
        await say()

    assert len(caplog.records) == 1


# Timer and queues


@pytest.mark.parametrize(
    ("swept", "returned", "sweep", "round_trip"),
    [
        (0, 0, Beat.OK, Beat.OK),
        (12, 12, Beat.OK, Beat.OK),
        (13, 13, Beat.LATE, Beat.LATE),
        (0, 13, Beat.OK, Beat.LATE),
        (13, 5, Beat.LATE, Beat.OK),
        (None, None, Beat.STARTING, Beat.STARTING),
        (0, None, Beat.OK, Beat.STARTING),
        (-1, -1, Beat.OK, Beat.OK),
    ],
    ids=str,
)
async def test_without_a_sweep_and_a_round_trip_of_late_it_is_not_ready(
    check: Check, clock: FakeClock, swept: int | None, returned: int | None, sweep: Beat, round_trip: Beat
) -> None:
    """Minutes ago; a clock of another instance may be a minute ahead."""
    outside = Outside()
    outside.chain = Chain(_ago(swept), _ago(returned))

    found = await check(outside)()

    said = ready(found, ALL)
    assert (said.sweep.status, said.round_trip.status) == (sweep, round_trip)
    assert said.sweep.age_seconds == (None if swept is None else max(0, swept * 60))
    assert (said.sweep.detail is None, said.round_trip.detail is None) == (sweep is Beat.OK, round_trip is Beat.OK)
    fine = sweep is round_trip is Beat.OK
    assert said.status is (Status.READY if fine else Status.NOT_READY)


def _ago(minutes: int | None) -> datetime | None:
    return None if minutes is None else NOW - timedelta(minutes=minutes)


async def test_a_fresh_installation_says_that_it_is_starting(check: Check) -> None:
    outside = Outside()
    outside.chain = Chain()

    said = ready(await check(outside)(), ALL)

    assert said.status is Status.NOT_READY
    assert "the first comes with GUESTLIST_SWEEP_SCHEDULE" in (said.sweep.detail or "")


async def test_without_storage_nothing_is_known_of_timer_and_queues(check: Check) -> None:
    outside = Outside()
    outside.storage = StorageBusy("down")

    said = ready(await check(outside)(), ALL)

    assert (said.sweep.status, said.round_trip.status) == (Beat.UNKNOWN, Beat.UNKNOWN)


async def test_each_sweep_sends_a_message_and_its_return_counts_from_when_it_was_sent(clock: FakeClock) -> None:
    outside, outbox = Outside(), FakeOutbox()
    outside.chain = Chain()
    await chain(outside, clock, outbox).start_round_trip()
    [(sent, not_before)] = outbox.sent
    assert (sent, not_before) == (RoundTrip(NOW), None)
    assert outside.chain == Chain(swept_at=NOW)

    clock.advance(timedelta(minutes=20))
    assert isinstance(sent, RoundTrip)
    await chain(outside, clock).end_round_trip(sent)

    # It came back, and took 20 minutes: that is a queue that has stalled.
    assert outside.chain.returned == NOW
    late = Readiness(clock.now(), None, None, {}, outside.chain, TIMEOUT)
    assert late.round_trip is Beat.LATE


async def test_a_sweep_whose_message_cannot_be_sent_has_come_all_the_same(clock: FakeClock) -> None:
    outside = Outside()
    outside.chain = Chain()

    with pytest.raises(StorageBusy):
        await chain(outside, clock, FakeOutbox(fails=True)).start_round_trip()

    assert outside.chain == Chain(swept_at=NOW)


# How often everything is looked at


async def test_one_sweep_in_five_looks_at_everything_though_timers_are_not_exact(clock: FakeClock) -> None:
    sweeps, whole = chain(Outside(), clock), []
    for minute in range(11):
        # The odd ones come late, as where their process had to be started.
        late = timedelta(seconds=20 * (minute % 2))
        clock.time = NOW + timedelta(minutes=minute) + late
        if (begun := await sweeps.due()) is not None:
            await sweeps.note(begun)
            whole.append(minute)

    assert whole == [0, 5, 10]


async def test_a_whole_sweep_that_did_not_come_to_its_end_is_due_at_the_next(clock: FakeClock) -> None:
    sweeps = chain(Outside(), clock)
    assert await sweeps.due() is not None

    clock.time += timedelta(minutes=1)
    assert await sweeps.due() == clock.now()


async def test_where_less_may_stand_still_everything_is_looked_at_sooner(clock: FakeClock) -> None:
    sweeps = chain(Outside(), clock, timing=Timing(stall_timeout=timedelta(minutes=3)))
    await sweeps.note(clock.now())

    clock.time += timedelta(minutes=1)
    assert await sweeps.due() is not None
