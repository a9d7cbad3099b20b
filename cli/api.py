"""Guestlist's HTTP API: one call at a time, with patience for a service that asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from cli.failures import Problem, Unreachable

type Token = Callable[[bool], str]
"""Gives an access token; with True a new one, as the last was refused."""

_PATIENT = frozenset({409, 429, 503})
"""Statuses that with ``Retry-After`` mean: not done yet, come again (RFC 9110 10.2.3)."""

_PIECE_BYTES = 256 * 1024
UPLOAD_S = 240.0
"""Patience for a file: the platform lets a request take 230 seconds, and a preview looks a thousand guests up.
Source: Azure Functions, "HTTP trigger: limits"."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: status, the JSON body, headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Api:
    """Calls below one address. `timeout_s` is the patience for one call, with all its repeats.

    `tell` hears about waits.
    """

    def __init__(self, url: str, token: Token | None, *, timeout_s: float, tell: Callable[[str], None]) -> None:
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        self._tell = tell
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(max(1.0, timeout_s), connect=min(10.0, max(1.0, timeout_s))),
            headers={"User-Agent": "guestlist-cli", "Accept": "application/json"},
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: str) -> Answer:
        return self._call("GET", path, params=params, repeatable=True)

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """`key` makes a repeat safe: without one, a call whose answer was lost is not made again."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", path, params=params, body=body, headers=headers, repeatable=key is not None)

    def upload(
        self, path: str, file: Path, *, key: str | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a CSV file, read from the disk as it is sent. Only with a `key` is it kept, and kept once."""
        headers = {"Content-Type": "text/csv", "Content-Length": str(file.stat().st_size)}
        headers |= {"Idempotency-Key": key} if key else {}
        patience = max(self._timeout_s, UPLOAD_S)
        # A preview changes nothing, but its answer is worth waiting for: sent again, it begins again.
        return self._call(
            "POST", path, params=params, headers=headers, file=file, repeatable=key is not None, timeout_s=patience
        )

    def download(self, path: str) -> Answer:
        """Something that is not JSON: the body is bytes."""
        return self._call("GET", path, repeatable=True, is_json=False)

    def put(self, path: str, body: Any) -> Answer:
        return self._call("PUT", path, body=body, repeatable=True)

    def delete(
        self, path: str, *, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        return self._call("DELETE", path, params=params, headers=headers, repeatable=True)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        file: Path | None = None,
        repeatable: bool,
        is_json: bool = True,
        timeout_s: float | None = None,
    ) -> Answer:
        """Raises Problem for what the API refuses, Unreachable where no sense can be made of what came."""
        deadline = time.monotonic() + (timeout_s or self._timeout_s)
        patience = httpx.Timeout(timeout_s, connect=10.0) if timeout_s else httpx.USE_CLIENT_DEFAULT
        pause, fresh = _FIRST_PAUSE_S, False
        while True:
            sent = dict(headers or {})
            if self._token is not None:
                sent["Authorization"] = f"Bearer {self._token(fresh)}"
            try:
                content = _pieces(file) if file is not None else None
                answer = self._http.request(
                    method, path, params=params, headers=sent, json=body, content=content, timeout=patience
                )
            except httpx.HTTPError as error:
                never_left = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if not (repeatable or never_left) or time.monotonic() + pause > deadline:
                    raise self._unreachable(error, never_left or repeatable) from error
                self._tell(f"{self._url} does not answer; trying again …")
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                continue
            if answer.status_code == 401 and self._token is not None and not fresh:
                fresh = True  # a long follow outlives a token
                continue
            wait = _retry_after(answer)
            if wait is not None and time.monotonic() + wait <= deadline:
                self._tell(f"The API is busy ({answer.status_code}); going on in {wait:.0f} s …")
                time.sleep(wait)
                continue
            if answer.is_success and not is_json:
                return Answer(answer.status_code, answer.content, answer.headers)
            return self._understood(answer)

    def _understood(self, answer: httpx.Response) -> Answer:
        try:
            body = answer.json() if answer.content else None
        except ValueError:
            body = None
        request_id = answer.headers.get("x-request-id")
        if answer.is_success and (body is not None or not answer.content):
            return Answer(answer.status_code, body, answer.headers)
        if not answer.is_success and isinstance(body, dict) and "title" in body:
            raise Problem(answer.status_code, body, request_id)
        remedy = "Check that --url is the address of a Guestlist function app"
        if answer.status_code in (502, 503, 504):
            remedy = "The function app does not run, or starts just now: try again in a minute"
        raise Unreachable(
            f"{self._url} answered {answer.status_code}, and not as Guestlist does",
            f"{answer.request.method} {answer.request.url.path}: {answer.text[:200].strip() or 'no body'}",
            remedy,
            reason="not-guestlist",
            status=answer.status_code,
            **({"requestId": request_id} if request_id else {}),
        )

    def _unreachable(self, error: httpx.HTTPError, nothing_happened: bool) -> Unreachable:
        kind = "took too long to answer" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        remedy = "Check the address (--url or GUESTLIST_URL), and that the function app runs"
        if not nothing_happened:
            remedy = "Whether the call had an effect is not known: look before you repeat it"
        return Unreachable(f"{self._url} {kind}", str(error) or type(error).__name__, remedy, reason="unreachable")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            yield piece


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds to wait as the answer says, in seconds or as a date; None where it asks for no repeat."""
    text = answer.headers.get("Retry-After")
    if answer.status_code not in _PATIENT or not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when.tzinfo else None
