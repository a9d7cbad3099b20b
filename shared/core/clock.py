"""Time and chance, so that steps can be replayed by hand; and the lengths of time that decide how Guestlist waits."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware and in UTC."""

    def jitter(self) -> float:
        """A random number from 0 up to 1."""

    def random_hex(self, digits: int) -> str:
        """That many random hex digits, good enough for ids that must never meet."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Lengths of time that decide how Guestlist waits.

    `work_lease`: for how long an instance says that it works on a message, and a delivery that it works on the guests
    it has claimed. It is renewed, and an effect on claimed guests ends with it; after an instance died, its work goes
    on when the lease has ended and the sweeper comes by.
    `claim`: how long one delivery may work on a step of a setup, an audit's remedies or a person's data before
    another may take over.
    `doubt_window`: how long the directory may hide a guest that it made; before that, nobody whose
    invitation is in doubt is invited again. Source: graph contract "Invitations", "Consistency", "Errors" (about
    ten minutes, reported).
    `join_window`: how long to go on trying to add a guest that the directory does not show.
    `stall_timeout`: how long a chunk may stall before the sweeper sends it again. It looks each third of that
    time, see `whole_sweep`.
    `probe_interval`: how often one invitation tests whether Microsoft still blocks the tenant.
    `key_lease` and `key_retention`: how long an unfinished request holds its idempotency key, and how long a
    finished one is remembered.
    """

    work_lease: timedelta = timedelta(seconds=45)
    claim: timedelta = timedelta(minutes=5)
    doubt_window: timedelta = timedelta(minutes=10)
    join_window: timedelta = timedelta(hours=1)
    stall_timeout: timedelta = timedelta(minutes=15)
    probe_interval: timedelta = timedelta(minutes=30)
    key_lease: timedelta = timedelta(minutes=1)
    key_retention: timedelta = timedelta(hours=48)

    @property
    def whole_sweep(self) -> timedelta:
        """How old the last sweep that looked at everything may be. A sweep in five with the schedule and the times
        that are the defaults: half a minute less, as timers are not exact."""
        return min(self.stall_timeout / 3, timedelta(minutes=4, seconds=30))


async def within[T](until: datetime, clock: Clock, effect: Awaitable[T], late: T) -> T:
    """What an effect gives, or `late` where the claim on its rows ends first: then its fate is unknown."""
    try:
        async with asyncio.timeout((until - clock.now()).total_seconds()):
            return await effect
    except TimeoutError:
        return late
