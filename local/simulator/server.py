"""The simulator over HTTP: Graph under its versions, the token issuer beside it, control under ``/_sim``."""

import logging
from typing import Any

import msgspec
from aiohttp import web

from local.issuer import GRAPH, BadToken, Issuer

from . import metadata
from .call import Answer, Call, Caller
from .errors import bad_token
from .faults import Cut
from .pipeline import Pipeline, new_request_id
from .routing import split_path
from .seed import Json, new_world
from .traffic import Traffic
from .world import World

logger = logging.getLogger("local.simulator")

BODY_LIMIT = 16 * 1024 * 1024
_VERSIONS = ("v1.0", "beta")


class Simulator:
    """One tenant. `identity_header` is the secret of its managed identity endpoint."""

    def __init__(self, seed: Json, *, identity_header: str, traffic: Traffic | None = None) -> None:
        """Raises BadSeed."""
        self.seed = seed
        self.world: World = new_world(seed)
        self.traffic = traffic
        self.issuer = Issuer(_Tenant(self), identity_header=identity_header)
        self._pipeline = Pipeline(self._identify)

    def application(self) -> web.Application:
        """Everything, as one application."""
        from .control import add_routes

        app = web.Application(client_max_size=BODY_LIMIT)
        add_routes(app, self)
        for version in _VERSIONS:
            app.router.add_get(f"/{version}/$metadata", _metadata)
            app.router.add_route("*", f"/{version}/{{path:.*}}", self._graph)
        self.issuer.add_routes(app)
        return app

    def reset(self, seed: Json | None = None) -> None:
        """Back to the seed the simulator was started with, or to another. Raises BadSeed."""
        fresh = new_world(seed if seed is not None else self.seed)
        self.world.faults.remove()
        if seed is not None:
            self.seed = seed
        self.world = fresh

    async def _graph(self, request: web.Request) -> web.StreamResponse:
        version = request.path.split("/")[1]
        raw_path, _, raw_query = request.raw_path.partition("?")
        path, segments = split_path(raw_path.removeprefix(f"/{version}"))
        call = Call(
            world=self.world,
            method=request.method,
            version=version,
            path=path,
            segments=segments,
            raw_query=raw_query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=None,
            base_url=f"{request.scheme}://{request.host}/{version}",
            request_id=new_request_id(),
        )
        raw = await request.read()
        try:
            call.body = msgspec.json.decode(raw) if raw else None
        except msgspec.DecodeError:
            call.unreadable = True
        try:
            answer = await self._pipeline.answer(call)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=504)
        # An answer written by hand for a fault is no claim about Graph.
        if self.traffic is not None and version == "v1.0" and not answer.by_hand:
            self.traffic.record(
                method=call.method,
                path=request.raw_path,
                status=answer.status,
                request=call.body,
                response=answer.body,
            )
        return _response(answer)

    def _identify(self, call: Call) -> Caller:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise bad_token("Access token is empty.")
        try:
            claims = self.issuer.verify(token.strip(), audience=GRAPH)
        except BadToken as error:
            logger.info("a token was refused: %s", error)
            raise bad_token("Access token validation failure.") from error
        is_app = claims.get("idtyp") == "app"
        permissions = claims.get("roles", []) if is_app else str(claims.get("scp", "")).split()
        app_id = str(claims.get("appid") or claims.get("azp") or "")
        return Caller(app_id, str(claims["oid"]), frozenset(permissions), is_app)


async def _metadata(_request: web.Request) -> web.Response:
    """Needs no token, as in Graph."""
    return web.Response(body=metadata.document(), content_type="application/xml", charset="utf-8")


class _Tenant:
    """The issuer's view of the people of now: a reset brings others."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    @property
    def tenant_id(self) -> str:
        return self._simulator.world.directory.tenant.id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._simulator.world.registry, name)


def _response(answer: Answer) -> web.Response:
    if answer.text is not None:
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-type"}
        return web.Response(status=answer.status, text=answer.text, headers=headers, content_type="text/plain")
    body = None if answer.body is None else msgspec.json.encode(answer.body)
    return web.Response(status=answer.status, body=body, headers=answer.headers)
