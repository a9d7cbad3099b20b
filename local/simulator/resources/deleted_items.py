"""``/directory/deletedItems``: users deleted less than 30 days ago (G1.3, G5.25)."""

from datetime import timedelta

from ..call import NO_CONTENT, Answer, Call
from ..clock import now
from ..directory.directory import DeletedUser
from ..errors import bad_request, not_found
from ..listing import list_plain
from ..odata.shapes import context, show
from ..routing import Route
from ..world import World
from . import permissions as may


def list_deleted(call: Call) -> Answer:
    forget_expired(call.world)
    names = (*call.query.select,) or ("id", "displayName", "mail", "userPrincipalName", "deletedDateTime")
    items = [show(gone.user, names) for gone in call.world.directory.deleted.values()]
    return list_plain(call, items, "users")


def list_nothing(call: Call) -> Answer:
    """Security groups are not kept after deletion."""
    return list_plain(call, [], "groups")


def get_deleted(call: Call) -> Answer:
    user = _need(call).user
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "directoryObjects", entity=True),
            **show(user, (*call.query.select,) or ("id", "displayName", "mail", "deletedDateTime"), typed=True),
        },
    )


def restore(call: Call) -> Answer:
    """Raises GraphError: 400 when another user has taken the name meanwhile."""
    gone = _need(call)
    name = gone.user.get("userPrincipalName")
    if name and call.world.directory.users.having("userPrincipalName", name):
        raise bad_request("Another object with the same value for property userPrincipalName already exists.")
    user = call.world.directory.restore_user(gone)
    return Answer(
        200,
        {"@odata.context": context(call.base_url, "directoryObjects", entity=True), **show(user, typed=True)},
    )


def delete_for_good(call: Call) -> Answer:
    del call.world.directory.deleted[_need(call).user.id.lower()]
    return NO_CONTENT


def forget_expired(world: World) -> None:
    oldest = now() - timedelta(days=world.settings.deleted.keep_days)
    deleted = world.directory.deleted
    for key in [key for key, gone in deleted.items() if gone.deleted_at <= oldest]:
        del deleted[key]


def _need(call: Call) -> DeletedUser:
    forget_expired(call.world)
    gone = call.world.directory.deleted.get(call.keys["object"].lower())
    if gone is None:
        raise not_found(call.keys["object"])
    return gone


ROUTES: tuple[Route, ...] = (
    Route("GET", "/directory/deletedItems/graph.user", list_deleted, may.USER_READ),
    Route("GET", "/directory/deletedItems/graph.group", list_nothing, may.GROUP_READ),
    Route("GET", "/directory/deletedItems/{object}", get_deleted, may.USER_READ),
    Route("POST", "/directory/deletedItems/{object}/restore", restore, may.USER_DELETE),
    Route("DELETE", "/directory/deletedItems/{object}", delete_for_good, may.USER_DELETE),
)
