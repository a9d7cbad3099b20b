"""What the code asks of a body beyond the types of its fields, as JSON Schema, so that the document is as strict."""

from typing import Any

from shared.api.schemas.membership import Templates
from shared.api.schemas.people import ErasureBody, PersonBody
from shared.api.schemas.setup import AppBody, GroupBody
from shared.steps.portal.templates import MOST_TEMPLATES


def _given(*names: str) -> dict[str, Any]:
    """These are there, and not null."""
    return {"required": list(names), "properties": {name: {"type": "string"} for name in names}}


def _absent(*names: str) -> dict[str, Any]:
    return {"properties": {name: {"type": "null"} for name in names}}


_SOMEBODY = {"anyOf": [_given("address"), _given("userId")]}

RULES: dict[str, dict[str, Any]] = {
    AppBody.__name__: {
        "description": "One app: that of an id, or a new one by its name, by a template, or by both.",
        "oneOf": [
            {"allOf": [_given("appId"), _absent("name", "template")]},
            {"allOf": [_absent("appId"), {"anyOf": [_given("name"), _given("template")]}]},
        ],
    },
    GroupBody.__name__: {
        "description": "A group that is there already, by its id, or what a new one is called.",
        "anyOf": [_absent("id"), {"properties": {"name": {"type": "null"}, "description": {"maxLength": 0}}}],
    },
    Templates.__name__: {
        "description": "All templates of an app. No two have one name, whatever the case of its letters.",
        "allOf": [{"properties": {"value": {"uniqueItems": True, "maxItems": MOST_TEMPLATES}}}],
    },
    PersonBody.__name__: _SOMEBODY,
    ErasureBody.__name__: _SOMEBODY,
}
"""By the name of the model."""
