"""``$batch`` (graph contract "Batch", "Batch items"): up to 20 items, each a call of its own through the pipeline,
each with its own answer."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from .call import Answer, Call, Json
from .errors import bad_request
from .routing import split_path

MAX_ITEMS: Final = 20
_WRITES = {"POST", "PATCH", "PUT"}
_METHODS = {"GET", "DELETE", *_WRITES}
_ABSOLUTE = re.compile(r"https?://[^/]+", re.IGNORECASE)
_VERSION = re.compile(r"/(?:v1\.0|beta)(?=/)")
Run = Callable[[Call], Awaitable[Answer]]


async def answer(call: Call, run: Run) -> Answer:
    """Run the items and collect their answers.

    Raises:
        GraphError: 400 for a malformed envelope, and nothing has been run.
        Cut: a fault of one item closes the connection, after all items are through.
    """
    if call.method != "POST":
        raise bad_request("$batch requests must use POST.", "BadRequest")
    items = _items(call)
    if call.world.settings.batch.sequential:
        done: dict[str, Answer] = {}
        for item in items:
            done[item["id"].lower()] = await _run(call, item, run, done)
    else:
        done = await _all_at_once(call, items, run)
    shown = [_shown(item["id"], done[item["id"].lower()]) for item in items]
    by_hand = any(answer.by_hand for answer in done.values())
    return Answer(200, {"responses": shown}, headers={"Content-Type": "application/json"}, by_hand=by_hand)


async def _all_at_once(call: Call, items: list[Json], run: Run) -> dict[str, Answer]:
    """Items that depend on others wait for them; the rest start together."""
    tasks: dict[str, asyncio.Task[Answer]] = {}

    async def one(item: Json) -> Answer:
        before = {name: await tasks[name] for name in item["dependsOn"]}
        return await _run(call, item, run, before)

    for item in items:
        tasks[item["id"].lower()] = asyncio.create_task(one(item))
    await asyncio.wait(tasks.values())
    return {name: task.result() for name, task in tasks.items()}


async def _run(call: Call, item: Json, run: Run, done: dict[str, Answer]) -> Answer:
    if any(done[name].status >= 400 for name in item["dependsOn"]):
        error = {"code": "FailedDependency", "message": "A request this one depends on has failed."}
        return Answer(424, {"error": error}, headers={"Content-Type": "application/json"})
    headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    raw_path, _, raw_query = _relative(item["url"]).partition("?")
    path, segments = split_path(raw_path)
    asked = {"method": item["method"].upper(), "path": path, "segments": segments, "raw_query": raw_query}
    fresh: Json = {"keys": {}, "template": ""}
    return await run(replace(call, **asked, **fresh, headers=headers, body=item.get("body"), caller=call.who))


def _items(call: Call) -> list[Json]:
    """The items of the envelope, ids checked and made texts. ``depends_on`` is no name Graph knows: it is ignored."""
    items = call.json().get("requests")
    if not isinstance(items, list) or not items:
        raise bad_request("Invalid batch payload: 'requests' is required.", "BadRequest")
    if len(items) > MAX_ITEMS:
        text = f"Number of batch request steps exceeds the maximum value of {MAX_ITEMS}."
        raise bad_request(text, "MaximumValueExceeded")
    seen: set[str] = set()
    checked: list[Json] = []
    for item in items:
        id_ = _check(item, seen, accepts_absolute=call.world.settings.batch.absolute_urls)
        checked.append({**item, "id": id_, "dependsOn": _depends(item)})
        seen.add(id_.lower())
    return checked


def _check(item: Any, before: set[str], *, accepts_absolute: bool) -> str:
    """The item's id; a number is taken for its text. Raises GraphError: 400 unless the item has a new id, a method, a
    url, known dependencies and, where it writes, a body with its Content-Type."""
    if not isinstance(item, dict) or isinstance(item.get("id"), bool) or not isinstance(item.get("id"), str | int):
        raise bad_request("Invalid batch payload: each request needs an id.", "BadRequest")
    id_, method, url, depends = str(item["id"]), str(item.get("method", "")).upper(), item.get("url"), _depends(item)
    if not isinstance(url, str) or not url or (_ABSOLUTE.match(url) and not accepts_absolute):
        url = ""
    for is_wrong, text in (
        (not id_, "Invalid batch payload: each request needs an id."),
        (id_.lower() in before, f"Request Id {id_} has to be unique in a batch."),
        (method not in _METHODS, f"Request Id {id_}: invalid method."),
        (not url, f"Request Id {id_}: invalid url."),
        (
            _relative(url).partition("?")[0].strip("/").lower() == "$batch",
            f"Request Id {id_}: a batch cannot contain a batch.",
        ),
        (depends is None or not set(depends) <= before, f"Request Id {id_}: dependsOn must name earlier requests."),
    ):
        if is_wrong:
            raise bad_request(text, "BadRequest")
    _check_body(item, id_, method)
    return id_


def _depends(item: Json) -> list[str] | None:
    """The ids that an item waits for, in lower case; None where they are no list."""
    named = item.get("dependsOn") or []
    return [str(name).lower() for name in named] if isinstance(named, list) else None


def _check_body(item: Json, id_: str, method: str) -> None:
    """A write without a body is refused with the whole batch, also where the operation needs none: "you must still
    specify the headers and body parameters where only body can be an empty object" (Microsoft Graph, "Combine
    multiple HTTP requests using JSON batching"). Texts: msgraph-sdk-dotnet #2628, Softeria/ms-365-mcp-server #677.
    """
    has_type = "content-type" in {str(name).lower() for name in item.get("headers") or {}}
    if method in _WRITES and item.get("body") is None:
        raise bad_request(f"Write request id : {id_} does not contain Content-Type header or body.", "BadRequest")
    if item.get("body") is not None and not has_type:
        raise bad_request(f"Write request with id '{id_}' does not contain a Content-Type header.", "BadRequest")


def _relative(url: str) -> str:
    """The part after the version."""
    host = _ABSOLUTE.match(url)
    if host is None:
        return url
    rest = url[host.end() :]
    version = _VERSION.match(rest)
    return rest[version.end() :] if version else rest


def _shown(id_: str, done: Answer) -> Json:
    headers = {name: value for name, value in done.headers.items() if name != "client-request-id"}
    body = done.body
    if done.text is not None:
        headers["Content-Type"] = "text/plain"
        body = base64.b64encode(done.text.encode()).decode()
    return {"id": id_, "status": done.status, "headers": headers, **({} if body is None else {"body": body})}
