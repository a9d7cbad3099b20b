"""Records that several capabilities share."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from shared.core.ids import AppId, GroupId, UserId
from shared.core.personal import Personal, Redaction, Says


@dataclass(frozen=True, slots=True)
class ChangeLogEntry:
    """`key` is the same however often the change is written down. `who` is a person's or an app's name with its
    object id, or the rule of an audit; `what` the remedy or act; `before` and `after` are in a person's words.
    `request_id` is Graph's, where Graph gave one."""

    key: str
    at: datetime
    who: Annotated[str, Personal("who did it", Redaction.SIGNED, Says.WHO)]
    what: str
    subject: Annotated[str, Personal("whom it was done to", Redaction.PSEUDONYM, Says.USER)]
    name: Annotated[str, Personal("whom it was done to", Redaction.ERASED)]
    group: GroupId | None
    app: AppId | None
    before: str
    after: str
    audit: str | None = None
    rule: str | None = None
    request_id: Annotated[str | None, Personal("whom it was done to", Redaction.GONE)] = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Whether all is stopped, since when (or since when it is not any more), and who did that, why."""

    is_on: bool = False
    at: datetime | None = None
    by: Annotated[UserId | None, Personal("who stopped or started", Redaction.PSEUDONYM, Says.USER)] = None
    by_name: Annotated[str, Personal("who stopped or started", Redaction.ERASED, Says.NAME)] = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StuckWork:
    """`what` names the kind of work in words, `key` the piece of it, `state` what it has been in since when."""

    what: str
    key: str
    name: str
    state: str
    since: datetime
    group: GroupId | None = None
    address: str | None = None


type FindStuck = Callable[[datetime, datetime], AsyncIterator[StuckWork]]
"""Finds the work that was to be looked at by the first time, and has stalled since the second or longer; each
piece is sent again before it is given. Safe to repeat. Raises StorageBusy."""
