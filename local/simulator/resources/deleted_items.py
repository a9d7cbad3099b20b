"""``/directory/deletedItems``: the users, groups, applications and service principals that were deleted less than 30
days ago. Security groups are among them (Microsoft Graph, "Delete group"). graph contract "Users", "Unverified
switches"."""

from functools import partial

from ..call import NO_CONTENT, Answer, Call
from ..directory.directory import DeletedObject
from ..directory.objects import ObjectSet
from ..errors import bad_request, denied, not_found
from ..listing import list_plain
from ..odata.shapes import context, default_properties, show
from ..routing import Needs, Route
from ..world import World
from . import permissions as may

_DEFAULT = ("id", "displayName", "mail", "userPrincipalName", "appId", "deletedDateTime")
_NEEDS: dict[str, tuple[Needs, Needs]] = {
    "user": (may.USER_READ, may.USER_DELETE),
    "group": (may.GROUP_READ, may.GROUP_WRITE),
    "application": (may.APP_READ, may.APP_WRITE),
    "servicePrincipal": (may.APP_READ, may.APP_WRITE),
}
"""What reading a deleted object, and what restoring or removing it, takes."""


def list_deleted(call: Call, *, kind: str) -> Answer:
    call.world.forget_expired()
    names = call.query.select or _shown(kind)
    deleted = call.world.directory.deleted.values()
    return list_plain(call, [show(gone.object, names) for gone in deleted if gone.object.kind == kind], f"{kind}s")


def get_deleted(call: Call) -> Answer:
    gone = _need(call, writes=False).object
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "directoryObjects", entity=True),
            **show(gone, call.query.select or _shown(gone.kind), typed=True),
        },
    )


def restore(call: Call) -> Answer:
    """Raises GraphError: 400 when another object has taken the name meanwhile."""
    gone = _need(call, writes=True)
    for name, objects in _unique(call.world):
        value = gone.object.get(name)
        if value and objects.kind == gone.object.kind and objects.having(name, value):
            raise bad_request(f"Another object with the same value for property {name} already exists.")
    object_ = call.world.directory.restore(gone)
    return Answer(
        200,
        {"@odata.context": context(call.base_url, "directoryObjects", entity=True), **show(object_, typed=True)},
    )


def delete_for_good(call: Call) -> Answer:
    call.world.directory.purge(_need(call, writes=True))
    return NO_CONTENT


def _shown(kind: str) -> tuple[str, ...]:
    return default_properties(kind) if kind == "group" else _DEFAULT


def _unique(world: World) -> tuple[tuple[str, ObjectSet], ...]:
    directory = world.directory
    return (
        ("userPrincipalName", directory.users),
        ("uniqueName", directory.groups),
        ("uniqueName", directory.applications),
    )


def _need(call: Call, *, writes: bool) -> DeletedObject:
    """Raises GraphError: 404 for what is not there, 403 without a permission for objects of its kind."""
    call.world.forget_expired()
    gone = call.world.directory.deleted.get(call.keys["object"].lower())
    if gone is None:
        raise not_found(call.keys["object"])
    if not any(needed <= call.who.permissions for needed in _NEEDS[gone.object.kind][writes]):
        raise denied()
    return gone


_ANY_READ, _ANY_WRITE = (tuple(dict.fromkeys(n for pair in _NEEDS.values() for n in pair[w])) for w in (False, True))
ROUTES: tuple[Route, ...] = (
    *(
        Route("GET", f"/directory/deletedItems/graph.{kind}", partial(list_deleted, kind=kind), needs)
        for kind, (needs, _) in _NEEDS.items()
    ),
    Route("GET", "/directory/deletedItems/{object}", get_deleted, _ANY_READ),
    Route("POST", "/directory/deletedItems/{object}/restore", restore, _ANY_WRITE),
    Route("DELETE", "/directory/deletedItems/{object}", delete_for_good, _ANY_WRITE),
)
