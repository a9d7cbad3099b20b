"""How an object is shown: its type's default properties, `$select`, the context annotation; what a body may set."""

import re
from collections.abc import Iterable
from typing import Any, Final

from ..errors import bad_request, invalid_value, no_such_link
from ..objects import DirectoryObject
from ..settings import OData
from ..tables import TABLES
from . import types

Json = dict[str, Any]

LONGEST: Final[dict[str, dict[str, int]]] = TABLES["longest"]
_NICKNAME = re.compile(r"""[^@()\\\[\]";:<>, \x80-\U0010ffff]+""")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_GROUP_TYPES = {"Unified", "DynamicMembership"}
# What a credential shows never, or only when asked for.
_SECRETS = {"keyCredentials": "key", "passwordCredentials": "secretText"}
SETS = {
    kind: f"{kind}s"
    for kind in ("user", "group", "servicePrincipal", "application", "administrativeUnit", "directoryRole")
}


def default_properties(kind: str) -> tuple[str, ...]:
    """What is shown without $select, and nothing else (graph contract "Users", "Default properties")."""
    listed, left_out = TABLES["defaultProperties"].get(kind), TABLES["notDefault"].get(kind, ())
    return tuple(listed or (name for name in types.properties(kind) if name not in left_out))


_DEFAULTS = {kind: default_properties(kind) for kind in SETS}


def checked_select(kind: str, select: tuple[str, ...]) -> tuple[str, ...]:
    """The names of `$select` in their published spelling. Raises GraphError: 400 for one the type does not have."""
    known = types.properties(kind)
    lower = {name.lower(): name for name in known}
    result: list[str] = []
    for name in select:
        if name == "*":
            result.extend(default_properties(kind))
        elif name.lower() in lower:
            result.append(lower[name.lower()])
        elif name.startswith("extension_"):
            result.append(name)
        elif name not in types.navigation(kind):
            raise no_such_link(name, kind)
    return tuple(result)


def show(object_: DirectoryObject, select: tuple[str, ...] = (), *, typed: bool = False, keys: bool = False) -> Json:
    """The object's properties; `select` in published spelling (other kinds' names are passed over).

    Args:
        typed: add ``@odata.type``, as Graph does in collections of several kinds.
        keys: show the public keys of certificates, which Graph does only for one object whose
            ``keyCredentials`` were selected (keyCredential in Microsoft's v1.0 reference).
    """
    kind = object_.kind
    known = types.properties(kind)
    shown: Json = {"@odata.type": f"#microsoft.graph.{kind}"} if typed else {}
    for name in select or _DEFAULTS[kind]:
        value = object_.properties.get(name)
        if value is None and name not in known:
            continue
        if value is None:
            if not types.may_show_null(kind, name):
                continue
            value = types.unset(kind, name)
        if name in _SECRETS and not (keys and name == "keyCredentials"):
            value = [{**credential, _SECRETS[name]: None} for credential in value]
        shown[name] = value
    return shown


def context(base_url: str, kind: str, select: Iterable[str] = (), *, entity: bool = False) -> str:
    """``@odata.context`` of a set or of one entity of it."""
    chosen = ",".join(select)
    projection = f"({chosen})" if chosen else ""
    return f"{base_url}/$metadata#{SETS.get(kind, kind)}{projection}{'/$entity' if entity else ''}"


def checked_body(rules: OData, kind: str, body: Json, *, may_set: Iterable[str] = ()) -> Json:
    """The properties of a create or update body, without annotations and bindings; `may_set` are those that only a
    new object takes. Raises GraphError: 400 for an unknown property (unless such are dropped), a read-only one or a
    wrong value."""
    known, links, reject_unknown = types.properties(kind), types.navigation(kind), rules.reject_unknown_properties
    read_only = set(TABLES["readOnly"][kind]) - set(may_set)
    # Names are taken in any case: ``mailNickName`` is in Microsoft's own examples.
    spelling = {name.lower(): name for name in known}
    result: Json = {}
    for written, value in body.items():
        if "@" in written or written in links:
            continue
        name = spelling.get(written.lower(), written)
        if name not in known and not name.startswith("extension_"):
            if reject_unknown:
                raise bad_request(f"Invalid property '{name}'.")
            continue
        if name in read_only:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        declared = known.get(name, "Edm.String")
        if not types.fits(declared, value):
            raise bad_request(f"Invalid value specified for property '{name}' of resource '{kind.capitalize()}'.")
        stranger = types.stranger(declared, value)
        if stranger is not None and reject_unknown:
            raise bad_request(f"Invalid property '{stranger}'.")
        result[name] = value
    return result


def merged(object_: DirectoryObject, changes: Json) -> Json:
    """The changes of a PATCH as they end up: of a complex property (``web``) only what was sent is replaced."""
    known = types.properties(object_.kind)
    return {
        name: {**before, **value}
        if isinstance(value, dict)
        and isinstance(before := object_.get(name), dict)
        and not known.get(name, "").startswith("Collection(")
        else value
        for name, value in changes.items()
    }


def check_values(kind: str, properties: Json) -> None:
    """Lengths and characters. Raises GraphError: 400 for the first property whose value is too long or not allowed.

    Sources: Microsoft Graph, "user resource type" and "group resource type" (lengths, the characters of mailNickname,
    the two letters of usageLocation, the two group types); microsoft-graph-docs #6675 for a description's length.
    """
    resource = kind.capitalize()
    for name, longest in LONGEST[kind].items():
        if len(properties.get(name) or "") > longest:
            raise invalid_value(name, resource, "InvalidLength")
    for name, allowed in (("mailNickname", _NICKNAME), ("usageLocation", _COUNTRY)):
        value = properties.get(name)
        if value is not None and not allowed.fullmatch(value):
            raise invalid_value(name, resource)
    if not set(properties.get("groupTypes") or ()) <= _GROUP_TYPES:
        raise invalid_value("groupTypes", resource)
