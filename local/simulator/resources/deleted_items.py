"""``/directory/deletedItems``: the users, groups, applications and service principals that were deleted less than 30
days ago. Security groups are among them (Microsoft Graph, "Delete group"). Graph contract "Users", "Unverified
switches"."""

from ..call import NO_CONTENT, Answer, Call
from ..directory.directory import DeletedObject
from ..errors import denied, not_found, not_unique
from ..listing import list_plain
from ..odata.shapes import default_properties, show
from ..routing import Needs, Route
from . import permissions as may
from .answers import linked

_ROOT = "/directory/deletedItems"
_DEFAULT = ("id", "displayName", "mail", "userPrincipalName", "appId", "deletedDateTime")
_NEEDS: dict[str, tuple[Needs, Needs]] = {
    "user": (may.USER_READ, may.USER_DELETE),
    "group": (may.GROUP_READ, may.GROUP_WRITE),
    "application": (may.APP_READ, may.APP_WRITE),
    "servicePrincipal": (may.APP_READ, may.APP_WRITE),
}
"""What reading a deleted object, and what restoring or removing it, takes."""
_UNIQUE = {"user": "userPrincipalName", "group": "uniqueName", "application": "uniqueName"}


def _listed(kind: str) -> Route:
    def answer(call: Call) -> Answer:
        call.world.forget_expired()
        names = call.query.select or _shown(kind)
        gone = [gone.object for gone in call.world.directory.deleted.values() if gone.object.kind == kind]
        return list_plain(call, [show(object_, names) for object_ in gone], f"{kind}s")

    return Route("GET", f"{_ROOT}/graph.{kind}", answer, _NEEDS[kind][0])


def get_deleted(call: Call) -> Answer:
    gone = _need(call, writes=False).object
    return linked(call, gone, call.query.select or _shown(gone.kind))


def restore(call: Call) -> Answer:
    """Raises GraphError: 400 when another object has taken the name meanwhile."""
    gone, directory = _need(call, writes=True), call.world.directory
    name = _UNIQUE.get(gone.object.kind, "")
    value = gone.object.get(name)
    if value and directory.set_of(gone.object.kind).having(name, value):
        raise not_unique(name)
    return linked(call, directory.restore(gone), ())


def delete_for_good(call: Call) -> Answer:
    call.world.directory.purge(_need(call, writes=True))
    return NO_CONTENT


def _shown(kind: str) -> tuple[str, ...]:
    return default_properties(kind) if kind == "group" else _DEFAULT


def _need(call: Call, *, writes: bool) -> DeletedObject:
    """Raises GraphError: 404 for what is not there, 403 without a permission for objects of its kind."""
    call.world.forget_expired()
    gone = call.world.directory.deleted.get(call.keys["object"].lower())
    if gone is None:
        raise not_found(call.keys["object"])
    if not call.holds(_NEEDS[gone.object.kind][writes]):
        raise denied()
    return gone


_READ, _WRITE = (tuple(dict.fromkeys(n for pair in _NEEDS.values() for n in pair[w])) for w in (False, True))
ROUTES: tuple[Route, ...] = (
    *map(_listed, _NEEDS),
    Route("GET", f"{_ROOT}/{{object}}", get_deleted, _READ),
    Route("POST", f"{_ROOT}/{{object}}/restore", restore, _WRITE),
    Route("DELETE", f"{_ROOT}/{{object}}", delete_for_good, _WRITE),
)
