"""What decides how imports go; each is a setting."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.pacing import DayLimit, Pace


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """`pace` is the lane of imports, in guests; `of_tenant` and `of_inviter` what may be invited in a day.
    `horizon`: how far ahead of the clock chunks are handed to the queue; a pause takes effect within it.
    `undo_window`: for how long an import can be undone, and its file is kept.
    """

    pace: Pace = field(default_factory=lambda: Pace(120, timedelta(minutes=1), burst=40))
    of_tenant: DayLimit = field(default_factory=lambda: DayLimit(first=500, most=5000))
    of_inviter: DayLimit = field(default_factory=lambda: DayLimit(first=500, most=2000))
    horizon: timedelta = timedelta(seconds=60)
    undo_window: timedelta = timedelta(days=7)
