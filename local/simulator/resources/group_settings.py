"""Group settings and their templates (graph contract "Policies"): nothing is listed until someone overrides a
default."""

import uuid
from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..directory.objects import DirectoryObject
from ..errors import GraphError, bad_request, not_found
from ..listing import list_plain
from ..routing import Route
from ..world import World
from . import permissions as may
from .lookup import need_group

TENANT_TEMPLATE: Final = "62375ab9-6b52-47ed-826b-58e47e0e304b"
GUEST_TEMPLATE: Final = "08d542b9-071f-4e16-94b0-74abb372e3d9"
_TENANT_DEFAULTS = {
    "NewUnifiedGroupWritebackDefault": ("true", "System.Boolean"),
    "EnableMIPLabels": ("false", "System.Boolean"),
    "CustomBlockedWordsList": ("", "System.String"),
    "EnableMSStandardBlockedWords": ("false", "System.Boolean"),
    "ClassificationDescriptions": ("", "System.String"),
    "DefaultClassification": ("", "System.String"),
    "PrefixSuffixNamingRequirement": ("", "System.String"),
    "AllowGuestsToBeGroupOwner": ("false", "System.Boolean"),
    "AllowGuestsToAccessGroups": ("true", "System.Boolean"),
    "GuestUsageGuidelinesUrl": ("", "System.String"),
    "GroupCreationAllowedGroupId": ("", "System.Guid"),
    "AllowToAddGuests": ("true", "System.Boolean"),
    "UsageGuidelinesUrl": ("", "System.String"),
    "ClassificationList": ("", "System.String"),
    "EnableGroupCreation": ("true", "System.Boolean"),
}
_TEMPLATES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    TENANT_TEMPLATE: ("Group.Unified", _TENANT_DEFAULTS),
    GUEST_TEMPLATE: ("Group.Unified.Guest", {"AllowToAddGuests": ("true", "System.Boolean")}),
}
_TENANT_LEVEL = "tenant"


def allows_guests(world: World, group: DirectoryObject) -> bool:
    """Whether guests may join; the settings bind Microsoft 365 groups only."""
    if "Unified" not in (group.get("groupTypes") or []):
        return True
    levels = (_at_level(world, group.id), _at_level(world, _TENANT_LEVEL))
    for settings in levels:
        for setting in settings:
            for value in setting["values"]:
                if value["name"] == "AllowToAddGuests":
                    return str(value["value"]).lower() != "false"
    return True


def list_templates(call: Call) -> Answer:
    return list_plain(call, [_template(id_) for id_ in _TEMPLATES], "groupSettingTemplates")


def get_template(call: Call) -> Answer:
    id_ = call.keys["template"].lower()
    if id_ not in _TEMPLATES:
        raise not_found(call.keys["template"])
    return Answer(
        200, {"@odata.context": f"{call.base_url}/$metadata#groupSettingTemplates/$entity", **_template(id_)}
    )


def list_tenant_settings(call: Call) -> Answer:
    return list_plain(call, [_shown(s) for s in _at_level(call.world, _TENANT_LEVEL)], "groupSettings")


def list_group_settings(call: Call) -> Answer:
    return list_plain(call, [_shown(s) for s in _at_level(call.world, need_group(call).id)], "groupSettings")


def create_tenant_setting(call: Call) -> Answer:
    return _create(call, _TENANT_LEVEL, TENANT_TEMPLATE, "Group")


def create_group_setting(call: Call) -> Answer:
    return _create(call, need_group(call).id, GUEST_TEMPLATE, "Company")


def get_setting(call: Call) -> Answer:
    return Answer(
        200,
        {"@odata.context": f"{call.base_url}/$metadata#groupSettings/$entity", **_shown(_need(call))},
    )


def update_setting(call: Call) -> Answer:
    setting, body = _need(call), call.json()
    setting["values"] = _values(setting["templateId"], body.get("values"))
    return NO_CONTENT


def delete_setting(call: Call) -> Answer:
    del call.world.directory.group_settings[_need(call)["id"]]
    return NO_CONTENT


def _create(call: Call, level: str, allowed: str, wrong_level: str) -> Answer:
    body = call.json()
    template = str(body.get("templateId", "")).lower()
    if template not in _TEMPLATES:
        raise bad_request("Invalid value specified for property 'templateId' of resource 'GroupSetting'.")
    if template != allowed:
        raise bad_request(f"The template '{template}' is not supported for DirectoryObjectClass '{wrong_level}'.")
    if any(setting["templateId"] == template for setting in _at_level(call.world, level)):
        raise GraphError(
            400, "Request_BadRequest", "A conflicting object with one or more of the specified values is present."
        )
    setting_id = str(uuid.uuid4())
    setting: Json = {
        "id": setting_id,
        "displayName": _TEMPLATES[template][0],
        "templateId": template,
        "values": _values(template, body.get("values")),
        "level": level,
    }
    call.world.directory.group_settings[setting_id] = setting
    return Answer(201, {"@odata.context": f"{call.base_url}/$metadata#groupSettings/$entity", **_shown(setting)})


def _values(template: str, given: object) -> list[Json]:
    """The values as given; every value is a text.

    Raises:
        GraphError: 400 where one is missing: "You must include the entire collection set" (Microsoft
            Graph, "Update a group setting"; text: microsoft-graph-docs #1607).
    """
    if not isinstance(given, list):
        raise bad_request("Invalid value specified for property 'values' of resource 'GroupSetting'.")
    merged: dict[str, str] = {}
    for value in given:
        if not isinstance(value, dict) or value.get("name") not in _TEMPLATES[template][1]:
            raise bad_request(f"The setting {value!r} is not part of the template.")
        if not isinstance(value.get("value"), str):
            raise bad_request("Invalid value specified for property 'value' of resource 'SettingValue'.")
        merged[value["name"]] = value["value"]
    for name in _TEMPLATES[template][1]:
        if name not in merged:
            raise bad_request(
                f"The expected property '{name}' defined in template with SettingTemplateId '{template}' was not "
                "provided"
            )
    return [{"name": name, "value": value} for name, value in merged.items()]


def _at_level(world: World, level: str) -> list[Json]:
    return [s for s in world.directory.group_settings.values() if s["level"].lower() == level.lower()]


def _need(call: Call) -> Json:
    setting = call.world.directory.group_settings.get(call.keys["setting"])
    level = need_group(call).id if "group" in call.keys else _TENANT_LEVEL
    if setting is None or setting["level"] != level:
        raise not_found(call.keys["setting"])
    return setting


def _shown(setting: Json) -> Json:
    return {name: value for name, value in setting.items() if name != "level"}


def _template(id_: str) -> Json:
    name, values = _TEMPLATES[id_]
    return {
        "id": id_,
        "deletedDateTime": None,
        "displayName": name,
        "description": f"Settings of the template {name}.",
        "values": [
            {"name": key, "type": type_, "defaultValue": default, "description": ""}
            for key, (default, type_) in values.items()
        ],
    }


ROUTES: tuple[Route, ...] = (
    Route("GET", "/groupSettingTemplates", list_templates, may.SETTINGS_READ),
    Route("GET", "/groupSettingTemplates/{template}", get_template, may.SETTINGS_READ),
    Route("GET", "/groupSettings", list_tenant_settings, may.SETTINGS_READ),
    Route("POST", "/groupSettings", create_tenant_setting, may.SETTINGS_WRITE),
    Route("GET", "/groupSettings/{setting}", get_setting, may.SETTINGS_READ),
    Route("PATCH", "/groupSettings/{setting}", update_setting, may.SETTINGS_WRITE),
    Route("DELETE", "/groupSettings/{setting}", delete_setting, may.SETTINGS_WRITE),
    Route("GET", "/groups/{group}/settings", list_group_settings, (*may.SETTINGS_READ, *may.GROUP_READ)),
    Route("POST", "/groups/{group}/settings", create_group_setting, (*may.SETTINGS_WRITE, *may.GROUP_WRITE)),
    Route("GET", "/groups/{group}/settings/{setting}", get_setting, (*may.SETTINGS_READ, *may.GROUP_READ)),
    Route("PATCH", "/groups/{group}/settings/{setting}", update_setting, (*may.SETTINGS_WRITE, *may.GROUP_WRITE)),
    Route("DELETE", "/groups/{group}/settings/{setting}", delete_setting, (*may.SETTINGS_WRITE, *may.GROUP_WRITE)),
)
