"""Creating and changing groups: required properties, kinds, the alternate key. No HTTP."""

import secrets
from typing import Final

from ...audits import Actor, group_target
from ...call import Caller, Json
from ...clock import stamp
from ...directory.objects import DirectoryObject
from ...errors import GraphError, bad_request, denied, synced, too_many_links
from ...odata.shapes import checked_body
from ...world import World
from .. import property_rules
from ..lookup import referenced
from ..permissions import ROLE_MANAGEMENT
from . import membership, ownership

MAX_BOUND: Final = 20
_READ_ONLY = frozenset(
    {
        "id",
        "createdDateTime",
        "deletedDateTime",
        "mail",
        "onPremisesSyncEnabled",
        "proxyAddresses",
        "renewedDateTime",
        "securityIdentifier",
    }
)
_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")


def create(world: World, body: Json, caller: Caller, actor: Actor) -> DirectoryObject:
    """A new group with the owners and members bound in the body. Not idempotent: names may repeat (graph contract
    "Groups").

    Raises:
        GraphError: 400 for missing or bad properties, too many or repeated bindings; 404 for an unknown
            bound object; 403 for a role-assignable group without its permission.
    """
    properties = _checked(world, body)
    for name in _REQUIRED:
        if properties.get(name) is None:
            raise bad_request(f"A value is required for property '{name}' of resource 'Group'.")
    kinds = properties.get("groupTypes") or []
    if properties["mailEnabled"] and "Unified" not in kinds:
        raise bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure that the "
            "mail-enablement property is unset and the security-enablement property is set."
        )
    if ("DynamicMembership" in kinds) != bool(properties.get("membershipRule")):
        raise bad_request("A membership rule is required for dynamic groups, and allowed for them only.")
    if properties.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    owners, members = bound(world, body, "owners"), bound(world, body, "members")
    if len(owners) + len(members) > MAX_BOUND:
        raise too_many_links()
    taken = properties.get("uniqueName")
    if taken is not None and world.directory.groups.having("uniqueName", taken):
        raise _not_unique("uniqueName")
    group = world.directory.create("group", _complete(world, properties))
    world.new.announce(group.id)
    for owner in owners:
        world.directory.link(world.directory.owners, group.id, owner.id)
    for member in members:
        world.directory.link(world.directory.members, group.id, member.id)
    world.audits.write(
        "Add group", by=actor, target=group_target(group.id, group.get("displayName")), category="GroupManagement"
    )
    return group


def update(world: World, group: DirectoryObject, body: Json, caller: Caller, actor: Actor) -> None:
    """Change properties and add the bound members and owners, all of it or nothing.

    Raises:
        GraphError: as `create` and `membership.add` do; 400 for a synced group.
    """
    changes = _checked(world, body)
    if changes.get("uniqueName") is not None and group.get("uniqueName") not in {None, changes["uniqueName"]}:
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")
    if changes.get("uniqueName") is not None and any(
        other is not group for other in world.directory.groups.having("uniqueName", changes["uniqueName"])
    ):
        raise _not_unique("uniqueName")
    if changes and group.get("onPremisesSyncEnabled"):
        raise synced()
    if group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    members = bound(world, body, "members", refused=membership.refusal(world, group, caller))
    owners = bound(world, body, "owners")
    if len(members) + len(owners) > MAX_BOUND:
        raise too_many_links()
    ownership.check_new(world, group, owners)
    membership.add(world, group, members, caller, actor)
    ownership.add(world, group, owners, caller, checked=True)
    if changes:
        world.directory.change(group, changes)


def bound(world: World, body: Json, name: str, *, refused: GraphError | None = None) -> list[DirectoryObject]:
    """The objects of ``<name>@odata.bind``.

    Args:
        refused: raised when there are any and the group takes none.

    Raises:
        GraphError: 400 for no list, a repeated object or more than 20; 404 for an unknown one.
    """
    references = body.get(f"{name}@odata.bind", [])
    if not isinstance(references, list):
        raise bad_request(f"Invalid value specified for property '{name}' of resource 'Group'.")
    if references and refused is not None:
        raise refused
    if len(references) > MAX_BOUND:
        raise too_many_links()
    objects = [referenced(world, reference) for reference in references]
    if len({object_.id for object_ in objects}) < len(objects):
        raise bad_request(
            f"The same object reference of property '{name}' can only be present once as an add/remove change."
        )
    return objects


def _checked(world: World, body: Json) -> Json:
    properties = checked_body(
        "group", body, reject_unknown=world.settings.odata.reject_unknown_properties, read_only=_READ_ONLY
    )
    property_rules.check("group", properties)
    return properties


def _complete(world: World, properties: Json) -> Json:
    created = stamp()
    is_unified = "Unified" in (properties.get("groupTypes") or [])
    mail = f"{properties['mailNickname']}@{world.directory.tenant.initial_domain}" if is_unified else None
    number = "-".join(str(secrets.randbits(32)) for _ in range(4))
    return {
        "createdDateTime": created,
        "renewedDateTime": created,
        "groupTypes": [],
        "mail": mail,
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
        "securityIdentifier": f"S-1-12-1-{number}",
        "visibility": "Public" if is_unified else None,
        **properties,
    }


def _not_unique(name: str) -> GraphError:
    return GraphError(
        400,
        "Request_BadRequest",
        f"Another object with the same value for property {name} already exists.",
    )
