"""Paces: how many per time a lane may take. A reservation clock (GCRA): one time stamp says all.

No compute waits: work that comes too early is told its time and sleeps in the queue.

When Microsoft's anomaly detection stops a tenant's invitations, the breaker parks all work, and one invitation at a
slow interval finds out when it is over. Source: graph contract "Invitations": 403 ``Forbidden`` "Invitations are
blocked for this directory due to suspicious activity"; it does not lift by itself within minutes (reported).
"""

from dataclasses import dataclass, replace
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

    per_inviter: DayLimit = DayLimit(1000, 1000)
    per_group: DayLimit = DayLimit(3000, 3000)
    per_tenant: DayLimit = DayLimit(6000, 6000)

    def of(self, inviter: UserId, group: GroupId) -> dict[str, DayLimit]:
        """All that a guest counts for, by whose day it is."""
        return {inviter_key(inviter): self.per_inviter, group_key(group): self.per_group, TENANT_KEY: self.per_tenant}


TENANT_KEY = "tenant"


def inviter_key(inviter: UserId) -> str:
    """Whose day it is: a person's, or an app's."""
    return f"inviter-{inviter}"


def dry_runs_key(caller: UserId) -> str:
    """Addresses that somebody had looked up in dry runs."""
    return f"dry-runs-{caller}"


def group_key(group: GroupId) -> str:
    return f"group-{group}"


def next_day(now: datetime) -> datetime:
    """When the next day begins."""
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed while `open_since` is None. Open: nothing is invited, but for one probe from `probe_at` on."""

    open_since: datetime | None = None
    probe_at: datetime | None = None
    detail: str | None = None

    @property
    def is_open(self) -> bool:
        return self.open_since is not None


def trip(breaker: Breaker, detail: str, now: datetime, interval: timedelta) -> Breaker:
    """The tenant is blocked (still, if it was): wait `interval` before the next probe."""
    return Breaker(open_since=breaker.open_since or now, probe_at=now + interval, detail=detail)


def take_probe(breaker: Breaker, now: datetime, interval: timedelta) -> Breaker | None:
    """The breaker with its probe taken by the caller, or None where it is not time (or nothing to probe).

    Whoever writes the returned breaker first has the probe; the next is due an interval later, whether or
    not this one lives to tell.
    """
    if breaker.probe_at is None or breaker.probe_at > now:
        return None
    return replace(breaker, probe_at=now + interval)
