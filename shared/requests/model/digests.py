"""What waits for somebody who decides about join requests: told in one mail for all groups, and seldom."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from shared.core.ids import GroupId, UserId
from shared.core.personal import DECIDERS, Personal, Says

MAX_GROUPS = 100
"""Groups that one mail names; who decides for more sees the others on the portal."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The next mail to `decider`, and when the last one began.

    `groups` have something new; while a mail is written about some, they are in `telling`, and what comes meanwhile
    is for the next one. `due_at` is None where nothing is to be told. `mails` counts the mails, so that each has a
    key of its own; `mail_handle`, `mail_since` and `claimed_until` are those of a request's mail.
    """

    decider: Annotated[UserId, Personal(DECIDERS, says=Says.WHO)]
    groups: tuple[GroupId, ...] = ()
    telling: tuple[GroupId, ...] = ()
    due_at: datetime | None = None
    told_at: datetime | None = None
    mails: int = 0
    mail_handle: str | None = None
    mail_since: datetime | None = None
    claimed_until: datetime | None = None

    @property
    def mail_key(self) -> str:
        """Unique to each mail for ever."""
        return f"waiting-{self.decider}-{self.mails}"


def noted(digest: Digest, group: GroupId, every: timedelta, now: datetime) -> Digest:
    """The digest with something new in a group: at once where the last mail was long ago, else when `every` is over.
    The very same digest where it is to be told already."""
    if group in digest.groups or len(digest.groups) >= MAX_GROUPS:
        return digest
    due = digest.due_at or max(now, digest.told_at + every if digest.told_at else now)
    return replace(digest, groups=(*digest.groups, group), due_at=due)


def begun(digest: Digest, now: datetime) -> Digest:
    """The digest while its mail is written; one that was begun before goes on as it was."""
    if digest.telling:
        return digest
    return replace(digest, groups=(), telling=digest.groups, told_at=now, mails=digest.mails + 1)


def ended(digest: Digest, every: timedelta) -> Digest:
    """The digest after its mail: what came meanwhile is due when `every` is over."""
    due = digest.told_at + every if digest.groups and digest.told_at else None
    return replace(digest, telling=(), due_at=due, mail_handle=None, mail_since=None, claimed_until=None)
