"""Paces: how many per time a lane may take. A reservation clock (GCRA): one time stamp says all.

No compute waits: work that comes too early is told its time and sleeps in the queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """`per` guests in `time`, of which `burst` may go at once after a rest."""

    per: int
    time: timedelta
    burst: int

    @property
    def interval(self) -> timedelta:
        return self.time / self.per


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


_CUT, _FLOOR = 0.7, 0.05
"""What is left of the rate after a 429, and the share of the setting that it never falls below."""
_RISE = 0.05
"""Share of the setting by which the rate rises in a minute without a 429."""
_LONG_WAIT = timedelta(seconds=5)
_ONE_BREATH = timedelta(seconds=10)
"""Throttled answers that arrive together tell one thing, not twenty."""


@dataclass(frozen=True, slots=True)
class ImportPace:
    """What is known of the pace of imports: the rate that the tenant was found to take, in guests per minute, when
    it was last changed, when all that was handed out will have been paid for, when it was last cut, and
    until when the directory wants nobody to ask at all."""

    per_minute: float
    changed_at: datetime
    free_at: datetime | None = None
    cut_at: datetime | None = None
    held_until: datetime | None = None

    @property
    def interval(self) -> timedelta:
        return timedelta(minutes=1) / self.per_minute


def current(known: ImportPace | None, pace: Pace, now: datetime) -> ImportPace:
    """The rate as it is now: it rises with time up to the setting (additive increase).

    What was handed out is owed in guests, not in time: at a higher rate it is paid for sooner.
    """
    most = pace.per * (timedelta(minutes=1) / pace.time)
    if known is None:
        return ImportPace(most, now)
    minutes = max(0.0, (now - known.changed_at) / timedelta(minutes=1))
    risen = min(most, known.per_minute + most * _RISE * minutes)
    free_at = known.free_at
    if free_at is not None and risen > known.per_minute:
        rising = min(minutes, (most - known.per_minute) / (most * _RISE))
        paid = rising * (known.per_minute + risen) / 2 + (minutes - rising) * most
        owed = (free_at - known.changed_at) / timedelta(minutes=1) * known.per_minute - paid
        free_at = now + timedelta(minutes=owed / risen)
    return ImportPace(risen, now, free_at, known.cut_at, known.held_until)


def throttled(
    known: ImportPace | None, pace: Pace, retry_after: timedelta | None, now: datetime
) -> ImportPace | None:
    """The pace after a 429: a good part slower (multiplicative decrease), and nothing more handed out before
    `retry_after`. None where one was counted a breath ago and says nothing new."""
    before = current(known, pace, now)
    until = now + (retry_after or timedelta())
    is_new = before.cut_at is None or now - before.cut_at > _ONE_BREATH
    # A short wait is the weather of one call; a long one says that the quota is used up, for everybody.
    off = _later_of(before.held_until, until if retry_after is not None and retry_after >= _LONG_WAIT else None)
    says_more = off != before.held_until or before.free_at is None or until > before.free_at
    if not is_new and not says_more:
        return None
    most = pace.per * (timedelta(minutes=1) / pace.time)
    rate = max(most * _FLOOR, before.per_minute * _CUT) if is_new else before.per_minute
    # As far as the burst that would otherwise be let through at once: there is none left.
    held = until + (timedelta(minutes=1) / rate) * pace.burst
    cut_at = now if is_new else before.cut_at
    return ImportPace(rate, now, max(before.free_at or now, held), cut_at, off)


def _later_of(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def reserve_each(
    known: ImportPace, pace: Pace, units: Sequence[int], now: datetime
) -> tuple[list[datetime], ImportPace]:
    """Slots for several chunks one after the other, and the pace with what they took."""
    free = max(known.free_at or now, now)
    starts = []
    for taken in units:
        free += known.interval * taken
        starts.append(max(now, free - known.interval * pace.burst))
    return starts, replace(known, free_at=free)


@dataclass(frozen=True, slots=True)
class DayLimit:
    """How many guests imports may invite in a day: `most`, beginning with `first` on the first day and twice as
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
