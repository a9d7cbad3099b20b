"""The pace of imports: its rules one by one, and the whole in a simulated world of quotas, delays and other apps."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.pace.world import Result, Setting, Weather, World
from shared.pace.import_pace import (
    PUBLISHED_PER_S,
    ImportPace,
    Limits,
    Refusal,
    current,
    due,
    refused,
    room,
    steady,
    take,
)
from shared.pace.pacing import Pace
from tests.builders import NOW

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LIMITS = Limits(Pace(600, MINUTE, burst=100), Pace(6000, MINUTE, burst=1000))
"""Ten guests a second."""
QUOTA_PER_S = 20 / 1.05
"""Guests that the simulated directory takes in a second, once its bucket of 3,000 writes is empty."""


def busy(state: ImportPace) -> ImportPace:
    """A line whose burst is used up, with much behind it."""
    _, state = take(state, [1000], "import")
    return state


def a_refusal(position: float, **changes: object) -> Refusal:
    made = Refusal(position, units=20, let_through=0, scattered=False, asked_at=NOW, retry_after=30 * SECOND)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_positions_follow_one_another_at_the_rate_once_the_burst_is_spent() -> None:
    positions, state = take(current(None, LIMITS, NOW), [20] * 7, "import")

    starts = [due(state, LIMITS, position, NOW) - NOW for position in positions]

    assert starts == [0 * SECOND] * 5 + [2 * SECOND, 4 * SECOND]


def test_reads_bound_how_fast_a_burst_goes() -> None:
    few_reads = Limits(Pace(600, MINUTE, burst=100), Pace(600, MINUTE, burst=20))
    positions, state = take(current(None, few_reads, NOW), [20, 20, 20], "import")

    assert [due(state, few_reads, p, NOW) - NOW for p in positions] == [0 * SECOND, 2 * SECOND, 4 * SECOND]


def test_a_rest_fills_the_burst_and_no_more() -> None:
    state = busy(current(None, LIMITS, NOW))

    rested = current(state, LIMITS, NOW + timedelta(hours=5))

    assert rested.served == rested.line + 100
    assert rested.ends == {}


def test_nobody_goes_before_retry_after_and_who_was_refused_goes_first() -> None:
    state = busy(current(None, LIMITS, NOW))

    position, after = refused(state, LIMITS, a_refusal(100), NOW)

    assert due(after, LIMITS, position, NOW) >= NOW + 30 * SECOND
    assert due(after, LIMITS, 120, NOW) > due(after, LIMITS, position, NOW)
    assert after.held_until(NOW) == NOW + 30 * SECOND
    assert after.held_until(NOW + 30 * SECOND) is None


def test_batches_that_meet_the_same_empty_bucket_are_one_refusal_and_the_longest_wait_counts() -> None:
    _, first = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100), NOW)

    _, again = refused(first, LIMITS, a_refusal(120, retry_after=40 * SECOND), NOW + SECOND)

    assert again.found == first.found
    assert again.held_until(NOW) == NOW + 41 * SECOND


def test_two_refusals_measure_the_rate() -> None:
    _, state = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100, retry_after=SECOND), NOW)
    later = NOW + 100 * SECOND

    _, after = refused(
        current(state, LIMITS, later), LIMITS, a_refusal(600, asked_at=later, retry_after=SECOND), later
    )

    assert after.found == pytest.approx(0.97 * 500 / 100)


def test_a_directory_that_refuses_everything_is_asked_more_and_more_seldom_and_not_for_long() -> None:
    _, state = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100, retry_after=SECOND), NOW)
    rate, waits, at = state.found, list[float](), NOW
    for _ in range(8):
        at = due(state, LIMITS, 100, state.at)
        refusal = a_refusal(100, asked_at=at, retry_after=SECOND)
        _, state = refused(current(state, LIMITS, at), LIMITS, refusal, at)
        waits.append((state.at - at).total_seconds())

    assert state.found == rate, "nothing was let through, so nothing was measured"
    assert waits == [2, 4, 8, 16, 16, 16, 16, 16]


@pytest.mark.parametrize("change", [{"scattered": True}, {"units": 2}])
def test_refusals_that_tell_nothing_of_a_bucket_hold_the_line_and_change_no_rate(change: dict[str, object]) -> None:
    state = busy(current(None, LIMITS, NOW))

    position, after = refused(state, LIMITS, a_refusal(100, **change), NOW)

    assert (position, after) == (100, replace(state, at=NOW + 30 * SECOND))


def test_without_a_retry_after_there_is_a_wait_all_the_same() -> None:
    _, after = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100, retry_after=None), NOW)

    assert after.held_until(NOW) == NOW + 5 * SECOND


def test_the_rate_stays_after_a_refusal_and_then_grows_to_the_setting() -> None:
    _, state = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100, retry_after=SECOND), NOW)

    rates = [state.rate(LIMITS, NOW + SECOND + n * MINUTE) for n in (0, 1, 2, 3)]

    assert rates == pytest.approx([9, 9, 10, 10])
    assert current(state, LIMITS, NOW + timedelta(hours=1)).rate(LIMITS, NOW + timedelta(hours=1)) == 10


@given(st.floats(0.5, 50), st.floats(0, 300), st.floats(0.01, 300))
def test_what_passes_in_a_time_is_what_passes_in_its_parts(found: float, start: float, length: float) -> None:
    state = ImportPace(NOW, line=1e9, found=found, cut_at=NOW - timedelta(seconds=start))
    end, middle = NOW + timedelta(seconds=length), NOW + timedelta(seconds=length / 3)

    at_once = current(state, LIMITS, end)
    in_parts = current(current(state, LIMITS, middle), LIMITS, end)

    assert at_once.served == pytest.approx(in_parts.served, rel=1e-6, abs=1e-4)
    mean = at_once.served / length
    low, high = sorted((state.rate(LIMITS, NOW), state.rate(LIMITS, end)))
    assert low - 0.01 <= mean <= high + 0.01


def test_while_the_directory_slows_down_the_rate_does_not_grow() -> None:
    _, state = refused(busy(current(None, LIMITS, NOW)), LIMITS, a_refusal(100, retry_after=SECOND), NOW)
    later = NOW + 70 * SECOND
    before = state.rate(LIMITS, later)

    first = steady(current(state, LIMITS, later), LIMITS, later)

    assert first.rate(LIMITS, later + 59 * SECOND) == pytest.approx(before)
    assert steady(first, LIMITS, later + SECOND) == first
    assert steady(first, LIMITS, later + 11 * SECOND).cut_at == later + 11 * SECOND


def test_imports_wait_for_what_people_take() -> None:
    state = busy(current(None, LIMITS, NOW))

    first = current(state, LIMITS, NOW, people=30)

    assert first.served == state.served - 30
    assert current(first, LIMITS, NOW, people=30) == first
    rested = current(state, LIMITS, NOW + timedelta(hours=5), people=30)
    assert rested.served == rested.line + 100, "a rest makes up for it"
    assert current(None, LIMITS, NOW, people=5000).served == 100, "what was taken before does not count"


def test_imports_share_what_there_is() -> None:
    state = current(None, LIMITS, NOW)
    _, state = take(state, [100], "one")
    alone, _ = room(current(None, LIMITS, NOW), LIMITS, "one", 30 * SECOND)
    _, state = take(state, [300], "one")

    shared, _ = room(state, LIMITS, "other", 30 * SECOND)
    nothing, until = room(state, LIMITS, "one", 30 * SECOND)

    assert (alone, shared, nothing) == (400, 150, 0)
    assert until == NOW + 15 * SECOND


def of_quota(result: Result, guests: int, per_s: float = 20.0, since: float = 0.0) -> float:
    """Share of what the quota allowed: a full bucket of writes first, then what flows into it."""
    least = max(0.0, guests * 1.05 - 3000) / per_s
    return least / (result.ended - since)


def test_the_quota_is_used_without_a_refusal_and_people_hardly_notice() -> None:
    result = World(Setting(people_every_s=7), Weather()).run()

    taken_by_people = 2 * len(result.people) / 1.05
    assert of_quota(result, 10_000 + round(taken_by_people)) >= 0.97
    assert result.share_refused() == 0
    assert max(result.people) < 3


def test_a_third_that_another_app_takes_is_found_and_left_to_it() -> None:
    result = World(Setting(), Weather(others=lambda _: 20 / 3)).run()

    assert of_quota(result, 10_000, per_s=40 / 3) >= 0.95
    assert result.share_refused() < 0.01


def test_after_a_minute_in_which_everything_is_refused_it_goes_on_at_once() -> None:
    result = World(Setting(), Weather(broken=lambda t: 200 < t < 260)).run()

    assert result.per_second(300, 380) >= 0.9 * QUOTA_PER_S
    assert result.share_refused(262) == 0


def test_a_quota_that_halves_and_returns_is_followed() -> None:
    weather = Weather(quota=lambda t: 10 if 300 < t < 600 else 20)
    result = World(Setting(guests=(20_000,)), weather).run()

    assert result.per_second(400, 600) >= 0.9 * QUOTA_PER_S / 2
    assert result.per_second(720, 900) >= 0.9 * QUOTA_PER_S
    assert result.share_refused() < 0.01


def test_limits_far_above_the_quota_find_it() -> None:
    high = Limits(Pace(6000, MINUTE, 3000), Pace(8000, MINUTE, 1333))
    result = World(Setting(limits=high), Weather()).run()

    assert of_quota(result, 10_000) >= 0.8
    assert result.share_refused() < 0.05


def test_a_third_of_all_calls_refused_at_random_stops_nothing() -> None:
    result = World(Setting(guests=(1000,)), Weather(random_share=1 / 3)).run()

    assert len(result.done) == 1000


def test_two_imports_get_the_same() -> None:
    result = World(Setting(guests=(6000, 6000)), Weather()).run()

    first = sum(1 for t, who in zip(result.done, result.done_of, strict=True) if who == 0 and 150 < t < 350)
    both = sum(1 for t in result.done if 150 < t < 350)
    assert 0.4 < first / both < 0.6


def test_ten_instances_hardly_meet() -> None:
    result = World(Setting(instances=10), Weather()).run()

    assert result.conflicts == 0
    assert (result.reads + result.writes) / 10_000 < 0.1


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    instances=st.integers(1, 10),
    latency=st.floats(0.05, 0.8),
    quota=st.floats(4, 20),
    others=st.floats(0, 0.4),
    broken_at=st.floats(80, 150),
)
# Some thirty chunks came back to join as soon as they might, and used up all that flowed in: for half an hour.
@example(seed=1, instances=1, latency=0.05, quota=4.0, others=0.3610714552360527, broken_at=138.0)
def test_in_any_weather_all_are_done_and_most_of_the_quota_is_used(
    seed: int, instances: int, latency: float, quota: float, others: float, broken_at: float
) -> None:
    weather = Weather(
        quota=lambda _: quota,
        capacity=quota * 150,
        others=lambda _: quota * others,
        broken=lambda t: broken_at < t < broken_at + 30,
        latency_s=latency,
    )
    limits = Limits(Pace(round(quota / 1.05 * 60), MINUTE, round(quota * 137)), Pace(8000, MINUTE, 1333))
    guests = round(quota * 300)

    result = World(Setting((guests,), instances=instances, limits=limits, seed=seed), weather).run()

    assert len(result.done) == guests
    least = max(1.0, guests * 1.05 - quota * 150) / (quota * (1 - others))
    assert result.ended <= 60 + 1.35 * (least + 30)


def test_the_published_limit_is_what_microsoft_says() -> None:
    assert pytest.approx(19.05, abs=0.01) == PUBLISHED_PER_S
