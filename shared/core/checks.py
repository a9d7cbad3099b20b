"""What was looked at, and what was found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from shared.core.ids import UserId
from shared.core.personal import IN_WORDS, Personal, Redaction, Says


class CheckState(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, and what was found."""

    check: str
    state: CheckState
    found: Annotated[str, IN_WORDS]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who said that a manual task is done, and when."""

    by: Annotated[UserId, Personal("who confirmed it", Redaction.PSEUDONYM, Says.USER)]
    name: Annotated[str, Personal("who confirmed it", Redaction.ERASED, Says.NAME)]
    at: datetime
    note: Annotated[str | None, Personal("who confirmed it", Redaction.GONE)] = None
