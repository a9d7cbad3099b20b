"""The published v1.0 types (``types.json``, an excerpt of Microsoft's metadata): names, value types, nullability.

Used to refuse what Graph would refuse in a body or in `$select`, and to show unset values as Graph does:
collections as ``[]``, all else as null; and for ``$metadata``.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

_DOCUMENT: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("types.json").read_text(encoding="utf-8"))
TYPES: Final[dict[str, Any]] = _DOCUMENT["types"]
"""By name: `base`, `properties`, `navigation`, and whether it is `open`."""
ENUMS: Final[dict[str, list[str]]] = _DOCUMENT["enums"]
_TEXTS: Final = ("String", "Guid", "DateTimeOffset", "Date", "Binary", "Duration")
_PRIMITIVES: Final[dict[str, type | tuple[type, ...]]] = {
    **{f"Edm.{name}": str for name in _TEXTS},
    "Edm.Boolean": bool,
    "Edm.Int32": int,
    "Edm.Int64": int,
    "Edm.Double": (int, float),
}
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Days and smaller only, as OData's durations are; a time span in other words (``14 days, 0:00:00``) is none.
_DURATION = re.compile(r"-?P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_FORMS: Final = {"Edm.Guid": _GUID, "Edm.Duration": _DURATION}


@cache
def properties(type_: str) -> dict[str, str]:
    """Property name -> type, inherited ones included; a trailing ``!`` says that null may not stand there."""
    declared = TYPES[type_]
    inherited = properties(declared["base"]) if declared["base"] else {}
    return {**inherited, **declared["properties"]}


@cache
def navigation(type_: str) -> frozenset[str]:
    declared = TYPES[type_]
    inherited = navigation(declared["base"]) if declared["base"] else frozenset()
    return inherited | frozenset(declared["navigation"])


def is_guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def unset(type_: str, property_: str) -> Any:
    """What Graph shows for a property nobody has set."""
    return [] if properties(type_).get(property_, "").startswith("Collection(") else None


def may_show_null(type_: str, property_: str) -> bool:
    """Whether null may stand; a property that may not is left out while unset."""
    declared = properties(type_).get(property_, "")
    return not declared.endswith("!") or declared.startswith("Collection(")


def fits(type_: str, value: Any) -> bool:
    """Whether a value is of its declared type. Names are not looked at: see `stranger`."""
    declared = type_.removesuffix("!")
    is_collection = declared.startswith("Collection(")
    if value is None:
        return is_collection or not type_.endswith("!")
    if is_collection:
        return isinstance(value, list) and all(fits(declared[11:-1], item) for item in value)
    if declared in _PRIMITIVES:
        if not isinstance(value, _PRIMITIVES[declared]) or isinstance(value, bool) is not (declared == "Edm.Boolean"):
            return False
        form = _FORMS.get(declared)
        return form is None or form.fullmatch(str(value)) is not None
    if declared in ENUMS:
        return value in ENUMS[declared]
    if declared in TYPES:
        known = properties(declared)
        return isinstance(value, dict) and all(fits(known[n], item) for n, item in value.items() if n in known)
    return True


def stranger(type_: str, value: Any) -> str | None:
    """A property inside a value of a complex type that the type does not have, or None.

    A value that names a type of its own (``@odata.type``) which is not among the published ones here is not
    looked into.
    """
    declared = type_.removesuffix("!")
    if declared.startswith("Collection("):
        items = value if isinstance(value, list) else []
        return next((found for item in items if (found := stranger(declared[11:-1], item))), None)
    if declared not in TYPES or not isinstance(value, dict):
        return None
    declared = str(value.get("@odata.type", declared)).removeprefix("#microsoft.graph.")
    if declared not in TYPES or TYPES[declared]["open"]:
        return None
    known = properties(declared)
    for name, item in value.items():
        if "@" in name or name in navigation(declared):
            continue
        if name not in known:
            return str(name)
        found = stranger(known[name], item)
        if found is not None:
            return found
    return None


_EDMX: Final = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"
_NAMESPACE: Final = "microsoft.graph"
_KINDS: Final = (
    *("applicationTemplate", "application", "directoryObject", "domain", "groupSettingTemplate", "groupSetting"),
    *("group", "invitation", "servicePrincipal", "user"),
)
_SETS: Final = {**{f"{kind}s": kind for kind in _KINDS}, "organization": "organization"}


@cache
def metadata() -> bytes:
    """``$metadata``: the CSDL document of the types and of the sets, in UTF-8. Navigation properties and operations
    are left out, and so is every property of a type that is not in the excerpt."""
    root = ElementTree.Element("edmx:Edmx", {"xmlns:edmx": _EDMX, "Version": "4.0"})
    services = ElementTree.SubElement(root, "edmx:DataServices")
    schema = ElementTree.SubElement(services, "Schema", {"xmlns": _EDM, "Namespace": _NAMESPACE, "Alias": "graph"})
    for name, members in ENUMS.items():
        enum = ElementTree.SubElement(schema, "EnumType", {"Name": name})
        for member in members:
            ElementTree.SubElement(enum, "Member", {"Name": member})
    for name, declared in TYPES.items():
        _add_type(schema, name, declared)
    container = ElementTree.SubElement(schema, "EntityContainer", {"Name": "GraphService"})
    for set_, type_ in _SETS.items():
        ElementTree.SubElement(container, "EntitySet", {"Name": set_, "EntityType": f"{_NAMESPACE}.{type_}"})
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _add_type(schema: ElementTree.Element, name: str, type_: dict[str, Any]) -> None:
    facts = {"Name": name, **({"BaseType": f"graph.{type_['base']}"} if type_["base"] else {})}
    if type_["open"]:
        facts["OpenType"] = "true"
    element = ElementTree.SubElement(schema, "EntityType" if _is_entity(name) else "ComplexType", facts)
    if name == "entity":
        element.set("Abstract", "true")
        ElementTree.SubElement(ElementTree.SubElement(element, "Key"), "PropertyRef", {"Name": "id"})
    for property_, declared in type_["properties"].items():
        written = declared.removesuffix("!")
        single = written.removeprefix("Collection(").removesuffix(")")
        if not single.startswith("Edm."):
            if single not in TYPES and single not in ENUMS:
                continue
            written = written.replace(single, f"graph.{single}")
        nullable = {"Nullable": "false"} if declared.endswith("!") else {}
        ElementTree.SubElement(element, "Property", {"Name": property_, "Type": written, **nullable})


def _is_entity(name: str) -> bool:
    """Whether it descends from ``entity``: has an id of its own."""
    base = TYPES[name]["base"]
    return name == "entity" or (base is not None and _is_entity(base))
