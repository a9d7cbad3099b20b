"""The stop that an operator pulls: everything that sends or changes is parked until somebody starts it again."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.commands import Command, RoundTrip, RunAudit
from shared.domain.ids import UserId


@dataclass(frozen=True, slots=True)
class Stop:
    """Whether all is stopped, since when (or since when it is not any more), and who did that, why."""

    is_on: bool = False
    at: datetime | None = None
    by: UserId | None = None
    by_name: str = ""
    reason: str | None = None


GOES_ON: frozenset[type[Command]] = frozenset((RoundTrip, RunAudit))
"""What neither sends nor changes anything. A command that is not named here waits for the start."""
