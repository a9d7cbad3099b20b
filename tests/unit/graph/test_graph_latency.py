"""What the time that the directory takes says of its load."""

from shared.graph.response import Latency


def noted(*seconds: float) -> Latency:
    latency = Latency()
    for each in seconds:
        latency.note(each)
    return latency


def test_a_directory_that_is_as_slow_as_ever_is_not_pressed() -> None:
    assert not Latency().is_much_higher
    assert not noted(*[1.2] * 50).is_much_higher


def test_one_slow_answer_says_nothing_and_many_do() -> None:
    assert not noted(*[0.11] * 20, 1.0).is_much_higher
    assert noted(*[0.11] * 20, *[1.0] * 5).is_much_higher


def test_it_is_over_when_the_directory_is_fast_again() -> None:
    assert not noted(*[0.11] * 20, *[1.0] * 5, *[0.11] * 5).is_much_higher


def test_fast_answers_that_grow_within_little_are_no_matter() -> None:
    assert not noted(*[0.01] * 20, *[0.2] * 20).is_much_higher
