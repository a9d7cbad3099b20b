"""What Microsoft Graph answered."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers (names in lower case) and the JSON body, None where there is none.

    `status` 0 means that no answer came; then `sent` tells whether Graph may have done the work all the same,
    and `trouble` says what happened.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    sent: bool = True
    trouble: str = ""
    asked: str = field(default="", compare=False)
    """The path that it answers; further pages lie below it."""

    @property
    def error(self) -> tuple[str, str]:
        """Code and message of Graph's error; empty where the body has none (an HTML page, say)."""
        found = self.body.get("error") if isinstance(self.body, dict) else None
        if not isinstance(found, dict):
            return "", ""
        return str(found.get("code") or ""), str(found.get("message") or "")

    def retry_after(self, now: datetime | None = None) -> timedelta | None:
        """``Retry-After`` as a number of seconds or an HTTP date; None where there is none that can be read. Never
        more than a day: a wild value must not make a guest wait for ever."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            wait = timedelta(seconds=float(text))
        except OverflowError:
            wait = _LONGEST_WAIT
        except ValueError:
            try:
                at = parsedate_to_datetime(text)
            except ValueError:
                return None
            wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - (now or datetime.now(UTC))
        return min(max(timedelta(0), wait), _LONGEST_WAIT)
