"""Time as the simulator tells it: aware UTC, and Graph's way to write it."""

import time
from datetime import UTC, datetime

monotonic = time.monotonic


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """A time as Graph writes it in properties: whole seconds with a ``Z``."""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant() -> str:
    """Now, as Graph writes it in records: seven digits behind the second."""
    return now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def elapsed_ms(since: float) -> float:
    """Milliseconds since a reading of `monotonic`."""
    return (monotonic() - since) * 1000
