"""The seed: a tenant with its people, groups, apps and clients as one JSON document, and how it becomes a world."""

import uuid
from collections.abc import Iterable
from typing import Any

from . import graph_api
from .audits import AuditLog
from .clock import now, stamp
from .directory.directory import Directory, TenantFacts
from .directory.relations import Assignment, Relation
from .issuer import Client
from .registry import Credentials, Registry
from .resources.app_role_assignments import new_assignment_id
from .resources.applications import NEW, NO_WEB
from .settings import BadSettings, Settings, merged
from .world import World

Json = dict[str, Any]

_SECTIONS = {
    "tenant",
    "users",
    "groups",
    "administrativeUnits",
    "directoryRoles",
    "servicePrincipals",
    "applications",
    "appRoleAssignments",
    "clients",
    "contacts",
    "mailboxes",
    "settings",
}


class BadSeed(Exception):
    """The document is no seed; the text says why."""


def new_world(seed: Json) -> World:
    """A fresh world. Raises BadSeed."""
    tenant: Json = seed.get("tenant") or {}
    if "id" not in tenant or "initialDomain" not in tenant:
        raise BadSeed("tenant.id and tenant.initialDomain are required")
    initial = tenant["initialDomain"]
    domains = list(tenant.get("verifiedDomains") or [])
    directory = Directory(
        TenantFacts(
            id=tenant["id"],
            display_name=tenant.get("displayName") or initial,
            initial_domain=initial,
            verified_domains=domains if initial in domains else [*domains, initial],
        )
    )
    world = World(directory, Registry(directory), Settings(), AuditLog())
    add(world, seed)
    graph_api.principal(directory)
    return world


def add_later(world: World, seed: Json) -> None:
    """As `add`, in a tenant that lives: delta queries tell of the seed's users and groups as of any change.

    Raises:
        BadSeed: as `add`.
    """
    directory = world.directory
    before = {
        str(group.get("id", "")).lower(): {
            name: set(relation.of(str(group.get("id", ""))))
            for name, relation in (("members", directory.members), ("owners", directory.owners))
        }
        for group in seed.get("groups") or []
    }
    add(world, seed)
    for user in seed.get("users") or []:
        directory.changes.record("user", user["id"], "changed")
    for group, links in before.items():
        directory.changes.record("group", group, "changed")
        for name, relation in (("members", directory.members), ("owners", directory.owners)):
            for other in links[name] ^ set(relation.of(group)):
                directory.changes.record("group", group, name, other)


def add(world: World, seed: Json) -> None:
    """Add the seed's objects, replacing those with the same id. The tenant's facts stay as they are.

    Raises:
        BadSeed: an unknown section, an entry without an id, or settings that do not fit.
    """
    unknown = seed.keys() - _SECTIONS
    if unknown:
        raise BadSeed(f"unknown sections: {', '.join(sorted(unknown))}")
    try:
        for user in seed.get("users") or []:
            _add_user(world, dict(user))
        for principal in seed.get("servicePrincipals") or []:
            _add_service_principal(world, dict(principal))
        for application in seed.get("applications") or []:
            _add_application(world, dict(application))
        for client in seed.get("clients") or []:
            _add_client(world, client)
        for group in seed.get("groups") or []:
            _add_group(world, dict(group))
        for section, objects in (
            ("administrativeUnits", world.directory.administrative_units),
            ("directoryRoles", world.directory.directory_roles),
        ):
            for holder in seed.get(section) or []:
                facts = {name: value for name, value in holder.items() if name != "members"}
                _replace(world.directory.members, objects.add(facts).id, holder.get("members", ()))
        for assignment in seed.get("appRoleAssignments") or []:
            _add_assignment(world, assignment)
        for client in seed.get("clients") or []:
            graph_api.write_down(world, client["clientId"])
        for contact in seed.get("contacts") or []:
            world.directory.contacts.add(contact["mail"].lower())
        world.directory.mailboxes |= {id_.lower() for id_ in seed.get("mailboxes") or []}
        world.settings = merged(world.settings, seed.get("settings") or {})
    except (KeyError, TypeError, AttributeError) as error:
        raise BadSeed(f"{type(error).__name__}: {error}") from error
    except BadSettings as error:
        raise BadSeed(f"settings: {error}") from error


def _add_user(world: World, user: Json) -> None:
    password, roles = user.pop("password", None), tuple(user.pop("appRoles", ()))
    sponsors, manager = user.pop("sponsors", ()), user.pop("manager", None)
    name = user.get("userPrincipalName") or user["mail"]
    mail = user.get("mail")
    added = world.directory.users.add(
        {
            "accountEnabled": True,
            "createdDateTime": stamp(),
            "displayName": name,
            "otherMails": [],
            "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
            "userType": "Member",
            **user,
            "userPrincipalName": name,
        }
    )
    world.registry.credentials[added.id.lower()] = Credentials(password, roles)
    for sponsor in sponsors:
        world.directory.sponsors.add(added.id, sponsor)
    _replace(world.directory.managers, added.id, [manager] if manager else [])


def _add_group(world: World, group: Json) -> None:
    owners, members = group.pop("owners", ()), group.pop("members", ())
    created = stamp()
    added = world.directory.groups.add(
        {
            "createdDateTime": created,
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": str(group["displayName"]).replace(" ", ""),
            "proxyAddresses": [],
            "renewedDateTime": created,
            "securityEnabled": True,
            **group,
        }
    )
    _replace(world.directory.owners, added.id, owners)
    _replace(world.directory.members, added.id, members)


def _add_service_principal(world: World, principal: Json) -> None:
    owners = principal.pop("owners", ())
    app_id = principal.get("appId") or str(uuid.uuid4())
    added = world.directory.service_principals.add(
        {
            "accountEnabled": True,
            "appDisplayName": principal.get("displayName"),
            "appOwnerOrganizationId": world.directory.tenant.id,
            "appRoleAssignmentRequired": False,
            "appRoles": [],
            "servicePrincipalNames": [app_id],
            "servicePrincipalType": "Application",
            **principal,
            "appId": app_id,
        }
    )
    _replace(world.directory.owners, added.id, owners)


def _add_application(world: World, application: Json) -> None:
    owners = application.pop("owners", ())
    added = world.directory.applications.add(
        {
            **NEW,
            "appId": str(uuid.uuid4()),
            "createdDateTime": stamp(),
            "oauth2RequirePostResponse": False,
            **application,
            "web": {**NO_WEB, **(application.get("web") or {})},
        }
    )
    _replace(world.directory.owners, added.id, owners)


def _add_client(world: World, client: Json) -> None:
    """A client is a service principal too, made here unless the seed has it."""
    made = Client(
        client_id=client["clientId"],
        object_id=client["objectId"],
        name=client["name"],
        secret=client.get("secret"),
        graph_permissions=tuple(client.get("graphPermissions") or ()),
        app_roles=tuple(client.get("appRoles") or ()),
        is_managed_identity=client.get("isManagedIdentity", False),
        redirect_uris=tuple(client.get("redirectUris") or ()),
        optional_claims=tuple(client.get("optionalClaims") or ()),
        resource_id=client.get("resourceId"),
    )
    world.registry.clients[made.client_id.lower()] = made
    if world.directory.service_principals.get(made.object_id) is None:
        _add_service_principal(
            world,
            {
                "id": made.object_id,
                "appId": made.client_id,
                "displayName": made.name,
                "servicePrincipalType": "ManagedIdentity" if made.is_managed_identity else "Application",
            },
        )


def _add_assignment(world: World, assignment: Json) -> None:
    principal = world.directory.find(assignment["principalId"])
    if principal is None:
        raise BadSeed(f"appRoleAssignments: no principal {assignment['principalId']}")
    ids = (principal.id, assignment["resourceId"], assignment["appRoleId"])
    if world.directory.assignments.same(*ids) is not None:
        return
    types = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
    world.directory.assignments.add(
        Assignment(
            id=assignment.get("id") or new_assignment_id(principal.id),
            principal_id=ids[0],
            principal_type=types[principal.kind],
            resource_id=ids[1],
            app_role_id=ids[2].lower(),
            created=now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        )
    )


def _replace(relation: Relation, source: str, targets: Iterable[str]) -> None:
    for target in list(relation.of(source)):
        relation.remove(source, target)
    for target in targets:
        relation.add(source, target)
