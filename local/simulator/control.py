"""``/_sim``: what a test or a developer does to the simulated tenant, and sees of it."""

import re
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
    app.router.add_post("/_sim/reset", control.reset)
    app.router.add_post("/_sim/seed", control.seed)
    app.router.add_get("/_sim/settings", control.show_settings)
    app.router.add_patch("/_sim/settings", control.change_settings)
    app.router.add_post("/_sim/faults", control.add_fault)
    app.router.add_get("/_sim/faults", control.show_faults)
    app.router.add_delete("/_sim/faults", control.remove_faults)
    app.router.add_delete("/_sim/faults/{id}", control.remove_faults)
    app.router.add_patch("/_sim/clients/{id}", control.change_client)
    app.router.add_delete("/_sim/apps/{id}", control.delete_app)
    app.router.add_get("/_sim/mails", control.mails)
    app.router.add_get("/_sim/invitations", control.invitations)
    app.router.add_post("/_sim/redeem", control.redeem)
    app.router.add_get("/_sim/calls", control.calls)
    app.router.add_get("/_sim/log", control.log)
    app.router.add_post("/_sim/tokens", control.token)
    app.router.add_post("/_sim/keys/rotate", control.rotate_keys)


def _bad(why: object) -> web.Response:
    return web.json_response({"error": str(why)}, status=400)


async def _json(request: web.Request) -> Json:
    body = await request.json() if request.can_read_body else {}
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return body


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def reset(self, request: web.Request) -> web.Response:
        try:
            self._simulator.reset((await _json(request)).get("seed"))
        except BadSeed as error:
            return _bad(error)
        return web.Response(status=204)

    async def seed(self, request: web.Request) -> web.Response:
        try:
            add_later(self._simulator.world, await _json(request))
        except BadSeed as error:
            return _bad(error)
        return web.Response(status=204)

    async def show_settings(self, request: web.Request) -> web.Response:
        return web.json_response(msgspec.to_builtins(self._simulator.world.settings))

    async def change_settings(self, request: web.Request) -> web.Response:
        try:
            change_settings(self._simulator.world, await _json(request))
        except GraphError as error:
            return _bad(error.message)
        return await self.show_settings(request)

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = self._simulator.world.faults.add(msgspec.convert(await _json(request), FaultOrder))
        except (msgspec.ValidationError, re.error) as error:
            return _bad(error)
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
        body = await _json(request)
        unknown = body.keys() - {"graphPermissions", "appRoles"}
        if unknown:
            return _bad(f"unknown: {', '.join(sorted(unknown))}")
        permissions, roles = body.get("graphPermissions"), body.get("appRoles")
        registry.change_client(
            client,
            graph_permissions=None if permissions is None else tuple(permissions),
            app_roles=None if roles is None else tuple(roles),
        )
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
        return web.json_response([mail.shown() for mail in self._simulator.world.observations.mails])

    async def invitations(self, request: web.Request) -> web.Response:
        return web.json_response([guest.shown() for guest in self._simulator.world.invited.guests.values()])

    async def redeem(self, request: web.Request) -> web.Response:
        body = await _json(request)
        try:
            user = redeem(self._simulator.world, redeem_url=body.get("redeemUrl"), user_id=body.get("userId"))
        except CannotRedeem as error:
            return _bad(error)
        return web.json_response({"userId": user.id, "externalUserState": user.get("externalUserState")})

    async def calls(self, request: web.Request) -> web.Response:
        counted = self._simulator.world.observations.calls
        return web.json_response(
            [{"call": call, "status": status, "count": n} for (call, status), n in sorted(counted.items())]
        )

    async def log(self, request: web.Request) -> web.Response:
        return web.json_response(self._simulator.world.observations.log)

    async def token(self, request: web.Request) -> web.Response:
        try:
            order = msgspec.convert(await _json(request), TokenOrder)
        except msgspec.ValidationError as error:
            return _bad(error)
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
            return _bad("no such person or client")
        claims = {k: v for k, v in (claims | order.claims).items() if v is not None}
        token = issuer.mint(
            claims, lifetime_s=order.lifetime_s, key=order.key, alg=order.alg, headers=order.headers or None
        )
        return web.json_response({"access_token": token})

    async def rotate_keys(self, request: web.Request) -> web.Response:
        self._simulator.issuer.rotate_keys()
        return web.Response(status=204)
