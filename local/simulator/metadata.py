"""``$metadata``: the CSDL document of the published types that the simulator knows, and of the sets it serves.

An excerpt, as the types themselves are: navigation properties and operations are left out, and so is every property
of a type that is not in the excerpt.
"""

from functools import cache
from typing import Final
from xml.etree import ElementTree

from .odata import types

_EDMX: Final = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"
_NAMESPACE: Final = "microsoft.graph"
_SETS: Final = {
    **{
        name: name.removesuffix("s")
        for name in ("applicationTemplates", "applications", "directoryObjects", "domains")
    },
    **{name: name.removesuffix("s") for name in ("groupSettingTemplates", "groupSettings", "groups", "invitations")},
    "organization": "organization",
    "servicePrincipals": "servicePrincipal",
    "users": "user",
}


@cache
def document() -> bytes:
    """The document, in UTF-8."""
    root = ElementTree.Element("edmx:Edmx", {"xmlns:edmx": _EDMX, "Version": "4.0"})
    services = ElementTree.SubElement(root, "edmx:DataServices")
    schema = ElementTree.SubElement(services, "Schema", {"xmlns": _EDM, "Namespace": _NAMESPACE, "Alias": "graph"})
    for name, members in types.enums().items():
        enum = ElementTree.SubElement(schema, "EnumType", {"Name": name})
        for member in members:
            ElementTree.SubElement(enum, "Member", {"Name": member})
    for name in types.names():
        _add_type(schema, name)
    container = ElementTree.SubElement(schema, "EntityContainer", {"Name": "GraphService"})
    for set_, type_ in _SETS.items():
        ElementTree.SubElement(container, "EntitySet", {"Name": set_, "EntityType": f"{_NAMESPACE}.{type_}"})
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _add_type(schema: ElementTree.Element, name: str) -> None:
    base = types.base(name)
    facts = {"Name": name}
    if base is not None:
        facts["BaseType"] = f"graph.{base}"
    if types.is_open(name):
        facts["OpenType"] = "true"
    element = ElementTree.SubElement(schema, "EntityType" if types.is_entity(name) else "ComplexType", facts)
    if name == "entity":
        element.set("Abstract", "true")
        ElementTree.SubElement(ElementTree.SubElement(element, "Key"), "PropertyRef", {"Name": "id"})
    for property_, declared in types.own_properties(name).items():
        type_ = declared.removesuffix("!")
        single = type_.removeprefix("Collection(").removesuffix(")")
        if not single.startswith("Edm."):
            if single not in types.names() and single not in types.enums():
                continue
            type_ = type_.replace(single, f"graph.{single}")
        nullable = {"Nullable": "false"} if declared.endswith("!") else {}
        ElementTree.SubElement(element, "Property", {"Name": property_, "Type": type_, **nullable})
