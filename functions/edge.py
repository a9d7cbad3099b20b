"""Where the Functions host ends and Guestlist begins: callers, bodies, problem documents, request ids, outcomes, and
how long a handler may take.

`endpoint` and `delivered` keep a handler's name and parameters, which the worker binds by.
"""

import asyncio
import functools
import hashlib
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import msgspec

from shared import wiring
from shared.core.errors import Refused, TimedOut, Unavailable
from shared.core.reasons import Reason
from shared.http import problems

log = logging.getLogger("guestlist")

type Handler = Callable[..., Awaitable[func.HttpResponse]]

_OF_ALL = {"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer: a browser comes back by https alone (RFC 6797), and takes a body for what it is said to
be and for nothing else."""

HTTP_S, STEP_S, TIMER_S = 180.0, 240.0, 240.0
"""How long a handler of each kind may take, in seconds.

The host ends a worker process whose function outlives `functionTimeout` of ``host.json``, and what others do in it
hangs until their own timeout; Azure's front end gives an HTTP answer up after 230 s. So a handler ends itself before:
wherever it awaits. What computes without awaiting (a piece of a file, the charts of a report: seconds) is not
interrupted; the distance to `functionTimeout` is for that.
"""
SMALL_BODY = 64 * 1024
"""Bytes of a body where a route says nothing else. What is longer is refused before anything reads it."""
SWEEP_PART_S = 200.0
"""How long a part of a sweep may take; all parts run side by side."""


@asynccontextmanager
async def _within(bound_s: float, name: str) -> AsyncIterator[None]:
    """Raises TimedOut where the work takes longer. It may have done some of what it was to do."""
    try:
        async with asyncio.timeout(bound_s) as bound:
            yield
    except TimeoutError as e:
        if not bound.expired():
            raise
        log.error("%s was stopped after %g s", name, bound_s)
        raise TimedOut(f"stopped after {bound_s:g} seconds") from e


def endpoint(handler: Handler, *, most: int = SMALL_BODY) -> Handler:
    """An HTTP handler: what Guestlist refuses becomes problem+json, what nobody foresaw a 500 without insides.

    A body of more than `most` bytes is refused before the handler sees it. The platform has it in memory by then, up
    to `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`; but decoding takes many times as much, and the event loop's time.
    """

    @functools.wraps(handler)
    async def run(*args: Any, **kwargs: Any) -> func.HttpResponse:
        req = _request(handler, args, kwargs)
        with wiring.request(handler.__name__, req.method, req.headers) as work:
            request_id, reason = work.trace_id, ""
            try:
                _require_length(req, most)
                _require_values(req)
                async with _within(HTTP_S, handler.__name__):
                    answer = await handler(*args, **kwargs)
            except (Refused, Unavailable) as e:
                log.info("%s %s refused: %s [%s]", req.method, urlsplit(req.url).path, e.reason.value, request_id)
                document, headers = problems.of_error(e, request_id)
                reason = e.reason.value
                answer = json_response(document, document["status"], headers, problems.MEDIA_TYPE)
            except Exception:
                log.exception("%s %s failed [%s]", req.method, urlsplit(req.url).path, request_id)
                document = problems.problem(Reason.INTERNAL, request_id=request_id)
                reason = Reason.INTERNAL.value
                answer = json_response(document, 500, {}, problems.MEDIA_TYPE)
            work.answer(answer.status_code, reason)
        answer.headers["x-request-id"] = request_id
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.update(_OF_ALL)
        return _unless_known(req, answer)

    run.bound_s = HTTP_S  # type: ignore[attr-defined]
    return run


def delivered(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A queue handler that works within the trace that its message carries. One that takes too long raises, and the
    message is delivered again: steps are safe to run twice."""

    @functools.wraps(handler)
    async def run(message: func.QueueMessage) -> None:
        try:
            with wiring.delivery(handler.__name__, message.get_body()):
                async with _within(STEP_S, handler.__name__):
                    await handler(message)
        finally:
            await wiring.send_telemetry()

    run.bound_s = STEP_S  # type: ignore[attr-defined]
    return run


def on_time(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A timer's handler: a trace of its own."""

    @functools.wraps(handler)
    async def run(timer: func.TimerRequest) -> None:
        try:
            with wiring.on_time(handler.__name__):
                async with _within(TIMER_S, handler.__name__):
                    await handler(timer)
        finally:
            await wiring.send_telemetry()

    run.bound_s = TIMER_S  # type: ignore[attr-defined]
    return run


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> func.HttpResponse:
    return func.HttpResponse(
        body=msgspec.json.encode(body), status_code=status, headers=dict(headers or {}), mimetype=media_type
    )


def _require_length(req: func.HttpRequest, most: int) -> None:
    """Raises Refused `body-too-large`."""
    said = req.headers.get("content-length") or ""
    size = max(len(req.get_body()), int(said) if said.isascii() and said.isdigit() else 0)
    if size > most:
        raise Refused(Reason.BODY_TOO_LARGE, f"The body has {size:,} bytes; {most:,} are taken")


def _require_values(req: func.HttpRequest) -> None:
    """The platform drops parameters without a value: whoever writes ``?dryRun`` must not have done what they wanted
    to look at. The pages' addresses come from elsewhere, with what their senders like.

    Raises:
        Refused: `parameter-invalid`.
    """
    parts = urlsplit(req.url)
    if not parts.path.startswith("/api/"):
        return
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not value:
            raise Refused(Reason.PARAMETER_INVALID, "The parameter has no value", field=name[:100])


def _unless_known(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Lists and records say which version they are, and are not sent again to whoever has it."""
    if req.method != "GET" or answer.status_code != 200 or answer.mimetype != "application/json":
        return answer
    tag = answer.headers.setdefault("ETag", f'"{hashlib.sha256(answer.get_body()).hexdigest()[:32]}"')
    known = {t.strip().removeprefix("W/") for t in (req.headers.get("if-none-match") or "").split(",")}
    if tag not in known:
        return answer
    return func.HttpResponse(status_code=304, headers=dict(answer.headers))


def _request(handler: Handler, args: tuple[Any, ...], kwargs: dict[str, Any]) -> func.HttpRequest:
    req = inspect.signature(handler).bind(*args, **kwargs).arguments["req"]
    assert isinstance(req, func.HttpRequest)  # noqa: S101 - for the type checker; the host gives nothing else
    return req
