"""What Microsoft Graph answered, and what is known of its load: how long it takes, and what it wants not to be asked
before when."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any

_LONGEST_WAIT = timedelta(days=1)
_MAX_ANSWERS = 1000
_A_MOMENT = timedelta(seconds=10)
_MUCH_SLOWER, _SLOW_S = 4.0, 0.4


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

    @property
    def request_id(self) -> str | None:
        """Graph's own number of the request: what its support and its logs find it by."""
        return self.headers.get("request-id")

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


class Latency:
    """How long batches take. It rises long before the directory refuses anything (measured on a tenant of 100,000
    users by the README of Mgx: from 0.1 s to 1 s before any 429)."""

    def __init__(self) -> None:
        self._usual_s: float | None = None
        self._lately_s = 0.0

    def note(self, seconds: float) -> None:
        if self._usual_s is None:
            self._usual_s = self._lately_s = seconds
            return
        # What is usual follows a faster directory soon, and a slower one only when it stays so.
        self._usual_s += (seconds - self._usual_s) * (0.2 if seconds < self._usual_s else 0.01)
        self._lately_s += (seconds - self._lately_s) * 0.2

    @property
    def is_much_higher(self) -> bool:
        return self._lately_s > max(_SLOW_S, _MUCH_SLOWER * (self._usual_s or 0.0))


class Answers:
    """What the directory answered to a GET, for whoever asks the same: a refusal until its Retry-After is over. While
    it refuses some, good answers count for a moment, too, for those who need several of them at once: half a dozen
    for one decision, of which it might refuse another one each time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[str, tuple[datetime, Response]] = {}
        self._refuses_until: datetime | None = None

    def note(self, path: str, response: Response, *, keep: bool = False) -> None:
        now = self._now()
        if response.status == 429 and (wait := response.retry_after(now)):
            until = now + wait
            self._refuses_until = max(until, self._refuses_until or until)
        elif keep and response.status == 200 and self._refuses_until and now < self._refuses_until + _A_MOMENT:
            until = now + _A_MOMENT
        else:
            return
        if len(self._known) >= _MAX_ANSWERS:
            self._known = {path: known for path, known in self._known.items() if known[0] > now}
        self._known[path] = (until, response)

    def of(self, path: str, *, keep: bool = False) -> Response | None:
        until, response = self._known.get(path, (None, None))
        if until is None or response is None:
            return None
        left = (until - self._now()).total_seconds()
        if left <= 0:
            del self._known[path]
            return None
        if response.status == 200:
            return response if keep else None
        return replace(response, headers=response.headers | {"retry-after": str(ceil(left))})
