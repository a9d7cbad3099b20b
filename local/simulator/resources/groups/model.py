"""Creating and changing groups: required properties, kinds, the alternate key. No HTTP."""

from typing import Final

from ...audits import Actor, group_target
from ...call import Caller, Json
from ...clock import stamp
from ...directory.objects import DirectoryObject
from ...errors import bad_request, check_required, denied, not_unique, synced, too_many_links
from ...odata.shapes import checked_body
from ...world import World
from .. import property_rules
from ..lookup import check_unique_name, referenced, security_identifier
from ..permissions import ROLE_MANAGEMENT
from . import membership

MAX_BOUND: Final = 20


def create(world: World, body: Json, caller: Caller, actor: Actor) -> DirectoryObject:
    """A new group with the owners and members bound in the body. Not idempotent: names may repeat (graph contract
    "Groups"). Raises GraphError: 400 for missing or bad properties, too many or repeated bindings; 404 for an unknown
    bound object; 403 for a role-assignable group without its permission."""
    properties = _checked(world, body)
    check_required(properties, "Group", "displayName", "mailEnabled", "mailNickname", "securityEnabled")
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
    owners, members = _bound(world, body)
    taken = properties.get("uniqueName")
    if taken is not None and world.directory.groups.having("uniqueName", taken):
        raise not_unique("uniqueName")
    group = world.directory.create("group", _complete(world, properties))
    world.new.announce(group.id)
    for relation, others in ((world.directory.owners, owners), (world.directory.members, members)):
        for other in others:
            world.directory.link(relation, group.id, other.id)
    world.audits.write("Add group", by=actor, target=group_target(group), category="GroupManagement")
    return group


def update(world: World, group: DirectoryObject, body: Json, caller: Caller, actor: Actor) -> None:
    """Change properties and add the bound members and owners, all of it or nothing. Raises GraphError: as `create`
    and `membership.add` do; 400 for a synced group."""
    changes = _checked(world, body)
    check_unique_name(group, changes)
    name = changes.get("uniqueName")
    if name is not None and any(other is not group for other in world.directory.groups.having("uniqueName", name)):
        raise not_unique("uniqueName")
    if changes and group.get("onPremisesSyncEnabled"):
        raise synced()
    if group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    if body.get("members@odata.bind"):
        membership.check_kind(world, group, caller)
    owners, members = _bound(world, body)
    membership.check_new_owners(world, group, owners)
    membership.add(world, group, members, caller, actor)
    membership.add_owners(world, group, owners, caller, checked=True)
    if changes:
        world.directory.change(group, changes)


def _bound(world: World, body: Json) -> tuple[list[DirectoryObject], list[DirectoryObject]]:
    """The owners and members of ``<name>@odata.bind``. Raises GraphError: 400 for no list, a repeated object or more
    than 20; 404 for an unknown one."""
    found = []
    for name in ("owners", "members"):
        references = body.get(f"{name}@odata.bind", [])
        if not isinstance(references, list):
            raise bad_request(f"Invalid value specified for property '{name}' of resource 'Group'.")
        if len(references) > MAX_BOUND:
            raise too_many_links()
        objects = [referenced(world, reference) for reference in references]
        if len({object_.id for object_ in objects}) < len(objects):
            raise bad_request(
                f"The same object reference of property '{name}' can only be present once as an add/remove change."
            )
        found.append(objects)
    owners, members = found
    if len(owners) + len(members) > MAX_BOUND:
        raise too_many_links()
    return owners, members


def _checked(world: World, body: Json) -> Json:
    properties = checked_body(world.settings.odata, "group", body)
    property_rules.check("group", properties)
    return properties


def _complete(world: World, properties: Json) -> Json:
    created = stamp()
    is_unified = "Unified" in (properties.get("groupTypes") or [])
    mail = f"{properties['mailNickname']}@{world.directory.tenant.initial_domain}" if is_unified else None
    return {
        "createdDateTime": created,
        "renewedDateTime": created,
        "groupTypes": [],
        "mail": mail,
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
        "securityIdentifier": security_identifier(),
        "visibility": "Public" if is_unified else None,
        **properties,
    }
