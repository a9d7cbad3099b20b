"""``/groups`` over HTTP."""

from collections.abc import Callable
from functools import partial

from ...call import NO_CONTENT, Answer, Call
from ...delta import delta
from ...directory.objects import DirectoryObject, OrderedIds
from ...directory.relations import Relation
from ...errors import GraphError, bad_request, denied, not_found
from ...expanding import expanding
from ...listing import count_kind, count_links, list_kind, list_links
from ...odata.shapes import checked_select, context, show
from ...routing import Needs, Route
from .. import permissions as may
from ..lookup import lists_new, need_group, need_object, reference_in, referenced
from . import membership, model, ownership


def list_groups(call: Call) -> Answer:
    return list_kind(call, call.world.directory.groups, lists_new(call.world))


def count_groups(call: Call) -> Answer:
    return count_kind(call, call.world.directory.groups)


def groups_delta(call: Call) -> Answer:
    return delta(call, call.world.directory.groups)


def get_group(call: Call) -> Answer:
    return _one(call, need_group(call))


def create_group(call: Call) -> Answer:
    return _created(call, model.create(call.world, call.json(), call.who, call.actor))


def update_group(call: Call) -> Answer:
    group, body = need_group(call), call.json()
    changes_more = any(name != "members@odata.bind" and not name.startswith("@") for name in body)
    if changes_more and not _holds(call, may.GROUP_WRITE):
        raise denied()
    model.update(call.world, group, body, call.who, call.actor)
    return NO_CONTENT


def delete_group(call: Call) -> Answer:
    group = need_group(call)
    if group.get("onPremisesSyncEnabled"):
        raise bad_request("Unable to delete on-premises mastered Directory Sync objects.")
    call.world.directory.delete_group(group)
    return NO_CONTENT


def get_by_unique_name(call: Call) -> Answer:
    group = _by_unique_name(call)
    if group is None:
        raise not_found(call.keys["uniqueName"])
    return _one(call, need_object(call, "group", group.id))


def upsert_group(call: Call) -> Answer:
    """graph contract "More operations": with ``Prefer: create-if-missing`` never a second group for a key."""
    group, body = _by_unique_name(call), call.json()
    if group is not None:
        if not _holds(call, may.GROUP_WRITE):
            raise denied()
        model.update(call.world, group, body, call.who, call.actor)
        return NO_CONTENT
    if not prefers(call, "create-if-missing"):
        raise not_found(call.keys["uniqueName"])
    whole = {**body, "uniqueName": call.keys["uniqueName"]}
    return _created(call, model.create(call.world, whole, call.who, call.actor))


def prefers(call: Call, preference: str) -> bool:
    """Whether the ``Prefer`` header holds a preference."""
    return preference in {part.strip().lower() for part in call.headers.get("prefer", "").split(",")}


def list_related(call: Call, *, owners: bool, cast: str | None) -> Answer:
    group = need_group(call)
    if owners:
        return list_links(call, call.world.directory.owners.of(group.id), cast=cast)
    return list_links(call, call.world.directory.members.of(group.id), cast=cast, visible=_members_seen(call, group))


def count_related(call: Call, *, owners: bool, cast: str | None) -> Answer:
    group = need_group(call)
    if owners:
        return count_links(call, call.world.directory.owners.of(group.id), cast=cast)
    return count_links(call, call.world.directory.members.of(group.id), cast=cast, visible=_members_seen(call, group))


def list_transitive(call: Call, *, cast: str | None) -> Answer:
    return list_links(call, _transitive(call), cast=cast)


def count_transitive(call: Call, *, cast: str | None) -> Answer:
    return count_links(call, _transitive(call), cast=cast)


def get_related(call: Call, *, owners: bool) -> Answer:
    group, key = need_group(call), call.keys["object"]
    object_ = call.world.directory.find(key)
    if object_ is None or not _relation(call, owners=owners).holds(group.id, key):
        raise not_found(key)
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "directoryObjects", entity=True),
            **show(object_, call.query.select, typed=True),
        },
    )


def add_member(call: Call) -> Answer:
    group, reference = need_group(call), reference_in(call)
    refused = membership.refusal(call.world, group, call.who)
    if refused is not None:
        raise refused
    membership.add(call.world, group, [referenced(call.world, reference)], call.who, call.actor)
    return NO_CONTENT


def remove_member(call: Call) -> Answer:
    membership.remove(call.world, need_group(call), call.keys["object"], call.who, call.actor)
    return NO_CONTENT


def add_owner(call: Call) -> Answer:
    group = need_group(call)
    ownership.add(call.world, group, [referenced(call.world, reference_in(call))], call.who)
    return NO_CONTENT


def remove_owner(call: Call) -> Answer:
    ownership.remove(call.world, need_group(call), call.keys["object"], call.who)
    return NO_CONTENT


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
    call.world.directory.delete_user(user)
    return NO_CONTENT


def _one(call: Call, group: DirectoryObject) -> Answer:
    select, expand = checked_select("group", call.query.select), expanding(call, "group")
    body = {
        "@odata.context": context(call.base_url, "group", expand.projection(call.query.select), entity=True),
        **show(group, select),
        **expand.shown(call, group),
    }
    return Answer(200, body)


def _created(call: Call, group: DirectoryObject) -> Answer:
    body = {"@odata.context": context(call.base_url, "group", entity=True), **show(group)}
    return Answer(201, body, headers={"Location": f"{call.base_url}/groups/{group.id}"})


def _by_unique_name(call: Call) -> DirectoryObject | None:
    found = call.world.directory.groups.having("uniqueName", call.keys["uniqueName"])
    return found[0] if found else None


def _holds(call: Call, needs: Needs) -> bool:
    return any(needed <= call.who.permissions for needed in needs)


def _relation(call: Call, *, owners: bool) -> Relation:
    return call.world.directory.owners if owners else call.world.directory.members


def _members_seen(call: Call, group: DirectoryObject) -> Callable[[DirectoryObject], bool] | None:
    world = call.world
    if world.new.is_empty:
        return None
    window, known = world.settings.replication.members_read, dict[str, bool]()

    def visible(member: DirectoryObject) -> bool:
        if member.id not in known:
            known[member.id] = not world.new.hides(f"{group.id}/{member.id}", "members_list", window)
        return known[member.id]

    return visible


def _transitive(call: Call) -> OrderedIds:
    directory, found = call.world.directory, OrderedIds()
    waiting = [need_group(call).id]
    while waiting:
        for key in directory.members.of(waiting.pop()):
            if found.add(key) and directory.groups.get(key) is not None:
                waiting.append(key)
    return found


def _related(name: str, *, owners: bool, read: Needs, write: Needs) -> tuple[Route, ...]:
    base = f"/groups/{{group}}/{name}"
    routes = [
        Route("POST", f"{base}/$ref", add_owner if owners else add_member, write),
        Route("PATCH", f"{base}/$ref", refuse_reference_patch, write),
        Route("GET", f"{base}/{{object}}", partial(get_related, owners=owners), read),
        Route("DELETE", f"{base}/{{object}}/$ref", remove_owner if owners else remove_member, write),
        Route("DELETE", f"{base}/{{object}}", partial(delete_related_object, owners=owners), may.USER_DELETE),
    ]
    for cast, kind in _CASTS.items():
        listed, counted = partial(list_related, owners=owners), partial(count_related, owners=owners)
        units = 1 if owners else 3
        routes.append(Route("GET", f"{base}{cast}", partial(listed, cast=kind), read, units))
        routes.append(Route("GET", f"{base}{cast}/$count", partial(counted, cast=kind), read))
    return tuple(routes)


_CASTS: dict[str, str | None] = {
    "": None,
    "/graph.user": "user",
    "/graph.group": "group",
    "/graph.servicePrincipal": "servicePrincipal",
}

ROUTES: tuple[Route, ...] = (
    Route("GET", "/groups", list_groups, may.GROUP_BASIC),
    Route("POST", "/groups", create_group, may.GROUP_CREATE),
    Route("GET", "/groups/$count", count_groups, may.GROUP_BASIC),
    Route("GET", "/groups/delta", groups_delta, may.GROUP_BASIC),
    Route("GET", "/groups/(uniqueName=)/{uniqueName}", get_by_unique_name, may.GROUP_BASIC),
    Route("PATCH", "/groups/(uniqueName=)/{uniqueName}", upsert_group, may.GROUP_WRITE),
    Route("GET", "/groups/{group}", get_group, may.GROUP_BASIC),
    Route("PATCH", "/groups/{group}", update_group, may.MEMBER_WRITE),
    Route("DELETE", "/groups/{group}", delete_group, may.GROUP_WRITE),
    *_related("members", owners=False, read=may.MEMBER_READ, write=may.MEMBER_WRITE),
    *_related("owners", owners=True, read=may.MEMBER_READ, write=may.GROUP_WRITE),
    *(
        Route(
            "GET",
            f"/groups/{{group}}/transitiveMembers{cast}",
            partial(list_transitive, cast=kind),
            may.MEMBER_READ,
            5,
        )
        for cast, kind in _CASTS.items()
    ),
    *(
        Route(
            "GET",
            f"/groups/{{group}}/transitiveMembers{cast}/$count",
            partial(count_transitive, cast=kind),
            may.MEMBER_READ,
        )
        for cast, kind in _CASTS.items()
    ),
)
