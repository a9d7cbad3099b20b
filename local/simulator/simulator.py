"""One simulated tenant: its world, the issuer of its tokens, and who a token speaks for."""

import logging

from .call import Call, Caller
from .errors import bad_token
from .issuer import GRAPH, BadToken, Issuer
from .observations import Traffic
from .seed import Json, new_world
from .world import World

logger = logging.getLogger("local.simulator")


class Simulator:
    """One tenant. `identity_header` is the secret of its managed identity endpoint."""

    def __init__(self, seed: Json, *, identity_header: str, traffic: Traffic | None = None) -> None:
        """Raises BadSeed."""
        self.seed = seed
        self._world = new_world(seed)
        self.traffic = traffic
        self.issuer = Issuer(self._world.registry, identity_header=identity_header)

    @property
    def world(self) -> World:
        """The world of now; the issuer knows its people, whichever it is."""
        return self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world, self.issuer.people = world, world.registry

    def reset(self, seed: Json | None = None) -> None:
        """Back to the seed the simulator was started with, or to another. Raises BadSeed."""
        fresh = new_world(seed if seed is not None else self.seed)
        self.world.faults.remove()
        if seed is not None:
            self.seed = seed
        self.world = fresh

    def identify(self, call: Call) -> Caller:
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
