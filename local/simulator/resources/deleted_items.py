"""``/directory/deletedItems``: what was deleted less than 30 days ago (G1.3, G5.25).

Users, applications and service principals are kept; security groups are not.
"""

from datetime import timedelta
from functools import partial

from ..call import NO_CONTENT, Answer, Call
from ..clock import now
from ..directory.directory import DeletedObject
from ..errors import bad_request, denied, not_found
from ..listing import list_plain
from ..odata.shapes import context, show
from ..routing import Needs, Route
from ..world import World
from . import permissions as may

_DEFAULT = ("id", "displayName", "mail", "userPrincipalName", "appId", "deletedDateTime")
_SETS = {"user": "users", "application": "applications", "servicePrincipal": "servicePrincipals"}
_READ = {"user": may.USER_READ, "application": may.APP_READ, "servicePrincipal": may.APP_READ}
_WRITE = {"user": may.USER_DELETE, "application": may.APP_WRITE, "servicePrincipal": may.APP_WRITE}


def list_deleted(call: Call, *, kind: str) -> Answer:
    forget_expired(call.world)
    names = (*call.query.select,) or _DEFAULT
    deleted = call.world.directory.deleted.values()
    return list_plain(call, [show(gone.object, names) for gone in deleted if gone.object.kind == kind], _SETS[kind])


def list_nothing(call: Call) -> Answer:
    """Security groups are not kept after deletion."""
    return list_plain(call, [], "groups")


def get_deleted(call: Call) -> Answer:
    gone = _need(call, _READ).object
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "directoryObjects", entity=True),
            **show(gone, (*call.query.select,) or _DEFAULT, typed=True),
        },
    )


def restore(call: Call) -> Answer:
    """Raises GraphError: 400 when another user has taken the name meanwhile."""
    gone = _need(call, _WRITE)
    name = gone.object.get("userPrincipalName")
    if name and call.world.directory.users.having("userPrincipalName", name):
        raise bad_request("Another object with the same value for property userPrincipalName already exists.")
    object_ = call.world.directory.restore(gone)
    return Answer(
        200,
        {"@odata.context": context(call.base_url, "directoryObjects", entity=True), **show(object_, typed=True)},
    )


def delete_for_good(call: Call) -> Answer:
    del call.world.directory.deleted[_need(call, _WRITE).object.id.lower()]
    return NO_CONTENT


def forget_expired(world: World) -> None:
    oldest = now() - timedelta(days=world.settings.deleted.keep_days)
    deleted = world.directory.deleted
    for key in [key for key, gone in deleted.items() if gone.deleted_at <= oldest]:
        del deleted[key]


def _need(call: Call, needs: dict[str, Needs]) -> DeletedObject:
    """Raises GraphError: 404 for what is not there, 403 without a permission for objects of its kind."""
    forget_expired(call.world)
    gone = call.world.directory.deleted.get(call.keys["object"].lower())
    if gone is None:
        raise not_found(call.keys["object"])
    if not any(needed <= call.who.permissions for needed in needs[gone.object.kind]):
        raise denied()
    return gone


_ANY_READ = (*may.USER_READ, *may.APP_READ)
_ANY_WRITE = (*may.USER_DELETE, *may.APP_WRITE)
ROUTES: tuple[Route, ...] = (
    *(
        Route("GET", f"/directory/deletedItems/graph.{kind}", partial(list_deleted, kind=kind), needs)
        for kind, needs in _READ.items()
    ),
    Route("GET", "/directory/deletedItems/graph.group", list_nothing, may.GROUP_READ),
    Route("GET", "/directory/deletedItems/{object}", get_deleted, _ANY_READ),
    Route("POST", "/directory/deletedItems/{object}/restore", restore, _ANY_WRITE),
    Route("DELETE", "/directory/deletedItems/{object}", delete_for_good, _ANY_WRITE),
)
