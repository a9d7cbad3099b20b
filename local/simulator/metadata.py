"""``$metadata``: the CSDL document of the published types that the simulator knows, and of the sets it serves.

An excerpt, as the types themselves are: navigation properties and operations are left out, and so is every property
of a type that is not in the excerpt.
"""

from functools import cache
from typing import Any, Final
from xml.etree import ElementTree

from .odata import types

_EDMX: Final = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"
_NAMESPACE: Final = "microsoft.graph"
_KINDS: Final = (
    *("applicationTemplate", "application", "directoryObject", "domain", "groupSettingTemplate", "groupSetting"),
    *("group", "invitation", "servicePrincipal", "user"),
)
_SETS: Final = {**{f"{kind}s": kind for kind in _KINDS}, "organization": "organization"}


@cache
def document() -> bytes:
    """The document, in UTF-8."""
    root = ElementTree.Element("edmx:Edmx", {"xmlns:edmx": _EDMX, "Version": "4.0"})
    services = ElementTree.SubElement(root, "edmx:DataServices")
    schema = ElementTree.SubElement(services, "Schema", {"xmlns": _EDM, "Namespace": _NAMESPACE, "Alias": "graph"})
    for name, members in types.ENUMS.items():
        enum = ElementTree.SubElement(schema, "EnumType", {"Name": name})
        for member in members:
            ElementTree.SubElement(enum, "Member", {"Name": member})
    for name, declared in types.TYPES.items():
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
            if single not in types.TYPES and single not in types.ENUMS:
                continue
            written = written.replace(single, f"graph.{single}")
        nullable = {"Nullable": "false"} if declared.endswith("!") else {}
        ElementTree.SubElement(element, "Property", {"Name": property_, "Type": written, **nullable})


def _is_entity(name: str) -> bool:
    """Whether it descends from ``entity``: has an id of its own."""
    base = types.TYPES[name]["base"]
    return name == "entity" or (base is not None and _is_entity(base))
