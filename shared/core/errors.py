"""What can go wrong. A person can fix what is `Refused`; after a `Conflict` one reads again; what is `Unavailable` is
tried again later.

What the directory or the mail service says of one guest among many is no exception but an answer
(`shared.core.results`): what succeeded stays, what failed is dealt with one by one.
"""

from datetime import datetime, timedelta

from shared.core.reasons import REASONS, Reason


class GuestlistError(Exception):
    """Root of all errors that Guestlist raises on purpose."""


class Refused(GuestlistError):
    """Refused for a reason that a person can fix.

    `field` names the part of the request (as callers spell it), `detail` says what exactly is wrong,
    `location` is an invitation worth looking at instead, and `retry_after` says when a repeat may succeed, as does
    `until`, by the clock.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str | None = None,
        *,
        field: str | None = None,
        location: str | None = None,
        retry_after: timedelta | None = None,
        until: datetime | None = None,
    ) -> None:
        super().__init__(f"{reason.value}: {detail or REASONS[reason].title}")
        self.reason = reason
        self.detail = detail
        self.field = field
        self.location = location
        self.retry_after = retry_after
        self.until = until


class Conflict(GuestlistError):
    """A record changed since it was read; nothing of this write was done."""


class Unavailable(GuestlistError):
    """Something outside did not answer usefully; `retry_after` is the least time to wait, where known."""

    reason = Reason.INTERNAL

    def __init__(self, what: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class TimedOut(Unavailable):
    """A handler was stopped at its bound; what it was to do may have been done in part."""

    reason = Reason.TIMED_OUT


class DirectoryBusy(Unavailable):
    """The directory throttles (429), is down (5xx) or cannot be reached."""

    reason = Reason.DIRECTORY_BUSY


class DirectoryLagging(DirectoryBusy):
    """What was made a moment ago is not seen by this corner of the directory yet."""


class DirectoryUnsure(DirectoryBusy):
    """A write got no answer, or one after which it may have been done all the same."""


class StorageBusy(Unavailable):
    """Tables or queues did not take the operation."""

    reason = Reason.STORAGE_BUSY
