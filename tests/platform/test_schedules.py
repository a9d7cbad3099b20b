"""NCRONTAB, and what a timer's kept status says about runs that were missed (checklist 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from local.host.errors import StartError
from local.host.schedule import Schedule
from local.host.timer_status import NEVER, TimerStatus

FRIDAY = datetime(2026, 11, 20, 10, 30, 15, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("* * * * * *", "2026-11-20T10:30:16"),
        ("*/20 * * * * *", "2026-11-20T10:30:20"),
        ("0 */5 * * * *", "2026-11-20T10:35:00"),
        ("*/5 * * * *", "2026-11-20T10:35:00"),
        ("0 0 * * * *", "2026-11-20T11:00:00"),
        ("0 30 9 * * *", "2026-11-21T09:30:00"),
        ("0 30 9 * * 1-5", "2026-11-23T09:30:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-23T09:30:00"),
        ("0 0 12 * * Sunday", "2026-11-22T12:00:00"),
        ("0 0 12 * * 0", "2026-11-22T12:00:00"),
        ("0 0 0 1 Jan,Jul *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("15,45 10-12/2 10 * * *", "2026-11-21T10:10:15"),
        # Both days given: NCRONTAB wants both, other crons either.
        ("0 0 0 13 * 5", "2027-08-13T00:00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, following: str) -> None:
    assert Schedule.parse(schedule).after(FRIDAY) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "* * * *", "* * * * * * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *"),
        *("* * * * * 7", "* * * L * *", "* * * * * 5#2", "? * * * * *", "* * * * Foo *", "a * * * * *"),
        *("5-1 * * * * *", "*/0 * * * * *", "* * * * * Mo", "0 0 0 30 2 *", "00:10:00"),
    ],
)
def test_a_schedule_ncrontab_does_not_know_is_refused(schedule: str) -> None:
    with pytest.raises(StartError):
        Schedule.parse(schedule)


HOURLY = Schedule.parse("0 0 * * * *")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, tzinfo=UTC)


def test_a_new_timer_waits_for_its_first_time() -> None:
    assert TimerStatus.first(HOURLY, at(10, 30)) == TimerStatus(NEVER, at(11), at(10, 30))


def test_a_status_of_the_same_schedule_stays_as_it_is() -> None:
    ran = TimerStatus(at(9), at(10), at(9))
    never_ran = TimerStatus(NEVER, at(10), at(9, 30))
    assert ran.checked(HOURLY, at(12)) == ran
    assert never_ran.checked(HOURLY, at(12)) == never_ran


def test_a_changed_schedule_counts_from_its_last_run_or_from_now() -> None:
    from_last = TimerStatus(at(9), at(9, 30), at(9)).checked(HOURLY, at(9, 10))
    from_now = TimerStatus(at(7), at(23), at(7)).checked(HOURLY, at(12, 10))
    assert from_last == TimerStatus(NEVER, at(10), at(9))
    assert from_now == TimerStatus(NEVER, at(13), at(12, 10))


def test_a_status_survives_its_blob_and_other_hosts_precision() -> None:
    status = TimerStatus(at(9), at(10), at(9))
    assert TimerStatus.from_json(status.to_json()) == status
    written_in_azure = (
        '{"Last":"2026-11-20T09:00:00.0012345+00:00","Next":"2026-11-20T10:00:00+00:00",'
        '"LastUpdated":"0001-01-01T00:00:00"}'
    )
    read = TimerStatus.from_json(written_in_azure)
    assert abs(read.last - at(9)) < timedelta(milliseconds=2)
    assert read.last_updated == NEVER
    with pytest.raises(ValueError, match="status"):
        TimerStatus.from_json("{}")
