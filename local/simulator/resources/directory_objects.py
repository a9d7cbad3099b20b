"""``/directoryObjects``: any object by id, several by ids, and the check of a name before a group is made.

``/directory/deletedItems``: the users, groups, applications and service principals that were deleted less than 30
days ago. Security groups are among them (Microsoft Graph, "Delete group"). Graph contract "Users", "Unverified
switches".
"""

from ..call import NO_CONTENT, Answer, Call, Needs
from ..directory import DeletedObject
from ..errors import GraphError, bad_request, denied, invalid_identifier, not_found, not_unique
from ..listing import list_plain
from ..odata.shapes import LONGEST, SETS, default_properties, show
from ..odata.types import is_guid
from ..routing import Route
from . import permissions as may
from .answers import linked
from .lookup import need_user

_MAX_IDS = 1000
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


def get_object(call: Call) -> Answer:
    key = call.keys["object"]
    if not is_guid(key):
        raise invalid_identifier(key)
    object_ = call.world.directory.find(key)
    if object_ is None:
        raise not_found(key)
    if object_.kind == "user":
        need_user(call, key)
    return linked(call, object_)


def get_by_ids(call: Call) -> Answer:
    """Unknown ids are left out, as Graph does."""
    body = call.json()
    ids, kinds = body.get("ids"), body.get("types") or []
    if not isinstance(ids, list) or len(ids) > _MAX_IDS:
        raise bad_request(f"Parameter 'ids' is required, with at most {_MAX_IDS} elements.")
    if not all(is_guid(str(id_)) for id_ in ids):
        raise bad_request("Invalid GUID specified.")  # microsoft-graph-docs #7063
    if not set(kinds) <= {*SETS, "directoryObject"}:
        raise bad_request("Invalid value specified for parameter 'types'.")
    world = call.world
    window = world.settings.replication.users_get
    found = [world.directory.find(str(id_)) for id_ in ids]
    shown = [
        show(object_, call.query.select, typed=True)
        for object_ in found
        if object_ is not None
        and (not kinds or object_.kind in kinds or "directoryObject" in kinds)
        and not world.new.hides(object_.id, "users_get", window)
    ]
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#directoryObjects", "value": shown})


def validate_properties(call: Call) -> Answer:
    """204 when a group could be named so, else 422 with the reason."""
    body = call.json()
    if body.get("entityType") not in {"Group", "group"}:
        raise bad_request("Parameter 'entityType' must be 'Group'.")
    for name in ("displayName", "mailNickname"):
        value, longest = body.get(name), LONGEST["group"][name]
        if isinstance(value, str) and len(value) > longest:
            raise GraphError(422, "InvalidLength", f"The length of property '{name}' must be at most {longest}.")
    return NO_CONTENT


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
    Route("GET", "/directoryObjects/{object}", get_object, may.OBJECT_READ),
    Route("POST", "/directoryObjects/getByIds", get_by_ids, may.OBJECT_READ, units=3),
    Route("POST", "/directoryObjects/validateProperties", validate_properties, may.GROUP_READ),
    *map(_listed, _NEEDS),
    Route("GET", f"{_ROOT}/{{object}}", get_deleted, _READ),
    Route("POST", f"{_ROOT}/{{object}}/restore", restore, _WRITE),
    Route("DELETE", f"{_ROOT}/{{object}}", delete_for_good, _WRITE),
)
