"""Group settings and their templates (graph contract "Policies"): nothing is listed until someone overrides a
default."""

import uuid
from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json, Needs
from ..errors import bad_request
from ..objects import DirectoryObject
from ..routing import Route
from ..tables import TABLES
from ..world import World
from . import permissions as may
from .answers import found, plain, reading
from .lookup import need_group

_TEMPLATES: Final[dict[str, Json]] = {template["id"]: template for template in TABLES["groupSettingTemplates"]}
TENANT_TEMPLATE, GUEST_TEMPLATE = _TEMPLATES
_TENANT_LEVEL = "tenant"


def allows_guests(world: World, group: DirectoryObject) -> bool:
    """Whether guests may join; the settings bind Microsoft 365 groups only."""
    if "Unified" not in (group.get("groupTypes") or []):
        return True
    for setting in (*_at_level(world, group.id), *_at_level(world, _TENANT_LEVEL)):
        for value in setting["values"]:
            if value["name"] == "AllowToAddGuests":
                return str(value["value"]).lower() != "false"
    return True


def create_setting(call: Call) -> Answer:
    body, level = call.json(), _level(call)
    allowed, other = (TENANT_TEMPLATE, "Group") if level == _TENANT_LEVEL else (GUEST_TEMPLATE, "Company")
    template = str(body.get("templateId", "")).lower()
    if template not in _TEMPLATES:
        raise bad_request("Invalid value specified for property 'templateId' of resource 'GroupSetting'.")
    if template != allowed:
        raise bad_request(f"The template '{template}' is not supported for DirectoryObjectClass '{other}'.")
    if any(setting["templateId"] == template for setting in _at_level(call.world, level)):
        raise bad_request("A conflicting object with one or more of the specified values is present.")
    name, values = _TEMPLATES[template]["displayName"], _values(template, body.get("values"))
    setting: Json = {"id": str(uuid.uuid4()), "displayName": name, "templateId": template, "values": values}
    call.world.directory.group_settings[setting["id"]] = {**setting, "level": level}
    return plain(call, "groupSettings", setting, status=201)


def update_setting(call: Call) -> Answer:
    setting, body = _need(call), call.json()
    setting["values"] = _values(setting["templateId"], body.get("values"))
    return NO_CONTENT


def delete_setting(call: Call) -> Answer:
    del call.world.directory.group_settings[_need(call)["id"]]
    return NO_CONTENT


def _values(template: str, given: object) -> list[Json]:
    """The values as given; every value is a text. Raises GraphError: 400 where one is missing: "You must include the
    entire collection set" (Microsoft Graph, "Update a group setting"; text: microsoft-graph-docs #1607)."""
    if not isinstance(given, list):
        raise bad_request("Invalid value specified for property 'values' of resource 'GroupSetting'.")
    names = [value["name"] for value in _TEMPLATES[template]["values"]]
    merged: dict[str, str] = {}
    for value in given:
        if not isinstance(value, dict) or value.get("name") not in names:
            raise bad_request(f"The setting {value!r} is not part of the template.")
        if not isinstance(value.get("value"), str):
            raise bad_request("Invalid value specified for property 'value' of resource 'SettingValue'.")
        merged[value["name"]] = value["value"]
    for name in names:
        if name not in merged:
            raise bad_request(
                f"The expected property '{name}' defined in template with SettingTemplateId '{template}' was not "
                "provided"
            )
    return [{"name": name, "value": value} for name, value in merged.items()]


def _level(call: Call) -> str:
    return need_group(call).id if "group" in call.keys else _TENANT_LEVEL


def _at_level(world: World, level: str) -> list[Json]:
    return [s for s in world.directory.group_settings.values() if s["level"].lower() == level.lower()]


def _need(call: Call) -> Json:
    return found(_at_level(call.world, _level(call)), call.keys["setting"])


def _shown(call: Call) -> list[Json]:
    settings = _at_level(call.world, _level(call))
    return [{name: value for name, value in setting.items() if name != "level"} for setting in settings]


def _routes(base: str, read: Needs, write: Needs) -> tuple[Route, ...]:
    return (
        *reading(base, "setting", _shown, read, set_="groupSettings"),
        Route("POST", base, create_setting, write),
        Route("PATCH", f"{base}/{{setting}}", update_setting, write),
        Route("DELETE", f"{base}/{{setting}}", delete_setting, write),
    )


_GROUP_READ, _GROUP_WRITE = (*may.SETTINGS_READ, *may.GROUP_READ), (*may.SETTINGS_WRITE, *may.GROUP_WRITE)
ROUTES: tuple[Route, ...] = (
    *reading("/groupSettingTemplates", "template", lambda _: list(_TEMPLATES.values()), may.SETTINGS_READ),
    *_routes("/groupSettings", may.SETTINGS_READ, may.SETTINGS_WRITE),
    *_routes("/groups/{group}/settings", _GROUP_READ, _GROUP_WRITE),
)
