"""``/applicationTemplates``: the gallery, and new applications from it (graph contract "App access")."""

from typing import Any, Final

from ..call import Answer, Call, Json
from ..errors import bad_request, not_found
from ..listing import list_plain
from ..odata.shapes import show
from ..routing import Route
from . import permissions as may
from .applications import create_application

NON_GALLERY: Final = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
# The same in every app made from a template (sample answers of Microsoft's v1.0 reference).
_SSO_ROLES: Final = {
    "User": "18d14569-c3bd-439b-9a66-3a2aee01d14f",
    "msiam_access": "b9632174-c057-4f7e-951b-be3adc52bfe6",
}
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


def list_templates(call: Call) -> Answer:
    return list_plain(call, list(_TEMPLATES), "applicationTemplates")


def get_template(call: Call) -> Answer:
    template = _template(call)
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#applicationTemplates/$entity", **template})


def instantiate(call: Call) -> Answer:
    """A new application and its service principal; a repeat makes others (graph contract "App access")."""
    template, name = _template(call), call.json().get("displayName")
    if not isinstance(name, str) or not name:
        raise bad_request("A value is required for property 'displayName'.")
    application = create_application(
        call.world, {"displayName": name, "applicationTemplateId": template["id"], "appRoles": _sso_roles()}
    )
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
            "id": id_,
            "isEnabled": True,
            "origin": "Application",
            "value": None,
        }
        for name, id_ in _SSO_ROLES.items()
    ]


def _template(call: Call) -> Json:
    key = call.keys["template"].lower()
    found = next((template for template in _TEMPLATES if template["id"] == key), None)
    if found is None:
        raise not_found(call.keys["template"])
    return found


ROUTES: tuple[Route, ...] = (
    Route("GET", "/applicationTemplates", list_templates),
    Route("GET", "/applicationTemplates/{template}", get_template),
    Route("POST", "/applicationTemplates/{template}/instantiate", instantiate, may.APP_WRITE),
    Route("POST", "/applicationTemplates/{template}/graph.instantiate", instantiate, may.APP_WRITE),
)
