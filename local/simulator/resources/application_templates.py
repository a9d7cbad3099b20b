"""``/applicationTemplates``: the gallery, and new applications from it (graph contract "App access")."""

from ..call import Answer, Call, Json
from ..errors import bad_request
from ..odata.shapes import show
from ..routing import Route
from ..tables import TABLES
from . import permissions as may
from .answers import found, reading
from .applications import create_application


def _templates(_call: Call) -> list[Json]:
    templates: list[Json] = TABLES["applicationTemplates"]
    return templates


def instantiate(call: Call) -> Answer:
    """A new application and its service principal; a repeat makes others. The roles are the same in every app made
    from a template (sample answers of Microsoft's v1.0 reference)."""
    template, name = found(_templates(call), call.keys["template"]), call.json().get("displayName")
    if not isinstance(name, str) or not name:
        raise bad_request("A value is required for property 'displayName'.")
    common: Json = {
        "applicationTemplateId": template["id"],
        "appRoles": TABLES["singleSignOnRoles"],
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
    }
    application = create_application(call.world, common)
    principal = call.world.directory.create(
        "servicePrincipal",
        {
            **common,
            "appId": application.get("appId"),
            "appDisplayName": name,
            "accountEnabled": True,
            "appOwnerOrganizationId": call.world.directory.tenant.id,
            "appRoleAssignmentRequired": True,
            "homepage": template["homePageUrl"],
            "servicePrincipalNames": [application.get("appId")],
            "servicePrincipalType": "Application",
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        },
    )
    call.world.new.announce(principal.id)
    context = f"{call.base_url}/$metadata#microsoft.graph.applicationServicePrincipal"
    made = {"application": show(application), "servicePrincipal": show(principal)}
    return Answer(201, {"@odata.context": context, **made})


ROUTES: tuple[Route, ...] = (
    *reading("/applicationTemplates", "template", _templates),
    Route("POST", "/applicationTemplates/{template}/instantiate", instantiate, may.APP_WRITE),
    Route("POST", "/applicationTemplates/{template}/graph.instantiate", instantiate, may.APP_WRITE),
)
