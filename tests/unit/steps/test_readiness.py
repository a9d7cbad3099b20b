"""The readiness check: what it says, how long it takes, and how often it looks."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest

from shared.api.answers_of_readiness import ready
from shared.domain.errors import DirectoryBusy, StorageBusy
from shared.domain.features import ALL, Feature, Features, choose
from shared.domain.permissions import PERMISSIONS, needed_by
from shared.domain.readiness import Status
from shared.ports.app_directory import AppDirectory
from shared.steps.readiness import KEPT, CheckReadiness, say_readiness
from tests.fakes.clock import FakeClock

EVERY = frozenset(p.name for p in PERMISSIONS)


class Outside:
    """Storage and the identity, as a test wants them to be."""

    def __init__(self, *held: str) -> None:
        self.held = frozenset(held or EVERY)
        self.storage: Exception | None = None
        self.token: Exception | None = None
        self.waits = False
        self.asked = 0

    async def feel(self) -> None:
        self.asked += 1
        if self.waits:
            await asyncio.Event().wait()
        if self.storage is not None:
            raise self.storage

    async def permissions(self) -> frozenset[str]:
        if self.token is not None:
            raise self.token
        return self.held


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


type Check = Callable[..., CheckReadiness]


@pytest.fixture
def check(clock: FakeClock) -> Check:
    def made(outside: Outside, features: Features = ALL, patience_s: float = 5) -> CheckReadiness:
        return CheckReadiness(outside, cast(AppDirectory, outside), clock, features, patience_s)

    return made


async def test_where_everything_is_there_it_is_ready(check: Check) -> None:
    found = await check(Outside())()

    assert found.status is Status.READY
    assert {f.status for f in ready(found, ALL).features} == {"ready"}


@pytest.mark.parametrize("missing", PERMISSIONS, ids=lambda p: p.name)
async def test_each_missing_permission_is_said_of_its_features_and_stops_only_inviting(
    check: Check, missing: object
) -> None:
    [permission] = [p for p in PERMISSIONS if p is missing]
    found = await check(Outside(*(EVERY - {permission.name, *permission.instead})))()

    needs_it = Feature.INVITING in permission.purposes
    said = {f.feature: {p.permission: p.purpose for p in f.lacks} for f in ready(found, ALL).features}
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


async def test_a_start_says_what_each_feature_lacks(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    features, _ = choose(["sign-ins", "audits"], mailbox=False)
    with caplog.at_level(logging.INFO, "guestlist"):
        await say_readiness(check(Outside("Directory.Read.All", "User.Invite.All"), features))

    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warned == [
        "feature 'inviting' lacks GroupMember.ReadWrite.All (else it cannot add guests to the group, and take them "
        "out)",
        "feature 'sign-ins' lacks AuditLog.Read.All (else it cannot show, and judge, when a guest last signed in (it "
        "takes a P1 licence as well))",
    ]


async def test_a_start_where_all_is_there_warns_of_nothing(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "guestlist"):
        await say_readiness(check(Outside()))

    [said] = caplog.records
    assert said.levelno == logging.INFO
    assert "audits" in said.getMessage()


async def test_a_start_is_not_stopped_by_what_nobody_foresaw(check: Check, caplog: pytest.LogCaptureFixture) -> None:
    outside = Outside()
    outside.storage = ZeroDivisionError()

    await say_readiness(check(outside))

    assert "could not be looked at" in caplog.text
