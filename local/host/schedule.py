"""Timer schedules: NCRONTAB with or without seconds. (Time spans need an App Service plan.)

cronsim finds the next time. What differs between its dialect (Debian cron) and NCRONTAB is settled here:
day of month *and* day of week must match where both are given, Sunday is 0 and never 7, whole English
names are allowed, `L`, `W`, `#` and `?` are not.

Source: NCrontab (atifaziz/NCrontab), which the real host reads schedules with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cronsim import CronSim, CronSimError

from local.host.errors import StartError

_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER"),
    *("OCTOBER", "NOVEMBER", "DECEMBER"),
)
_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_FIELD = re.compile(r"[0-9A-Za-z*,/-]+")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer runs. Times are UTC."""

    text: str
    """As written in the app, for people."""
    cron: str
    """Six fields in cronsim's words."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a schedule. Raises StartError: the real host would refuse it as well; with its words, and why."""
        try:
            schedule = cls(text, _translate(text))
            schedule.after(datetime(2000, 1, 1, tzinfo=UTC))
        except (StartError, CronSimError) as error:
            raise StartError(
                f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string. "
                f"{error}"
            ) from error
        return schedule

    def after(self, moment: datetime) -> datetime:
        """The first time of the schedule that is later than `moment`. Raises StartError: there is none within fifty
        years, such as for 30 February."""
        cron = CronSim(self.cron, moment.astimezone(UTC))
        cron.day_and = True
        try:
            return next(cron)
        except StopIteration:
            raise StartError(f"The schedule '{self.text}' never comes due.") from None

    def is_frequent(self, now: datetime) -> bool:
        """Whether it comes due more often than once a minute: the host then keeps no status of the timer.

        Source: `TimerSchedule.ShouldDisableScheduleMonitor` of the timers' extension.
        """
        if self.cron.split()[1:] != ["*"] * 5:
            return False
        return self.after(self.after(now)) < now + timedelta(minutes=1)


def _translate(text: str) -> str:
    fields = text.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6 or not all(_FIELD.fullmatch(one) for one in fields):
        raise StartError("five or six fields of NCRONTAB are expected.")
    fields[4] = _names(fields[4], _MONTHS)
    fields[5] = _names(fields[5], _DAYS)
    if re.search(r"(?<![\d/])7(?!\d)", fields[5]):
        raise StartError("days of the week go from 0 (Sunday) to 6.")
    if any(letter.isalpha() for one in fields[:4] for letter in one):
        raise StartError("names are for months and days of the week only.")
    return " ".join(fields)


def _names(field: str, known: tuple[str, ...]) -> str:
    def short(match: re.Match[str]) -> str:
        name = match[0].upper()
        if len(name) < 3 or not any(full.startswith(name) for full in known):
            raise StartError(f"'{match[0]}' is not a name it knows.")
        return name[:3]

    return re.sub(r"[A-Za-z]+", short, field)
