"""The simulator over HTTP: Graph under its versions, the token issuer beside it, control under ``/_sim``."""

import uuid
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from . import control, issuer
from .call import Call
from .errors import Answer
from .faults import Cut
from .odata import types
from .pipeline import Pipeline
from .routing import split_path
from .simulator import Simulator

BODY_LIMIT = 16 * 1024 * 1024
_VERSIONS = ("v1.0", "beta")


def application(simulator: Simulator) -> web.Application:
    """Everything, as one application."""
    app = web.Application(client_max_size=BODY_LIMIT)
    control.add_routes(app, simulator)
    for version in _VERSIONS:
        app.router.add_get(f"/{version}/$metadata", _metadata)
        app.router.add_route("*", f"/{version}/{{path:.*}}", _graph(simulator))
    issuer.add_routes(app, simulator.issuer)
    return app


def _graph(simulator: Simulator) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    pipeline = Pipeline(simulator.identify)

    async def answer(request: web.Request) -> web.StreamResponse:
        version = request.path.split("/")[1]
        raw_path, _, raw_query = request.raw_path.partition("?")
        path, segments = split_path(raw_path.removeprefix(f"/{version}"))
        call = Call(
            world=simulator.world,
            method=request.method,
            version=version,
            path=path,
            segments=segments,
            raw_query=raw_query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=None,
            base_url=f"{request.scheme}://{request.host}/{version}",
            request_id=str(uuid.uuid4()),
        )
        raw = await request.read()
        try:
            call.body = msgspec.json.decode(raw) if raw else None
        except msgspec.DecodeError:
            call.unreadable = True
        try:
            answer = await pipeline.answer(call)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=504)
        # An answer written by hand for a fault is no claim about Graph.
        if simulator.traffic is not None and version == "v1.0" and not answer.by_hand:
            simulator.traffic.record(
                method=call.method,
                path=request.raw_path,
                status=answer.status,
                request=call.body,
                response=answer.body,
            )
        return _response(answer)

    return answer


async def _metadata(_request: web.Request) -> web.Response:
    """Needs no token, as in Graph."""
    return web.Response(body=types.metadata(), content_type="application/xml", charset="utf-8")


def _response(answer: Answer) -> web.Response:
    if answer.text is not None:
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-type"}
        return web.Response(status=answer.status, text=answer.text, headers=headers, content_type="text/plain")
    body = None if answer.body is None else msgspec.json.encode(answer.body)
    return web.Response(status=answer.status, body=body, headers=answer.headers)
