"""Finding the object a path or a reference names, as seen through the replication windows."""

import re
import secrets
from collections.abc import Callable
from functools import partial

from ..call import Call, Json
from ..errors import bad_request, invalid_identifier, not_found
from ..objects import DirectoryObject
from ..odata.types import is_guid
from ..routing import split_path
from ..settings import Window
from ..world import World

_REFERENCE = re.compile(r"https?://[^/]+(/(?:v1\.0|beta))?(?P<path>/.+)", re.IGNORECASE)
_REFERENCE_SETS = {
    "directoryobjects": None,
    "users": "user",
    "groups": "group",
    "serviceprincipals": "servicePrincipal",
    "applications": "application",
}


def need_user(call: Call, key: str | None = None) -> DirectoryObject:
    """The user the path names, by id or user principal name. Raises GraphError: 404, also while the user is new and
    GET cannot see it."""
    key = call.keys["user"] if key is None else key
    world = call.world
    user = world.directory.find_user(key)
    if user is None or world.new.hides(user.id, "users_get", world.settings.replication.users_get):
        raise not_found(key)
    return user


def _need_by_key(kind: str, call: Call) -> DirectoryObject:
    """By id, or by the alternate key the path names. Raises GraphError: 404, also while the object is new."""
    for name in ("appId", "uniqueName"):
        if name in call.keys:
            found = call.world.directory.set_of(kind).having(name, call.keys[name])
            if not found:
                raise not_found(call.keys[name])
            return need_object(call, kind, found[0].id)
    return need_object(call, kind, call.keys[kind])


need_group, need_application = partial(_need_by_key, "group"), partial(_need_by_key, "application")
need_service_principal = partial(_need_by_key, "servicePrincipal")


def need_object(call: Call, kind: str, key: str) -> DirectoryObject:
    """Raises GraphError: 400 for a key that is no GUID, 404 for one that finds nothing, also while the object is
    new."""
    world = call.world
    if not is_guid(key):
        raise invalid_identifier(key)
    object_ = world.directory.set_of(kind).get(key)
    if object_ is None or world.new.hides(object_.id, "objects_get", world.settings.replication.objects_get):
        raise not_found(key)
    return object_


def seen_once(
    world: World, endpoint: str, window: Window, key: Callable[[DirectoryObject], str] = lambda object_: object_.id
) -> Callable[[DirectoryObject], bool] | None:
    """A test for lists, or None while nothing is new. Within one request each object counts one look-up."""
    if world.new.is_empty:
        return None
    known: dict[str, bool] = {}

    def visible(object_: DirectoryObject) -> bool:
        if object_.id not in known:
            known[object_.id] = not world.new.hides(key(object_), endpoint, window)
        return known[object_.id]

    return visible


def lists_new(world: World) -> Callable[[DirectoryObject], bool] | None:
    """`seen_once` for lists of groups, applications and service principals."""
    rules = world.settings.replication
    return seen_once(world, "objects_list", rules.objects_list or rules.objects_get)


def referenced(world: World, reference: object) -> DirectoryObject:
    """The object an ``@odata.id`` names. Raises GraphError: 400 when it is no absolute URL of a directory object, 404
    when there is no such object."""
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        raise bad_request("Invalid URL format specified in @odata.id.")
    _, segments = split_path(found["path"])
    if len(segments) != 2 or segments[0].lower() not in _REFERENCE_SETS:
        raise bad_request("Invalid URL format specified in @odata.id.")
    kind = _REFERENCE_SETS[segments[0].lower()]
    object_ = world.directory.find_user(segments[1]) if kind == "user" else world.directory.find(segments[1])
    if object_ is None or (kind is not None and object_.kind != kind):
        raise not_found(segments[1])
    return object_


def reference_in(call: Call) -> object:
    """The ``@odata.id`` of a ``$ref`` body."""
    body = call.json()
    if "@odata.id" not in body:
        raise bad_request("The @odata.id property is required in a reference.")
    return body["@odata.id"]


def check_unique_name(object_: DirectoryObject, changes: Json) -> None:
    """Raises GraphError: 400 for another unique name than the one that the object has: it is set once."""
    name = changes.get("uniqueName")
    if name is not None and object_.get("uniqueName") not in {None, name}:
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")


def security_identifier() -> str:
    return "S-1-12-1-" + "-".join(str(secrets.randbits(32)) for _ in range(4))
