"""Work that stands still, as the capability that does it finds it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from shared.core.ids import GroupId


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
"""Finds the work that was to be looked at by the first time, and has stood still since the second or longer; each
piece is sent again before it is given. Safe to repeat. Raises StorageBusy."""
