"""What decides how imports go; each is a setting."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.core.ids import UserId
from shared.messages.commands import CHUNK_SIZE
from shared.pace.import_pace import Limits
from shared.pace.pacing import TENANT_KEY, DayLimit, Pace, inviter_key

UNITS_PER_GUEST = 2.1
"""Resource units of a guest: looked up, invited, and a twentieth of a change of the group. Units are given for ten
seconds at a time. Source: Microsoft Graph, "Throttling limits: identity and access"."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """`pace` is the most that imports may do, in guests, and `units_per_second` what they may use of the directory's
    resource units; `per_tenant`, `per_inviter` and `per_group` up to what
    count of a day, of which everything is part that was invited by any way, imports invite on.
    `horizon`: how far ahead of the clock chunks are handed to the queue; a pause takes effect within it.
    `undo_window`: for how long an import can be undone, and its file is kept.
    """

    pace: Pace = field(default_factory=lambda: Pace(120, timedelta(minutes=1), burst=40))
    units_per_second: int = 280
    per_tenant: DayLimit = field(default_factory=lambda: DayLimit(first=500, most=5000))
    per_inviter: DayLimit = field(default_factory=lambda: DayLimit(first=500, most=2000))
    per_group: DayLimit = field(default_factory=lambda: DayLimit(first=3000, most=3000))
    horizon: timedelta = timedelta(seconds=30)
    undo_window: timedelta = timedelta(days=7)

    @property
    def limits(self) -> Limits:
        guests = self.units_per_second / UNITS_PER_GUEST
        return Limits(
            self.pace, Pace(max(1, round(guests * 60)), timedelta(minutes=1), max(CHUNK_SIZE, round(guests * 10)))
        )

    @property
    def per_day(self) -> int:
        """Guests of one person's import into one group, in a day."""
        return min(self.per_tenant.most, self.per_inviter.most, self.per_group.most)

    def of(self, inviter: UserId) -> dict[str, DayLimit]:
        """The days that a person's import counts for besides those of its groups."""
        return {inviter_key(inviter): self.per_inviter, TENANT_KEY: self.per_tenant}
