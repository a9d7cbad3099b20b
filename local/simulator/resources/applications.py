"""``/applications`` with the upsert by unique name (G6), and ``/applicationTemplates`` (G1.5)."""

import uuid
from typing import Any

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..directory.objects import DirectoryObject
from ..errors import bad_request, not_found
from ..listing import list_kind, list_plain
from ..odata.shapes import checked_body, checked_select, context, show
from ..routing import Route
from ..world import World
from . import permissions as may
from .groups.routes import prefers
from .lookup import need_object, sees

NON_GALLERY = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
_READ_ONLY = frozenset({"id", "appId", "createdDateTime", "publisherDomain", "applicationTemplateId"})
_TEMPLATES: tuple[Json, ...] = (
    {
        "id": NON_GALLERY,
        "displayName": "Custom",
        "homePageUrl": None,
        "supportedSingleSignOnModes": ["password", "saml", "external"],
        "supportedProvisioningTypes": ["sync"],
        "logoUrl": None,
        "categories": [],
        "publisher": None,
        "description": None,
        "isEntraIntegrated": False,
    },
    {
        "id": "5f1b8a4e-3c0d-4b65-9a4e-7d2f6c1e9b30",
        "displayName": "Contoso Travel",
        "homePageUrl": "https://travel.example/",
        "supportedSingleSignOnModes": ["saml", "password"],
        "supportedProvisioningTypes": [],
        "logoUrl": "https://travel.example/logo.png",
        "categories": ["travel"],
        "publisher": "Contoso Travel Ltd",
        "description": "Books journeys.",
        "isEntraIntegrated": False,
    },
)


def list_applications(call: Call) -> Answer:
    window = call.world.settings.replication.objects_get
    return list_kind(call, call.world.directory.applications, sees(call.world, "objects_list", window))


def get_application(call: Call) -> Answer:
    return _one(call, need_object(call, "application", call.keys["application"]))


def update_application(call: Call) -> Answer:
    _update(call, need_object(call, "application", call.keys["application"]), call.json())
    return NO_CONTENT


def get_by_unique_name(call: Call) -> Answer:
    found = call.world.directory.applications.having("uniqueName", call.keys["uniqueName"])
    if not found:
        raise not_found(call.keys["uniqueName"])
    return _one(call, need_object(call, "application", found[0].id))


def upsert_application(call: Call) -> Answer:
    """G6: with ``Prefer: create-if-missing`` never a second application for a key."""
    name, body = call.keys["uniqueName"], call.json()
    found = call.world.directory.applications.having("uniqueName", name)
    if found:
        _update(call, found[0], body)
        return NO_CONTENT
    if not prefers(call, "create-if-missing"):
        raise not_found(name)
    fields = _checked(call, {**body, "uniqueName": name})
    if not fields.get("displayName"):
        raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
    application = create_application(call.world, fields)
    return Answer(
        201,
        {"@odata.context": context(call.base_url, "application", entity=True), **show(application)},
        headers={"Location": f"{call.base_url}/applications/{application.id}"},
    )


def create_application(world: World, fields: Json) -> DirectoryObject:
    application = world.directory.create(
        "application",
        {
            "appId": str(uuid.uuid4()),
            "createdDateTime": stamp(),
            "publisherDomain": world.directory.tenant.initial_domain,
            "signInAudience": "AzureADMyOrg",
            "oauth2RequirePostResponse": False,
            **fields,
        },
    )
    world.new.announce(application.id)
    return application


def list_templates(call: Call) -> Answer:
    return list_plain(call, list(_TEMPLATES), "applicationTemplates")


def get_template(call: Call) -> Answer:
    template = _template(call)
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#applicationTemplates/$entity", **template})


def instantiate(call: Call) -> Answer:
    """A new application and its service principal; a repeat makes others (G1.5)."""
    template, name = _template(call), call.json().get("displayName")
    if not isinstance(name, str) or not name:
        raise bad_request("A value is required for property 'displayName'.")
    application = create_application(call.world, {"displayName": name, "applicationTemplateId": template["id"]})
    principal = call.world.directory.create(
        "servicePrincipal",
        {
            "appId": application.get("appId"),
            "appDisplayName": name,
            "displayName": name,
            "accountEnabled": True,
            "applicationTemplateId": template["id"],
            "appOwnerOrganizationId": call.world.directory.tenant.id,
            "appRoleAssignmentRequired": True,
            "appRoles": _sso_roles(),
            "homepage": template["homePageUrl"],
            "servicePrincipalNames": [application.get("appId")],
            "servicePrincipalType": "Application",
            "signInAudience": "AzureADMyOrg",
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        },
    )
    call.world.new.announce(principal.id)
    return Answer(
        201,
        {
            "@odata.context": f"{call.base_url}/$metadata#microsoft.graph.applicationServicePrincipal",
            "application": show(application),
            "servicePrincipal": show(principal),
        },
    )


def _sso_roles() -> list[dict[str, Any]]:
    return [
        {
            "allowedMemberTypes": ["User"],
            "description": name,
            "displayName": name,
            "id": str(uuid.uuid4()),
            "isEnabled": True,
            "origin": "Application",
            "value": None,
        }
        for name in ("User", "msiam_access")
    ]


def _template(call: Call) -> Json:
    key = call.keys["template"].lower()
    found = next((template for template in _TEMPLATES if template["id"] == key), None)
    if found is None:
        raise not_found(call.keys["template"])
    return found


def _checked(call: Call, body: Json) -> Json:
    return checked_body(
        "application",
        body,
        reject_unknown=call.world.settings.odata.reject_unknown_properties,
        read_only=_READ_ONLY,
    )


def _update(call: Call, application: DirectoryObject, body: Json) -> None:
    changes = _checked(call, body)
    if changes.get("uniqueName") is not None and application.get("uniqueName") not in {
        None,
        changes["uniqueName"],
    }:
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")
    call.world.directory.change(application, changes)


def _one(call: Call, application: DirectoryObject) -> Answer:
    select = checked_select("application", call.query.select)
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "application", call.query.select, entity=True),
            **show(application, select),
        },
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/applications", list_applications, may.APP_READ, units=2),
    Route("GET", "/applications/(uniqueName=)/{uniqueName}", get_by_unique_name, may.APP_READ),
    Route("PATCH", "/applications/(uniqueName=)/{uniqueName}", upsert_application, may.APP_WRITE),
    Route("GET", "/applications/{application}", get_application, may.APP_READ),
    Route("PATCH", "/applications/{application}", update_application, may.APP_WRITE),
    Route("GET", "/applicationTemplates", list_templates),
    Route("GET", "/applicationTemplates/{template}", get_template),
    Route("POST", "/applicationTemplates/{template}/instantiate", instantiate, may.APP_WRITE),
    Route("POST", "/applicationTemplates/{template}/graph.instantiate", instantiate, may.APP_WRITE),
)
