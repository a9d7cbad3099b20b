"""The page to read the document, without script."""

from typing import Any

import msgspec

from shared.core.templates import templates, text_file

_PACKAGE = "shared.http.openapi"


def page(document: dict[str, Any]) -> str:
    """All operations with parameters, bodies and answers, and the schemas they refer to."""
    operations: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append({"path": path, "method": method.upper(), **operation})
    drawn = templates(_PACKAGE, type_of=_type_of, pretty=_pretty)
    return drawn.get_template("openapi.html").render(document=document, operations=operations)


def stylesheet() -> str:
    """Of the page."""
    return text_file(_PACKAGE, "templates/openapi.css")


def _type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words; what it refers to is linked by the template."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type_of(s) for s in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
