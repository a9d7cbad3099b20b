"""The breaker: when Microsoft's anomaly detection stops a tenant's invitations, all work is parked, and one
invitation at a slow interval finds out when it is over.

Source: graph contract "Invitations": 403 ``Forbidden`` "Invitations are blocked for this directory due to suspicious
activity"; it does not lift by itself within minutes (reported).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


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
