"""``/groups``: made, read and changed by id or unique name; their owners and members."""

from typing import Final

from ..audits import group_target
from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..errors import GraphError, bad_request, check_required, denied, not_found, not_unique, synced, too_many_links
from ..listing import Visible
from ..objects import DirectoryObject, OrderedIds, Relation
from ..odata.shapes import check_values, checked_body
from ..routing import Route
from ..world import World
from . import group_members
from . import permissions as may
from .answers import PEOPLE_AND_GROUPS, changed, collection, created, linked, listed, one, references, upserted
from .lookup import check_unique_name, need_group, referenced, security_identifier, seen_once

MAX_BOUND: Final = 20


def _create(call: Call, body: Json) -> DirectoryObject:
    """A new group with the owners and members bound in the body. Not idempotent: names may repeat (graph contract
    "Groups"). Raises GraphError: 400 for missing or bad properties, too many or repeated bindings; 404 for an unknown
    bound object; 403 for a role-assignable group without its permission."""
    world = call.world
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
    if properties.get("isAssignableToRole") and not call.who.may(may.ROLE_MANAGEMENT):
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
    world.audits.write("Add group", by=call.actor, target=group_target(group), category="GroupManagement")
    return group


def _update(call: Call, group: DirectoryObject, body: Json) -> None:
    """Change properties and add the bound members and owners, all of it or nothing. Raises GraphError: as `_create`
    and `group_members.add` do; 400 for a synced group."""
    world = call.world
    changes = _checked(world, body)
    check_unique_name(group, changes)
    name = changes.get("uniqueName")
    if name is not None and any(other is not group for other in world.directory.groups.having("uniqueName", name)):
        raise not_unique("uniqueName")
    if changes and group.get("onPremisesSyncEnabled"):
        raise synced()
    if group.get("isAssignableToRole") and not call.who.may(may.ROLE_MANAGEMENT):
        raise denied()
    if body.get("members@odata.bind"):
        group_members.check_kind(world, group, call.who)
    owners, members = _bound(world, body)
    group_members.check_new_owners(world, group, owners)
    group_members.add(world, group, members, call.who, call.actor)
    group_members.add_owners(world, group, owners, call.who, checked=True)
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
    check_values("group", properties)
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


def create_group(call: Call) -> Answer:
    return created(call, _create(call, call.json()))


def update_group(call: Call) -> Answer:
    group, body = need_group(call), call.json()
    changes_more = any(name != "members@odata.bind" and not name.startswith("@") for name in body)
    if changes_more and not call.holds(may.GROUP_WRITE):
        raise denied()
    _update(call, group, body)
    return NO_CONTENT


def delete_group(call: Call) -> Answer:
    group = need_group(call)
    if group.get("onPremisesSyncEnabled"):
        raise bad_request("Unable to delete on-premises mastered Directory Sync objects.")
    call.world.directory.delete(group)
    return NO_CONTENT


def upsert_group(call: Call) -> Answer:
    def change(group: DirectoryObject, body: Json) -> None:
        if not call.holds(may.GROUP_WRITE):
            raise denied()
        _update(call, group, body)

    return upserted(call, "group", change, lambda body: _create(call, body))


def refuse_reference_patch(call: Call) -> Answer:
    """Several members at once go through PATCH of the group, not of the collection (graph contract "Groups")."""
    need_group(call)
    raise GraphError(400, "BadRequest", "The request is currently not supported on the targeted entity set")


def _members_seen(call: Call) -> Visible | None:
    group, window = call.keys["group"], call.world.settings.replication.members_read
    return seen_once(call.world, "members_list", window, lambda member: f"{group}/{member.id}")


def _transitive(call: Call) -> OrderedIds:
    directory, found = call.world.directory, OrderedIds()
    waiting = [need_group(call).id]
    while waiting:
        for key in directory.members.of(waiting.pop()):
            if found.add(key) and directory.groups.get(key) is not None:
                waiting.append(key)
    return found


def _changeable(call: Call) -> DirectoryObject:
    group = need_group(call)
    group_members.check_kind(call.world, group, call.who)
    return group


def _related(name: str, *, owners: bool) -> tuple[Route, ...]:
    base, read = f"/groups/{{group}}/{name}", may.MEMBER_READ

    def relation(call: Call) -> Relation:
        return call.world.directory.owners if owners else call.world.directory.members

    def ids(call: Call) -> OrderedIds:
        return relation(call).of(need_group(call).id)

    def one_of(call: Call) -> DirectoryObject:
        group, key = need_group(call), call.keys["object"]
        object_ = call.world.directory.find(key)
        if object_ is None or not relation(call).holds(group.id, key):
            raise not_found(key)
        return object_

    def delete(call: Call) -> Answer:
        """Without ``/$ref`` this deletes the object itself (graph contract "Groups", "Deletion without $ref"): a trap
        that a simulator must keep."""
        object_ = one_of(call)
        if object_.kind != "user":
            raise not_found(object_.id)
        call.world.directory.delete(object_)
        return NO_CONTENT

    def add(call: Call, group: DirectoryObject, other: DirectoryObject) -> None:
        if owners:
            group_members.add_owners(call.world, group, [other], call.who)
        else:
            group_members.add(call.world, group, [other], call.who, call.actor)

    def remove(call: Call, group: DirectoryObject, id_: str) -> None:
        if owners:
            group_members.remove_owner(call.world, group, id_, call.who)
        else:
            group_members.remove(call.world, group, id_, call.who, call.actor)

    find, write = (need_group, may.GROUP_WRITE) if owners else (_changeable, may.MEMBER_WRITE)
    seen = (lambda _: None) if owners else _members_seen
    return (
        *changed(base, "object", find, write, add=add, remove=remove),
        *listed(base, ids, read, casts=PEOPLE_AND_GROUPS, units=1 if owners else 3, visible=seen),
        references(base, ids, read, seen),
        Route("PATCH", f"{base}/$ref", refuse_reference_patch, write),
        Route("GET", f"{base}/{{object}}", lambda call: linked(call, one_of(call)), read),
        Route("DELETE", f"{base}/{{object}}", delete, may.USER_DELETE),
    )


_GROUP, _NAMED, _NESTED = "/groups/{group}", "/groups/(uniqueName=)/{uniqueName}", "/groups/{group}/transitiveMembers"
ROUTES: tuple[Route, ...] = (
    *collection("group", may.GROUP_BASIC),
    Route("POST", "/groups", create_group, may.GROUP_CREATE),
    Route("GET", _NAMED, lambda call: one(call, need_group(call)), may.GROUP_BASIC),
    Route("PATCH", _NAMED, upsert_group, may.GROUP_WRITE),
    Route("GET", _GROUP, lambda call: one(call, need_group(call)), may.GROUP_BASIC),
    Route("PATCH", _GROUP, update_group, may.MEMBER_WRITE),
    Route("DELETE", _GROUP, delete_group, may.GROUP_WRITE),
    *_related("members", owners=False),
    *_related("owners", owners=True),
    *listed(_NESTED, _transitive, may.MEMBER_READ, casts=PEOPLE_AND_GROUPS, units=5),
)
