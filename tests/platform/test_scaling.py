"""The decisions of the scale controller, without a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from local.host.errors import StartError
from local.host.scaling import HTTP, LEAD, Group, Scaling

SCALING = Scaling(idle_s=30, always_ready=frozenset({"function:first"}), most=4, batch_size=16)


@pytest.mark.parametrize(("length", "instances"), [(0, 0), (1, 1), (16, 1), (17, 2), (64, 4), (1000, 4)])
def test_a_queue_wants_an_instance_for_each_batch_up_to_the_most(length: int, instances: int) -> None:
    assert SCALING.for_length(length) == instances


def test_a_timer_wants_its_instance_a_little_before_it_is_due() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    just_before = LEAD - timedelta(seconds=1)
    assert SCALING.for_timer(now + timedelta(minutes=1), now) == 0
    assert SCALING.for_timer(now + just_before, now) == 1
    assert SCALING.for_timer(now - timedelta(days=1), now) == 1


@pytest.mark.parametrize(
    ("group", "wanted", "idle", "decision"),
    [
        ("function:other", 0, [], (0, [])),
        ("function:other", 2, [0.0], (1, [])),
        ("function:other", 0, [29.9], (0, [])),
        ("function:other", 0, [30.0], (0, [0])),
        ("function:other", 1, [99.0], (0, [])),
        ("function:other", 1, [31.0, 0.0, 99.0], (0, [2, 0])),
        ("function:other", 2, [31.0, 0.0, 99.0], (0, [2])),
        ("function:first", 0, [], (1, [])),
        ("function:first", 0, [99.0], (0, [])),
        ("function:first", 0, [40.0, 99.0], (0, [1])),
    ],
)
def test_what_is_wanted_starts_and_what_was_idle_for_long_stops(
    group: str, wanted: int, idle: list[float], decision: tuple[int, list[int]]
) -> None:
    assert SCALING.decide(group, wanted, idle) == decision


def test_a_group_that_is_always_ready_must_be_there() -> None:
    SCALING.check([Group(HTTP), Group("function:first")])
    with pytest.raises(StartError, match="function:first"):
        SCALING.check([Group(HTTP), Group("first")])
