"""``/groups`` over HTTP."""

from ...call import NO_CONTENT, Answer, Call, Json
from ...directory.objects import DirectoryObject, OrderedIds
from ...directory.relations import Relation
from ...errors import GraphError, bad_request, denied, not_found
from ...listing import Visible
from ...routing import Route
from .. import permissions as may
from ..answers import collection, created, linked, one, upserted
from ..links import PEOPLE_AND_GROUPS, changed, listed, references
from ..lookup import need_group, seen_once
from . import membership, model


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


def upsert_group(call: Call) -> Answer:
    def change(group: DirectoryObject, body: Json) -> None:
        if not call.holds(may.GROUP_WRITE):
            raise denied()
        model.update(call.world, group, body, call.who, call.actor)

    return upserted(call, "group", change, lambda body: model.create(call.world, body, call.who, call.actor))


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
    membership.check_kind(call.world, group, call.who)
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
            membership.add_owners(call.world, group, [other], call.who)
        else:
            membership.add(call.world, group, [other], call.who, call.actor)

    def remove(call: Call, group: DirectoryObject, id_: str) -> None:
        if owners:
            membership.remove_owner(call.world, group, id_, call.who)
        else:
            membership.remove(call.world, group, id_, call.who, call.actor)

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
