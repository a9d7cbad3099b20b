"""The directory kept in a SQLite file from one start to the next.

Kept: objects, links, app role assignments, who can sign in, settings, access packages with their requests,
invitations with their tickets, and the mails that were sent. Not kept: faults, counters, drafts, the recycle bin,
cross-tenant settings and delta tokens (clients see an expired one).
"""

import asyncio
import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from .entitlements import Entitlements
from .invited import InvitedGuest
from .observations import Mail
from .seed import Json, add, new_world, seed_of
from .world import World

_SAVE_EVERY_S = 0.5


class StateFile:
    """One SQLite file with one document; each save replaces it in one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), document BLOB)")

    def load(self) -> World | None:
        """The world that was saved, or None where none was."""
        with closing(sqlite3.connect(self._path)) as db:
            row = db.execute("SELECT document FROM state").fetchone()
        return None if row is None else restored(msgspec.json.decode(row[0]))

    def save(self, world: World) -> None:
        document = msgspec.json.encode(snapshot(world))
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (document,))

    async def keep(self, world_of_now: Callable[[], World]) -> None:
        """Save whenever something changed, until cancelled."""
        saved: tuple[int, int, int] | None = None
        with suppress(asyncio.CancelledError):
            while True:
                world = world_of_now()
                mark = (id(world), world.writes, len(world.observations.mails))
                if mark != saved:
                    self.save(world)
                    saved = mark
                await asyncio.sleep(_SAVE_EVERY_S)
        self.save(world_of_now())


def snapshot(world: World) -> Json:
    """The world as a seed, with what a seed does not have beside it."""
    return {
        "seed": seed_of(world),
        "groupSettings": world.directory.group_settings,
        "authorizationPolicy": world.directory.authorization_policy,
        "invited": [dataclasses.asdict(guest) for guest in world.invited.guests.values()],
        "entitlements": world.entitlements.items,
        "mails": [msgspec.structs.asdict(mail) for mail in world.observations.mails],
    }


def restored(document: Json) -> World:
    """A world from a snapshot."""
    seed = document["seed"]
    settings = seed.pop("settings")
    world = new_world(seed)
    add(world, {"settings": settings})
    world.directory.group_settings.update(document["groupSettings"])
    world.directory.authorization_policy.update(document["authorizationPolicy"])
    for guest in document["invited"]:
        world.invited.guests[guest["user_id"].lower()] = InvitedGuest(**guest)
    if "entitlements" in document:
        world.entitlements = Entitlements(document["entitlements"])
    world.observations.mails += [Mail(**mail) for mail in document["mails"]]
    return world
