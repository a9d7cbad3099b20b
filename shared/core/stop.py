"""The stop that an operator pulls: everything that sends or changes is parked until somebody starts it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from shared.core.ids import UserId
from shared.core.personal import Personal, Redaction, Says


@dataclass(frozen=True, slots=True)
class Stop:
    """Whether all is stopped, since when (or since when it is not any more), and who did that, why."""

    is_on: bool = False
    at: datetime | None = None
    by: Annotated[UserId | None, Personal("who stopped or started", Redaction.PSEUDONYM, Says.USER)] = None
    by_name: Annotated[str, Personal("who stopped or started", Redaction.ERASED, Says.NAME)] = ""
    reason: str | None = None
