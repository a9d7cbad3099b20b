"""``/_sim``: what a test or a developer does to the simulated tenant, and sees of it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from . import graph_api
from .errors import GraphError
from .faults import FaultOrder
from .resources.invite_policy import CannotRedeem, redeem
from .resources.tenant import change_settings
from .seed import BadSeed, add_later
from .simulator import Simulator

Json = dict[str, Any]
Handler = Callable[[Simulator, web.Request, Json], Any]
"""Gives an answer, its JSON, or None for an empty one."""


class ClientChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The body of ``PATCH /_sim/clients/{id}``; what is not there stays."""

    graph_permissions: tuple[str, ...] | None = None
    app_roles: tuple[str, ...] | None = None


class TokenOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST /_sim/tokens``: a token of a person or of a client, wrong on purpose where asked."""

    audience: str
    username: str | None = None
    client_id: str | None = None
    claims: Json = msgspec.field(default_factory=dict)
    lifetime_s: int = 3600
    key: str = "current"
    alg: str = "RS256"
    headers: Json = msgspec.field(default_factory=dict)


def add_routes(app: web.Application, simulator: Simulator) -> None:
    for method, path, handler in _ROUTES:
        app.router.add_route(method, f"/_sim/{path}", _told(handler, simulator))


def _told(handler: Handler, simulator: Simulator) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """What a handler gives, as JSON. What the one who asked got wrong is a 400 that says so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise BadSeed("a JSON object is needed")
            said = handler(simulator, request, body)
        except (BadSeed, CannotRedeem, GraphError, msgspec.ValidationError, re.error) as error:
            text = error.message if isinstance(error, GraphError) else str(error)
            return web.json_response({"error": text}, status=400)
        if isinstance(said, web.Response):
            return said
        return web.Response(status=204) if said is None else web.json_response(said)

    return answer


def _change_settings(simulator: Simulator, _: web.Request, body: Json) -> Any:
    change_settings(simulator.world, body)
    return msgspec.to_builtins(simulator.world.settings)


def _add_fault(simulator: Simulator, _: web.Request, body: Json) -> web.Response:
    return web.json_response({"id": simulator.world.faults.add(msgspec.convert(body, FaultOrder)).id}, status=201)


def _remove_faults(simulator: Simulator, request: web.Request, _: Json) -> None:
    removed = simulator.world.faults.remove(request.match_info.get("id"))
    if not removed and "id" in request.match_info:
        raise web.HTTPNotFound


def _change_client(simulator: Simulator, request: web.Request, body: Json) -> None:
    registry = simulator.world.registry
    client = registry.find_client(request.match_info["id"])
    if client is None:
        raise web.HTTPNotFound
    change = msgspec.convert(body, ClientChange)
    registry.change_client(client, graph_permissions=change.graph_permissions, app_roles=change.app_roles)
    graph_api.write_down(simulator.world, client.client_id)


def _delete_app(simulator: Simulator, request: web.Request, _: Json) -> None:
    """Take a service principal out of the tenant, as an administrator does."""
    directory = simulator.world.directory
    principal = directory.service_principals.get(request.match_info["id"])
    if principal is None:
        raise web.HTTPNotFound
    directory.delete(principal)


def _redeem(simulator: Simulator, _: web.Request, body: Json) -> Json:
    user = redeem(simulator.world, redeem_url=body.get("redeemUrl"), user_id=body.get("userId"))
    return {"userId": user.id, "externalUserState": user.get("externalUserState")}


def _calls(simulator: Simulator, _: web.Request, _body: Json) -> list[Json]:
    counted = sorted(simulator.world.observations.calls.items())
    return [{"call": call, "status": status, "count": n} for (call, status), n in counted]


def _token(simulator: Simulator, request: web.Request, body: Json) -> Json:
    order = msgspec.convert(body, TokenOrder)
    issuer, registry = simulator.issuer, simulator.world.registry
    base = f"{request.scheme}://{request.host}"
    person = registry.find_person(order.username) if order.username else None
    client = registry.find_client(order.client_id) if order.client_id else None
    if person is not None:
        app_id = order.client_id or "00000000-0000-0000-0000-000000000000"
        claims = issuer.person_claims(person, app_id, order.audience, "access_as_user", base)
    elif client is not None:
        claims = issuer.app_claims(client, order.audience, base)
    else:
        raise BadSeed("no such person or client")
    claims = {k: v for k, v in (claims | order.claims).items() if v is not None}
    headers = order.headers or None
    token = issuer.mint(claims, lifetime_s=order.lifetime_s, key=order.key, alg=order.alg, headers=headers)
    return {"access_token": token}


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "reset", lambda simulator, _, body: simulator.reset(body.get("seed"))),
    ("POST", "seed", lambda simulator, _, body: add_later(simulator.world, body)),
    ("GET", "settings", lambda simulator, *_: msgspec.to_builtins(simulator.world.settings)),
    ("PATCH", "settings", _change_settings),
    ("POST", "faults", _add_fault),
    ("GET", "faults", lambda simulator, *_: [fault.shown() for fault in simulator.world.faults]),
    ("DELETE", "faults", _remove_faults),
    ("DELETE", "faults/{id}", _remove_faults),
    ("PATCH", "clients/{id}", _change_client),
    ("DELETE", "apps/{id}", _delete_app),
    ("GET", "mails", lambda simulator, *_: msgspec.to_builtins(simulator.world.observations.mails)),
    ("GET", "invitations", lambda simulator, *_: [one.shown() for one in simulator.world.invited.guests.values()]),
    ("POST", "redeem", _redeem),
    ("GET", "calls", _calls),
    ("GET", "log", lambda simulator, *_: simulator.world.observations.log),
    ("POST", "tokens", _token),
    ("POST", "keys/rotate", lambda simulator, *_: simulator.issuer.keys.rotate()),
)
