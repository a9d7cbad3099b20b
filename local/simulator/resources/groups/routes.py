"""``/groups`` over HTTP."""

from ...call import NO_CONTENT, Answer, Call
from ...directory.objects import DirectoryObject, OrderedIds
from ...directory.relations import Relation
from ...errors import GraphError, bad_request, denied, not_found
from ...listing import Visible
from ...routing import Route
from .. import permissions as may
from ..answers import bound, collection, created, linked, one
from ..links import PEOPLE_AND_GROUPS, changed, listed, references
from ..lookup import need_group, need_object, seen_once
from . import membership, model


def get_group(call: Call) -> Answer:
    return one(call, need_group(call))


def create_group(call: Call) -> Answer:
    return created(call, model.create(call.world, call.json(), call.who, call.actor))


def update_group(call: Call) -> Answer:
    group, body = need_group(call), call.json()
    changes_more = any(name != "members@odata.bind" and not name.startswith("@") for name in body)
    if changes_more and not call.holds(may.GROUP_WRITE):
        raise denied()
    model.update(call.world, group, body, call.who, call.actor)
    return NO_CONTENT


def delete_group(call: Call) -> Answer:
    group = need_group(call)
    if group.get("onPremisesSyncEnabled"):
        raise bad_request("Unable to delete on-premises mastered Directory Sync objects.")
    call.world.directory.delete(group)
    return NO_CONTENT


def get_by_unique_name(call: Call) -> Answer:
    group = _by_unique_name(call)
    if group is None:
        raise not_found(call.keys["uniqueName"])
    return one(call, need_object(call, "group", group.id))


def upsert_group(call: Call) -> Answer:
    """With ``Prefer: create-if-missing`` never a second group for a key (graph contract "More operations")."""
    group, body = _by_unique_name(call), call.json()
    if group is not None:
        if not call.holds(may.GROUP_WRITE):
            raise denied()
        model.update(call.world, group, body, call.who, call.actor)
        return NO_CONTENT
    if not call.prefers("create-if-missing"):
        raise not_found(call.keys["uniqueName"])
    whole = {**body, "uniqueName": call.keys["uniqueName"]}
    return created(call, model.create(call.world, whole, call.who, call.actor))


def get_related(call: Call, *, owners: bool) -> Answer:
    group, key = need_group(call), call.keys["object"]
    object_ = call.world.directory.find(key)
    if object_ is None or not _relation(call, owners=owners).holds(group.id, key):
        raise not_found(key)
    return linked(call, object_)


def refuse_reference_patch(call: Call) -> Answer:
    """Several members at once go through PATCH of the group, not of the collection (graph contract "Groups")."""
    need_group(call)
    raise GraphError(400, "BadRequest", "The request is currently not supported on the targeted entity set")


def delete_related_object(call: Call, *, owners: bool) -> Answer:
    """Without ``/$ref`` this deletes the object itself (graph contract "Groups", "Deletion without $ref"): a trap
    that a simulator must keep."""
    group, key = need_group(call), call.keys["object"]
    user = call.world.directory.users.get(key)
    if user is None or not _relation(call, owners=owners).holds(group.id, key):
        raise not_found(key)
    call.world.directory.delete(user)
    return NO_CONTENT


def _by_unique_name(call: Call) -> DirectoryObject | None:
    return next(iter(call.world.directory.groups.having("uniqueName", call.keys["uniqueName"])), None)


def _relation(call: Call, *, owners: bool) -> Relation:
    return call.world.directory.owners if owners else call.world.directory.members


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
    membership.check_kind(call.world, group, call.who)
    return group


def _add_member(call: Call, group: DirectoryObject, member: DirectoryObject) -> None:
    membership.add(call.world, group, [member], call.who, call.actor)


def _remove_member(call: Call, group: DirectoryObject, id_: str) -> None:
    membership.remove(call.world, group, id_, call.who, call.actor)


def _add_owner(call: Call, group: DirectoryObject, owner: DirectoryObject) -> None:
    membership.add_owners(call.world, group, [owner], call.who)


def _remove_owner(call: Call, group: DirectoryObject, id_: str) -> None:
    membership.remove_owner(call.world, group, id_, call.who)


def _related(name: str, *, owners: bool) -> tuple[Route, ...]:
    base, read = f"/groups/{{group}}/{name}", may.MEMBER_READ

    def ids(call: Call) -> OrderedIds:
        return _relation(call, owners=owners).of(need_group(call).id)

    writes = (
        changed(base, "object", need_group, may.GROUP_WRITE, add=_add_owner, remove=_remove_owner)
        if owners
        else changed(base, "object", _changeable, may.MEMBER_WRITE, add=_add_member, remove=_remove_member)
    )
    seen = (lambda _: None) if owners else _members_seen
    return (
        *writes,
        *listed(base, ids, read, casts=PEOPLE_AND_GROUPS, units=1 if owners else 3, visible=seen),
        references(base, ids, read, seen),
        Route("PATCH", f"{base}/$ref", refuse_reference_patch, may.GROUP_WRITE if owners else may.MEMBER_WRITE),
        bound("GET", f"{base}/{{object}}", get_related, read, owners=owners),
        bound("DELETE", f"{base}/{{object}}", delete_related_object, may.USER_DELETE, owners=owners),
    )


_GROUP, _NAMED, _NESTED = "/groups/{group}", "/groups/(uniqueName=)/{uniqueName}", "/groups/{group}/transitiveMembers"
ROUTES: tuple[Route, ...] = (
    *collection("group", may.GROUP_BASIC),
    Route("POST", "/groups", create_group, may.GROUP_CREATE),
    Route("GET", _NAMED, get_by_unique_name, may.GROUP_BASIC),
    Route("PATCH", _NAMED, upsert_group, may.GROUP_WRITE),
    Route("GET", _GROUP, get_group, may.GROUP_BASIC),
    Route("PATCH", _GROUP, update_group, may.MEMBER_WRITE),
    Route("DELETE", _GROUP, delete_group, may.GROUP_WRITE),
    *_related("members", owners=False),
    *_related("owners", owners=True),
    *listed(_NESTED, _transitive, may.MEMBER_READ, casts=PEOPLE_AND_GROUPS, units=5),
)
