"""``/_sim``: what a test or a developer does to the simulated tenant, and sees of it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from . import graph_api
from .errors import GraphError
from .faults import FaultOrder
from .resources.invitations.redemption import CannotRedeem, redeem
from .resources.policies import change_settings
from .seed import BadSeed, add_later
from .simulator import Simulator

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    control = _Control(simulator)
    for method, path, handler in (
        ("POST", "reset", control.reset),
        ("POST", "seed", control.seed),
        ("GET", "settings", control.show_settings),
        ("PATCH", "settings", control.change_settings),
        ("POST", "faults", control.add_fault),
        ("GET", "faults", control.show_faults),
        ("DELETE", "faults", control.remove_faults),
        ("DELETE", "faults/{id}", control.remove_faults),
        ("PATCH", "clients/{id}", control.change_client),
        ("DELETE", "apps/{id}", control.delete_app),
        ("GET", "mails", control.mails),
        ("GET", "invitations", control.invitations),
        ("POST", "redeem", control.redeem),
        ("GET", "calls", control.calls),
        ("GET", "log", control.log),
        ("POST", "tokens", control.token),
        ("POST", "keys/rotate", control.rotate_keys),
    ):
        app.router.add_route(method, f"/_sim/{path}", _told(handler))


def _told(handler: Handler) -> Handler:
    """What the one who asked got wrong is a 400 that says so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (BadSeed, CannotRedeem, GraphError, msgspec.ValidationError, re.error) as error:
            text = error.message if isinstance(error, GraphError) else str(error)
            return web.json_response({"error": text}, status=400)

    return answer


async def _json(request: web.Request) -> Json:
    body = await request.json() if request.can_read_body else {}
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return body


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def reset(self, request: web.Request) -> web.Response:
        self._simulator.reset((await _json(request)).get("seed"))
        return web.Response(status=204)

    async def seed(self, request: web.Request) -> web.Response:
        add_later(self._simulator.world, await _json(request))
        return web.Response(status=204)

    async def show_settings(self, request: web.Request) -> web.Response:
        return web.json_response(msgspec.to_builtins(self._simulator.world.settings))

    async def change_settings(self, request: web.Request) -> web.Response:
        change_settings(self._simulator.world, await _json(request))
        return await self.show_settings(request)

    async def add_fault(self, request: web.Request) -> web.Response:
        fault = self._simulator.world.faults.add(msgspec.convert(await _json(request), FaultOrder))
        return web.json_response({"id": fault.id}, status=201)

    async def show_faults(self, request: web.Request) -> web.Response:
        return web.json_response([fault.shown() for fault in self._simulator.world.faults])

    async def remove_faults(self, request: web.Request) -> web.Response:
        removed = self._simulator.world.faults.remove(request.match_info.get("id"))
        if not removed and "id" in request.match_info:
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def change_client(self, request: web.Request) -> web.Response:
        registry = self._simulator.world.registry
        client = registry.find_client(request.match_info["id"])
        if client is None:
            raise web.HTTPNotFound
        change = msgspec.convert(await _json(request), ClientChange)
        permissions, roles = change.graph_permissions, change.app_roles
        registry.change_client(client, graph_permissions=permissions, app_roles=roles)
        graph_api.write_down(self._simulator.world, client.client_id)
        return web.Response(status=204)

    async def delete_app(self, request: web.Request) -> web.Response:
        """Take a service principal out of the tenant, as an administrator does."""
        directory = self._simulator.world.directory
        principal = directory.service_principals.get(request.match_info["id"])
        if principal is None:
            return web.json_response({"error": "no such service principal"}, status=404)
        directory.delete(principal)
        return web.Response(status=204)

    async def mails(self, request: web.Request) -> web.Response:
        return web.json_response(msgspec.to_builtins(self._simulator.world.observations.mails))

    async def invitations(self, request: web.Request) -> web.Response:
        return web.json_response([guest.shown() for guest in self._simulator.world.invited.guests.values()])

    async def redeem(self, request: web.Request) -> web.Response:
        body = await _json(request)
        user = redeem(self._simulator.world, redeem_url=body.get("redeemUrl"), user_id=body.get("userId"))
        return web.json_response({"userId": user.id, "externalUserState": user.get("externalUserState")})

    async def calls(self, request: web.Request) -> web.Response:
        counted = self._simulator.world.observations.calls
        return web.json_response(
            [{"call": call, "status": status, "count": n} for (call, status), n in sorted(counted.items())]
        )

    async def log(self, request: web.Request) -> web.Response:
        return web.json_response(self._simulator.world.observations.log)

    async def token(self, request: web.Request) -> web.Response:
        order = msgspec.convert(await _json(request), TokenOrder)
        issuer, registry = self._simulator.issuer, self._simulator.world.registry
        base = f"{request.scheme}://{request.host}"
        person = registry.find_person(order.username) if order.username else None
        client = registry.find_client(order.client_id) if order.client_id else None
        if person is not None:
            app_id = order.client_id or "00000000-0000-0000-0000-000000000000"
            claims = issuer.person_claims(person, app_id, order.audience, "access_as_user", base)
        elif client is not None:
            claims = issuer.app_claims(client, order.audience, base)
        else:
            return web.json_response({"error": "no such person or client"}, status=400)
        claims = {k: v for k, v in (claims | order.claims).items() if v is not None}
        token = issuer.mint(
            claims, lifetime_s=order.lifetime_s, key=order.key, alg=order.alg, headers=order.headers or None
        )
        return web.json_response({"access_token": token})

    async def rotate_keys(self, request: web.Request) -> web.Response:
        self._simulator.issuer.rotate_keys()
        return web.Response(status=204)
