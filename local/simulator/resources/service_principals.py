"""``/servicePrincipals``: made, also from the gallery (``/applicationTemplates``), read by id or appId, changed,
certified and deleted (graph contract "App access")."""

from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..errors import GraphError, bad_request, check_required, invalid_value
from ..objects import DirectoryObject, OrderedIds
from ..odata.shapes import checked_body, merged, show
from ..routing import Route
from ..tables import TABLES
from ..world import World
from . import permissions as may
from .answers import collection, created, deleting, each, found, listed, one, reading
from .applications import app_routes, create_application, own
from .credentials import add_token_signing_certificate
from .lookup import need_service_principal

_TEMPLATES: Final[list[Json]] = TABLES["applicationTemplates"]
_SSO_MODES = {"password", "saml", "notSupported", "oidc", None}


def update_service_principal(call: Call) -> Answer:
    principal = need_service_principal(call)
    changes = checked_body(call.world.settings.odata, "servicePrincipal", call.json())
    if changes.get("preferredSingleSignOnMode") not in _SSO_MODES:
        raise invalid_value("preferredSingleSignOnMode", "ServicePrincipal")
    call.world.directory.change(principal, merged(principal, changes))
    return NO_CONTENT


def create_service_principal(call: Call) -> Answer:
    """Of an application of this tenant: others' applications are not simulated. Raises GraphError: 400 for an appId
    without application, 409 where there is a service principal."""
    world = call.world
    fields = checked_body(world.settings.odata, "servicePrincipal", call.json(), may_set=("appId",))
    check_required(fields, "ServicePrincipal", "appId")
    app_id: str = fields["appId"]
    if world.directory.service_principals.having("appId", app_id):
        raise GraphError(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use.",
        )
    application = next(iter(world.directory.applications.having("appId", app_id)), None)
    if application is None:
        text = f"The appId '{app_id}' of the service principal does not reference a valid application object."
        raise bad_request(text)
    principal = _principal_of(world, application, fields)
    own(call, principal)
    return created(call, principal)


def instantiate(call: Call) -> Answer:
    """A new application and its service principal; a repeat makes others. The roles are the same in every app made
    from a template (sample answers of Microsoft's v1.0 reference)."""
    template, name = found(_TEMPLATES, call.keys["template"]), call.json().get("displayName")
    if not isinstance(name, str) or not name:
        raise bad_request("A value is required for property 'displayName'.")
    common: Json = {"applicationTemplateId": template["id"], "appRoles": TABLES["singleSignOnRoles"]}
    application = create_application(call.world, {**common, "displayName": name})
    of_gallery = {"appRoleAssignmentRequired": True, "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]}
    facts = {**common, **of_gallery, "homepage": template["homePageUrl"]}
    principal = _principal_of(call.world, application, facts)
    context = f"{call.base_url}/$metadata#microsoft.graph.applicationServicePrincipal"
    made = {"application": show(application), "servicePrincipal": show(principal)}
    return Answer(201, {"@odata.context": context, **made})


def _principal_of(world: World, application: DirectoryObject, facts: Json) -> DirectoryObject:
    """A new service principal, with what it copies from its application."""
    web: Json = application.get("web") or {}
    app_id, name = application.get("appId"), application.get("displayName")
    copied: Json = {
        "accountEnabled": True,
        "appDisplayName": name,
        "appId": app_id,
        "appOwnerOrganizationId": world.directory.tenant.id,
        "appRoleAssignmentRequired": False,
        "appRoles": application.get("appRoles") or [],
        "displayName": name,
        "homepage": web.get("homePageUrl"),
        "replyUrls": list(web.get("redirectUris") or []),
        "servicePrincipalNames": [*(application.get("identifierUris") or []), app_id],
        "servicePrincipalType": "Application",
        "signInAudience": application.get("signInAudience"),
    }
    principal = world.directory.create("servicePrincipal", {**copied, **facts})
    world.new.announce(principal.id)
    return principal


def _owned(call: Call) -> OrderedIds:
    return call.world.directory.owners.to(need_service_principal(call).id)


def _routes(base: str) -> tuple[Route, ...]:
    return (
        Route("GET", base, lambda call: one(call, need_service_principal(call)), may.APP_READ),
        Route("PATCH", base, update_service_principal, may.APP_WRITE),
        Route("DELETE", base, deleting(need_service_principal), may.APP_WRITE),
        Route("POST", f"{base}/addTokenSigningCertificate", add_token_signing_certificate, may.APP_WRITE),
        *listed(f"{base}/ownedObjects", _owned, may.APP_READ, counted=False),
        *app_routes(base, need_service_principal),
    )


_BASES = ("/servicePrincipals/{servicePrincipal}", "/servicePrincipals/(appId=)/{appId}")
ROUTES: tuple[Route, ...] = (
    *collection("servicePrincipal", may.APP_READ, changes=False),
    Route("POST", "/servicePrincipals", create_service_principal, may.APP_WRITE),
    *each(_BASES, _routes),
    *reading("/applicationTemplates", "template", lambda _: _TEMPLATES),
    Route("POST", "/applicationTemplates/{template}/instantiate", instantiate, may.APP_WRITE),
)
