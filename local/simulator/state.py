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
from typing import Any

import msgspec

from .entitlements import Entitlements
from .invited import InvitedGuest
from .observations import Mail
from .seed import Json, add, new_world
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
    directory, registry = world.directory, world.registry
    users = []
    for user in directory.users:
        known = registry.credentials.get(user.id.lower())
        sign_in: Json = {"password": known.password, "appRoles": list(known.app_roles)} if known else {}
        people: Json = {
            "sponsors": list(directory.sponsors.of(user.id)),
            "manager": next(iter(directory.managers.of(user.id)), None),
        }
        users.append({**user.properties, **sign_in, **people})
    seed: Json = {
        "tenant": {
            "id": directory.tenant.id,
            "displayName": directory.tenant.display_name,
            "initialDomain": directory.tenant.initial_domain,
            "verifiedDomains": directory.tenant.verified_domains,
        },
        "users": users,
        "groups": [
            {
                **group.properties,
                "owners": list(directory.owners.of(group.id)),
                "members": list(directory.members.of(group.id)),
            }
            for group in directory.groups
        ],
        **{
            section: [{**o.properties, "members": list(directory.members.of(o.id))} for o in objects]
            for section, objects in (
                ("administrativeUnits", directory.administrative_units),
                ("directoryRoles", directory.directory_roles),
            )
        },
        "servicePrincipals": [
            {**principal.properties, "owners": list(directory.owners.of(principal.id))}
            for principal in directory.service_principals
        ],
        "applications": [
            {**application.properties, "owners": list(directory.owners.of(application.id))}
            for application in directory.applications
        ],
        "appRoleAssignments": [
            {"id": a.id, "principalId": a.principal_id, "resourceId": a.resource_id, "appRoleId": a.app_role_id}
            for a in directory.assignments
        ],
        "clients": [_client(dataclasses.asdict(client)) for client in registry.clients.values()],
        "contacts": [{"mail": mail} for mail in sorted(directory.contacts)],
        "mailboxes": sorted(directory.mailboxes),
        "settings": msgspec.to_builtins(world.settings),
    }
    return {
        "seed": seed,
        "groupSettings": directory.group_settings,
        "authorizationPolicy": directory.authorization_policy,
        "invited": [dataclasses.asdict(guest) for guest in world.invited.guests.values()],
        "entitlements": world.entitlements.items,
        "mails": [dataclasses.asdict(mail) for mail in world.observations.mails],
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


def _client(facts: dict[str, Any]) -> Json:
    return {_camel(name): value for name, value in facts.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
