"""A GET that was refused is not asked again before its Retry-After, by whoever wants to know the same."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from shared.graph.response import Answers, Response


def noted(**headers: str) -> Answers:
    answers = Answers(lambda: datetime.now(UTC))
    answers.note("/groups/1", Response(429, {k.replace("_", "-"): v for k, v in headers.items()}))
    return answers


def test_the_same_question_gets_the_same_answer_with_what_is_left_to_wait() -> None:
    found = noted(retry_after="30").of("/groups/1")

    assert found is not None
    assert found.status == 429
    assert timedelta(seconds=28) <= (found.retry_after() or timedelta()) <= timedelta(seconds=30)


def test_another_question_is_asked() -> None:
    assert noted(retry_after="30").of("/groups/2") is None


def test_a_time_that_is_over_or_was_not_said_holds_nobody() -> None:
    assert noted(retry_after="0").of("/groups/1") is None
    assert noted().of("/groups/1") is None
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    assert noted(retry_after=past).of("/groups/1") is None


def test_while_some_are_refused_good_answers_count_for_ten_seconds_for_those_who_need_several() -> None:
    now = datetime.now(UTC)
    answers, good = Answers(lambda: now), Response(200, {}, {"id": "2"})
    answers.note("/groups/2", good, keep=True)
    assert answers.of("/groups/2", keep=True) is None, "nothing is refused"

    answers.note("/groups/1", Response(429, {"retry-after": "3"}))
    answers.note("/groups/2", good, keep=True)
    answers.note("/groups/3", good)
    answers.note("/groups/4", Response(404, {}), keep=True)

    assert answers.of("/groups/2", keep=True) == good
    assert [answers.of(path, keep=keep) for path, keep in (("/groups/2", False), ("/groups/3", True))] == [None] * 2
    assert answers.of("/groups/4", keep=True) is None
    now += timedelta(seconds=10)
    assert answers.of("/groups/2", keep=True) is None
    answers.note("/groups/2", good, keep=True)
    now += timedelta(seconds=4)
    answers.note("/groups/5", good, keep=True)
    assert answers.of("/groups/5", keep=True) is None, "the directory refused nothing for long"
