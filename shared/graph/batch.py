"""``$batch``, built by hand: the SDK's own loses the bodies of its parts and the order of dependencies
(graph contract "Batch")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

from shared.graph import paths
from shared.graph.response import Response
from shared.graph.session import GraphSession
from shared.telemetry import meters

LIMIT = 20
_WRITES = frozenset({"POST", "PATCH", "PUT"})


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch; `path` follows the version root."""

    method: str
    path: str
    body: Any = None

    @property
    def content(self) -> Any:
        """The body as it is sent. A write without one is refused, in a batch with all its neighbours, also where the
        operation needs none (Microsoft Graph, "Combine multiple HTTP requests using JSON batching"): it gets an empty
        object."""
        return {} if self.body is None and self.method in _WRITES else self.body


async def send(session: GraphSession, parts: Sequence[Part], *, keep: bool = False) -> list[Response]:
    """The answers to the parts, in their order; a single part goes as a plain request.

    Each part is throttled and refused by itself. Where the batch as a whole gets no good answer, every part
    has that answer. With `keep`, for a decision that takes several reads, a good answer counts for ten seconds while
    the directory refuses others. Raises ValueError: more than 20 parts. Refused `directory-refused`: nothing is sent
    to such a path."""
    if len(parts) > LIMIT:
        raise ValueError(f"{len(parts)} parts, {LIMIT} at most")
    known = {
        n: answer
        for n, part in enumerate(parts)
        if part.method == "GET" and (answer := session.answers.of(part.path, keep=keep)) is not None
    }
    asked = [(n, part) for n, part in enumerate(parts) if n not in known]
    answers = await _send(session, [part for _, part in asked])
    answered = {n: answer for (n, _), answer in zip(asked, answers, strict=True)}
    # Refusals first: they decide whether good answers are kept.
    for n, part in sorted(asked, key=lambda each: answered[each[0]].status == 200):
        if part.method == "GET":
            session.answers.note(part.path, answered[n], keep=keep)
    return [replace(known.get(n) or answered[n], asked=part.path) for n, part in enumerate(parts)]


async def send_all(session: GraphSession, parts: Iterable[Part], *, keep: bool = False) -> list[Response]:
    """The same for as many parts as there are: a ``$batch`` for each twenty."""
    return [answer for few in batched(parts, LIMIT, strict=False) for answer in await send(session, few, keep=keep)]


async def _send(session: GraphSession, parts: Sequence[Part]) -> list[Response]:
    if not parts:
        return []
    if len(parts) == 1:
        return [await session.request(parts[0].method, parts[0].path, body=parts[0].content)]
    document = {"requests": [_request(str(n), part) for n, part in enumerate(parts)]}
    whole = await session.request("POST", "/$batch", body=document)
    answers = whole.body.get("responses") if whole.status == 200 and isinstance(whole.body, dict) else None
    if not isinstance(answers, list):
        meters.graph_answered(whole.status)
        return [whole if whole.status != 200 else Response(0, trouble="the directory's answer cannot be read")] * len(
            parts
        )
    found = {str(a.get("id")): a for a in answers if isinstance(a, dict)}
    outer = {k: v for k, v in whole.headers.items() if k == "request-id"}
    responses = [_answer(found.get(str(n)), outer) for n in range(len(parts))]
    for response in responses:
        # Each part is counted by itself.
        meters.graph_answered(response.status)
        session.note_pressure(response.headers)
    return responses


def _request(number: str, part: Part) -> dict[str, Any]:
    request: dict[str, Any] = {"id": number, "method": part.method, "url": paths.checked(part.path)}
    if part.content is not None:
        request |= {"body": part.content, "headers": {"Content-Type": "application/json"}}
    return request


def _answer(found: dict[str, Any] | None, outer: dict[str, str]) -> Response:
    if found is None:
        return Response(0, trouble="the directory did not answer a part of the batch")
    status, headers = found.get("status"), found.get("headers") or {}
    if not isinstance(status, int) or not isinstance(headers, dict):
        return Response(0, trouble="a part of the directory's answer cannot be read")
    # A part that has no request id of its own is found by the whole batch's.
    return Response(status, outer | {str(k).lower(): str(v) for k, v in headers.items()}, found.get("body"))
