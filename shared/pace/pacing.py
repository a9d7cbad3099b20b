"""Paces: how many per time a lane may take. A reservation clock (GCRA): one time stamp says all.

No compute waits: work that comes too early is told its time and sleeps in the queue.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.core.ids import GroupId, UserId


@dataclass(frozen=True, slots=True)
class Pace:
    """`per` guests in `time`, of which `burst` may go at once after a rest."""

    per: int
    time: timedelta
    burst: int

    @property
    def interval(self) -> timedelta:
        return self.time / self.per

    @property
    def per_second(self) -> float:
        return self.per / self.time.total_seconds()

    def part(self, of: int) -> "Pace":
        """A pace that takes one of `of` parts of this one."""
        return Pace(self.per, self.time * of, max(1, self.burst // of))


def reserve(pace: Pace, free_at: datetime | None, units: int, now: datetime) -> tuple[datetime, datetime]:
    """Take `units` of the lane.

    Args:
        free_at: when everything reserved so far will have been paid for (the theoretical arrival time);
            None for a lane never used.

    Returns:
        The time at which the work may begin, and the new `free_at`.
    """
    if not 1 <= units <= pace.burst:
        raise ValueError(f"between 1 and {pace.burst} units can be reserved at once, not {units}")
    start = max(free_at or now, now)
    free = start + pace.interval * units
    return max(now, free - pace.interval * pace.burst), free


@dataclass(frozen=True, slots=True)
class DayLimit:
    """How many guests may be invited in a day (UTC): `most`, beginning with `first` on the first day and twice as
    many on each further day on which anything was invited (a ramp: a tenant that suddenly invites thousands looks
    suspicious to Microsoft long before any quota)."""

    first: int
    most: int

    def on_day(self, active_days: int) -> int:
        """The limit of a day before which there were so many active ones."""
        return min(self.most, self.first << min(active_days, 40))


@dataclass(frozen=True, slots=True)
class DayTaken:
    """What was taken of `day`, and how many days before it anything was taken."""

    day: date
    taken: int = 0
    active_days: int = 0


def of_today(known: DayTaken | None, now: datetime) -> DayTaken:
    """What is known, carried over to today."""
    today = now.date()
    if known is None:
        return DayTaken(today)
    if known.day == today:
        return known
    return DayTaken(today, 0, known.active_days + (1 if known.taken else 0))


@dataclass(frozen=True, slots=True)
class Budgets:
    """What may be invited in a day: by one person, into one group, in the tenant. Whatever way guests come, they are
    counted together. Group and tenant have more than imports may use up: people who invite by hand still can."""

    of_inviter: DayLimit = DayLimit(1000, 1000)
    of_group: DayLimit = DayLimit(3000, 3000)
    of_tenant: DayLimit = DayLimit(6000, 6000)

    def of(self, inviter: UserId, group: GroupId) -> dict[str, DayLimit]:
        """All that a guest counts for, by whose day it is."""
        return {of_inviter(inviter): self.of_inviter, of_group(group): self.of_group, OF_TENANT: self.of_tenant}


OF_TENANT = "tenant"


def of_inviter(inviter: UserId) -> str:
    """Whose day it is: a person's, or an app's."""
    return f"inviter-{inviter}"


def of_dry_runs(caller: UserId) -> str:
    """Addresses that somebody had looked up in dry runs."""
    return f"dry-runs-{caller}"


def of_group(group: GroupId) -> str:
    return f"group-{group}"


def next_day(now: datetime) -> datetime:
    """When the next day begins."""
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
