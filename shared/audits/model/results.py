"""What came of a remedy, or of taking it back."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Done:
    """The account is as asked for; `after` says how, in a person's words."""

    after: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """It will not be done; a person has to look."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """Try again; `happened` says that it may have been done."""

    until: datetime
    happened: bool = False


type Result = Done | Refusal | NotNow
