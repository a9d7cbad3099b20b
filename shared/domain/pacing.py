"""Paces: how many per time a lane may take. A reservation clock (GCRA): one time stamp says all.

No compute waits: work that comes too early is told its time and sleeps in the queue.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


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
