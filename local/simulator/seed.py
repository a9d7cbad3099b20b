"""The seed: a tenant with its people, groups, apps and clients as one JSON document, how it becomes a world, and back
again; and the file that keeps a world from one start to the next."""

import asyncio
import dataclasses
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec

from . import graph_api
from .audits import AuditLog
from .clock import instant, stamp
from .directory import Directory, TenantFacts
from .entitlements import Entitlements
from .invited import InvitedGuest
from .issuer import Client
from .objects import Assignment, DirectoryObject, Relation
from .observations import Mail
from .registry import Credentials, Registry
from .resources.app_role_assignments import PRINCIPAL_TYPES, new_assignment_id
from .settings import BadSettings, Settings, merged
from .tables import TABLES
from .world import World

Json = dict[str, Any]
_SAVE_EVERY_S = 0.5

KINDS = {
    "users": "user",
    "servicePrincipals": "servicePrincipal",
    "applications": "application",
    "groups": "group",
    "administrativeUnits": "administrativeUnit",
    "directoryRoles": "directoryRole",
}
"""Sections of objects; of each object the links that `_links` names stand beside its properties."""
_SECTIONS = {"tenant", *KINDS, "appRoleAssignments", "clients", "contacts", "mailboxes", "settings"}


class BadSeed(Exception):
    """The document is no seed; the text says why."""


def new_world(seed: Json) -> World:
    """A fresh world. Raises BadSeed."""
    tenant: Json = seed.get("tenant") or {}
    if "id" not in tenant or "initialDomain" not in tenant:
        raise BadSeed("tenant.id and tenant.initialDomain are required")
    initial, domains = tenant["initialDomain"], list(tenant.get("verifiedDomains") or [])
    verified = domains if initial in domains else [*domains, initial]
    directory = Directory(TenantFacts(tenant["id"], tenant.get("displayName") or initial, initial, verified))
    world = World(directory, Registry(directory), Settings(), AuditLog())
    add(world, seed)
    graph_api.principal(directory)
    return world


def seed_of(world: World) -> Json:
    """The reverse: what `new_world` and `add` make the same world of."""
    directory, registry, tenant = world.directory, world.registry, world.directory.tenant
    sections = {name: [_written(world, o) for o in directory.set_of(kind)] for name, kind in KINDS.items()}
    assignments = [
        {"id": a.id, "principalId": a.principal_id, "resourceId": a.resource_id, "appRoleId": a.app_role_id}
        for a in directory.assignments
    ]
    return {
        "tenant": {
            "id": tenant.id,
            "displayName": tenant.display_name,
            "initialDomain": tenant.initial_domain,
            "verifiedDomains": tenant.verified_domains,
        },
        **sections,
        "appRoleAssignments": assignments,
        "clients": [_camel(dataclasses.asdict(client)) for client in registry.clients.values()],
        "contacts": [{"mail": mail} for mail in sorted(directory.contacts)],
        "mailboxes": sorted(directory.mailboxes),
        "settings": msgspec.to_builtins(world.settings),
    }


def add_later(world: World, seed: Json) -> None:
    """As `add`, in a tenant that lives: delta queries tell of the seed's users and groups as of any change. Raises
    BadSeed: as `add`."""
    directory = world.directory
    relations = (("members", directory.members), ("owners", directory.owners))
    groups = [str(group.get("id", "")).lower() for group in seed.get("groups") or []]
    before = {group: {name: set(relation.of(group)) for name, relation in relations} for group in groups}
    add(world, seed)
    for user in seed.get("users") or []:
        directory.changes.record("user", user["id"], "changed")
    for group, links in before.items():
        directory.changes.record("group", group, "changed")
        for name, relation in relations:
            for other in links[name] ^ set(relation.of(group)):
                directory.changes.record("group", group, name, other)


def add(world: World, seed: Json) -> None:
    """Add the seed's objects, replacing those with the same id. The tenant's facts stay as they are. Raises BadSeed:
    an unknown section, an entry without an id, or settings that do not fit."""
    unknown = seed.keys() - _SECTIONS
    if unknown:
        raise BadSeed(f"unknown sections: {', '.join(sorted(unknown))}")
    try:
        for name, kind in KINDS.items():
            for facts in seed.get(name) or []:
                _add_object(world, kind, dict(facts))
        for client in seed.get("clients") or []:
            _add_client(world, client)
        for assignment in seed.get("appRoleAssignments") or []:
            _add_assignment(world, assignment)
        for client in seed.get("clients") or []:
            graph_api.write_down(world, client["clientId"])
        world.directory.contacts |= {contact["mail"].lower() for contact in seed.get("contacts") or []}
        world.directory.mailboxes |= {id_.lower() for id_ in seed.get("mailboxes") or []}
        world.settings = merged(world.settings, seed.get("settings") or {})
    except (KeyError, TypeError, AttributeError) as error:
        raise BadSeed(f"{type(error).__name__}: {error}") from error
    except BadSettings as error:
        raise BadSeed(f"settings: {error}") from error


def _links(directory: Directory, kind: str) -> dict[str, Relation]:
    """The links that a seed has beside an object's properties, replaced with the object."""
    if kind == "user":
        return {"sponsors": directory.sponsors, "manager": directory.managers}
    owned = {"owners": directory.owners} if kind in ("group", "servicePrincipal", "application") else {}
    return owned | ({} if kind in ("servicePrincipal", "application") else {"members": directory.members})


def _add_object(world: World, kind: str, facts: Json) -> None:
    directory = world.directory
    links = {name: facts.pop(name, None) for name in _links(directory, kind)}
    password, roles = facts.pop("password", None), () if kind != "user" else tuple(facts.pop("appRoles", ()))
    added = directory.set_of(kind).add(_completed(directory, kind, facts))
    if kind == "user":
        world.registry.credentials[added.id.lower()] = Credentials(password, roles)
    for name, relation in _links(directory, kind).items():
        targets: Iterable[str] = links[name] or ()
        relation.replace(added.id, [targets] if isinstance(targets, str) else targets)


def _completed(directory: Directory, kind: str, facts: Json) -> Json:
    """What Graph would have set by itself, where the seed does not say it."""
    created = stamp()
    match kind:
        case "user":
            name, mail = facts.get("userPrincipalName") or facts["mail"], facts.get("mail")
            made: Json = {"accountEnabled": True, "displayName": name, "otherMails": [], "userType": "Member"}
            made |= {"createdDateTime": created, "proxyAddresses": [f"SMTP:{mail}"] if mail else []}
            return {**made, **facts, "userPrincipalName": name}
        case "group":
            nickname = str(facts["displayName"]).replace(" ", "")
            made = {"mailEnabled": False, "securityEnabled": True, "groupTypes": [], "proxyAddresses": []}
            made |= {"createdDateTime": created, "renewedDateTime": created, "mailNickname": nickname}
        case "servicePrincipal":
            app_id = facts.setdefault("appId", str(uuid.uuid4()))
            made = {"accountEnabled": True, "appRoleAssignmentRequired": False, "appRoles": []}
            made |= {"appDisplayName": facts.get("displayName"), "appOwnerOrganizationId": directory.tenant.id}
            made |= {"servicePrincipalNames": [app_id], "servicePrincipalType": "Application"}
        case "application":
            facts["web"] = {**TABLES["web"], **(facts.get("web") or {})}
            made = {**TABLES["application"], "appId": str(uuid.uuid4()), "createdDateTime": created}
        case _:
            made = {}
    return {**made, **facts}


def _written(world: World, object_: DirectoryObject) -> Json:
    facts = dict(object_.properties)
    for name, relation in _links(world.directory, object_.kind).items():
        targets = list(relation.of(object_.id))
        facts[name] = next(iter(targets), None) if name == "manager" else targets
    known = world.registry.credentials.get(object_.id.lower()) if object_.kind == "user" else None
    return facts | ({"password": known.password, "appRoles": list(known.app_roles)} if known else {})


def _add_client(world: World, facts: Json) -> None:
    """A client is a service principal too, made here unless the seed has it."""
    try:
        client = msgspec.convert({_snake(k): v for k, v in facts.items() if v is not None}, Client)
    except msgspec.ValidationError as error:
        raise TypeError(f"clients: {error}") from error
    world.registry.clients[client.client_id.lower()] = client
    if world.directory.service_principals.get(client.object_id) is None:
        type_ = "ManagedIdentity" if client.is_managed_identity else "Application"
        names = {"id": client.object_id, "appId": client.client_id, "displayName": client.name}
        _add_object(world, "servicePrincipal", {**names, "servicePrincipalType": type_})


def _add_assignment(world: World, assignment: Json) -> None:
    principal = world.directory.find(assignment["principalId"])
    if principal is None:
        raise BadSeed(f"appRoleAssignments: no principal {assignment['principalId']}")
    resource, role = assignment["resourceId"], assignment["appRoleId"].lower()
    if world.directory.assignments.same(principal.id, resource, role) is None:
        id_ = assignment.get("id") or new_assignment_id(principal.id)
        made = Assignment(id_, principal.id, PRINCIPAL_TYPES[principal.kind], resource, role, instant())
        world.directory.assignments.add(made)


def _camel(facts: dict[str, Any]) -> Json:
    return {name[0] + name.title().replace("_", "")[1:]: value for name, value in facts.items()}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class StateFile:
    """One SQLite file with one document; each save replaces it in one transaction.

    Kept: objects, links, app role assignments, who can sign in, settings, access packages with their requests,
    invitations with their tickets, and the mails that were sent. Not kept: faults, counters, drafts, the recycle bin,
    cross-tenant settings and delta tokens (clients see an expired one).
    """

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
