"""The way of a request: faults before → latency → token → throttling → route → permission → handler → faults after.

Items of a $batch go the same way one by one. Recording of traffic stands outside (`server`).
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable
from contextlib import nullcontext

from . import batch
from .call import Answer, Call, Caller
from .clock import now
from .errors import GraphError
from .resources import ROUTES
from .resources.entitlement.requests import settle
from .resources.mail.model import lane
from .routing import Route, Router
from .throttling import units

logger = logging.getLogger("local.simulator")
Identify = Callable[[Call], Caller]

# Out of scope, or without any API at all (graph contract "No API"): refused as Graph refuses, and said loudly.
_NOT_GRAPH = frozenset({400, 405})
_ODATA = {"OData-Version": "4.0"}
_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class Pipeline:
    """Answers calls. Holds nothing of the tenant: that is in each call's world."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self._router = Router(ROUTES)

    async def answer(self, call: Call) -> Answer:
        """The answer to a call, every Graph error rendered. Raises Cut: a fault closes the connection; the effect may
        have happened."""
        try:
            with lane(call) if call.segments[:1] == ["users"] else nullcontext():
                answer = await self._between_faults(call)
        except GraphError as error:
            answer = rendered(call, error)
        call.world.observations.calls[f"{call.method} {call.template or call.path}", answer.status] += 1
        answer.headers.update(_content(answer))
        answer.headers.setdefault("request-id", call.request_id)
        answer.headers.setdefault("client-request-id", call.headers.get("client-request-id", call.request_id))
        return answer

    async def _between_faults(self, call: Call) -> Answer:
        if (instead := await call.world.faults.strike(call.method, call.path, "before")) is not None:
            return instead
        answer = await self._answered(call)
        return await call.world.faults.strike(call.method, call.path, "after") or answer

    async def _answered(self, call: Call) -> Answer:
        """The real answer; an error of Graph is an answer too, so that a fault after it can replace it."""
        try:
            is_batch = call.segments == ["$batch"]
            if not is_batch:
                await _wait(call)
            if call.caller is None:
                call.caller = self._identify(call)
            call.check_content()
            if is_batch:
                return await batch.answer(call, self.answer)
            return self._handled(call)
        except GraphError as error:
            return rendered(call, error)

    def _handled(self, call: Call) -> Answer:
        try:
            route = self._router.find(call)
        except GraphError as error:
            _charge(call, None)
            if error.status in _NOT_GRAPH:
                call.world.observations.shout(
                    "no such operation here", method=call.method, path=call.path, version=call.version
                )
            raise
        headers = _charge(call, route)
        if not route.permits(call):
            raise route.refusal(call)
        try:
            settle(call.world)
            answer = route.handler(call)
        except GraphError:
            raise
        except Exception as error:
            logger.exception("%s %s broke", call.method, call.path)
            call.world.observations.shout(
                "the simulator broke", method=call.method, path=call.path, error=repr(error)
            )
            raise GraphError(500, "InternalServerError", "An internal server error occurred.") from error
        if call.method != "GET":
            call.world.writes += 1
        return Answer(answer.status, answer.body, answer.text, {**headers, **answer.headers})


def rendered(call: Call, error: GraphError) -> Answer:
    """An error in Graph's envelope (graph contract "Errors"): the date carries no zone."""
    inner = {
        **error.inner,
        "date": now().strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": call.request_id,
        "client-request-id": call.headers.get("client-request-id", call.request_id),
    }
    details = {} if error.details is None else {"details": error.details}
    body = {"error": {"code": error.code, "message": error.message, **details, "innerError": inner}}
    return Answer(error.status, body, headers=dict(error.headers))


def _content(answer: Answer) -> dict[str, str]:
    """The headers of a JSON body, as the answers of Microsoft's sample have them: an error is plain JSON (Microsoft
    Graph, "Combine multiple HTTP requests using JSON batching")."""
    if answer.body is None or any(name.lower() == "content-type" for name in answer.headers):
        return {}
    return {"Content-Type": "application/json"} if answer.status >= 400 else {"Content-Type": _JSON, **_ODATA}


async def _wait(call: Call) -> None:
    latency = call.world.settings.latency
    wait_ms = latency.all_ms
    for pattern, path_ms in latency.paths.items():
        if re.search(pattern, call.path):
            wait_ms = path_ms
            break
    if latency.jitter_ms:
        wait_ms += random.random() * latency.jitter_ms  # noqa: S311 - weather, not a secret
    if wait_ms > 0:
        await asyncio.sleep(wait_ms / 1000)


def _charge(call: Call, route: Route | None) -> dict[str, str]:
    """Count the call against the limits. Raises GraphError: 429."""
    cost = units(route.units if route is not None else 1, call.query)
    world = call.world
    if not world.settings.throttling.enabled:
        return {"x-ms-resource-unit": str(cost)}
    return world.throttle.charge(
        world.settings.throttling,
        app_id=call.who.app_id,
        tenant_id=world.directory.tenant.id,
        users=len(world.directory.users),
        units=cost,
        is_write=call.method != "GET",
        is_audit=call.segments[:1] == ["auditLogs"],
    )
