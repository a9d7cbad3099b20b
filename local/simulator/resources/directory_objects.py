"""``/directoryObjects``: any object by id, several by ids, and the check of a name before a group is made."""

from ..call import NO_CONTENT, Answer, Call
from ..errors import GraphError, bad_request, invalid_identifier, not_found
from ..odata.shapes import SETS, show
from ..odata.types import is_guid
from ..routing import Route
from . import permissions as may
from .answers import linked
from .lookup import need_user
from .property_rules import LONGEST

_MAX_IDS = 1000


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


ROUTES: tuple[Route, ...] = (
    Route("GET", "/directoryObjects/{object}", get_object, may.OBJECT_READ),
    Route("POST", "/directoryObjects/getByIds", get_by_ids, may.OBJECT_READ, units=3),
    Route("POST", "/directoryObjects/validateProperties", validate_properties, may.GROUP_READ),
)
