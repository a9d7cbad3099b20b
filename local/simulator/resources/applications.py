"""``/applications``: read and changed by id, appId or unique name, with the upsert by the latter (graph contract "App
access", "More operations")."""

import uuid
from urllib.parse import urlsplit

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..directory.objects import DirectoryObject
from ..errors import GraphError, bad_request, not_found
from ..odata.shapes import checked_body, merged
from ..routing import Route
from ..tables import TABLES
from ..world import World
from . import permissions as may
from .answers import collection, created, each, one
from .lookup import check_unique_name, need_application


def get_application(call: Call) -> Answer:
    return one(call, need_application(call))


def update_application(call: Call) -> Answer:
    _update(call, need_application(call), call.json())
    return NO_CONTENT


def delete_application(call: Call) -> Answer:
    """Its service principal goes with it; both can be restored for 30 days."""
    call.world.directory.delete(need_application(call))
    return NO_CONTENT


def upsert_application(call: Call) -> Answer:
    """With ``Prefer: create-if-missing`` never a second application for a key (graph contract "More operations")."""
    name, body = call.keys["uniqueName"], call.json()
    found = call.world.directory.applications.having("uniqueName", name)
    if found:
        _update(call, found[0], body)
        return NO_CONTENT
    if not call.prefers("create-if-missing"):
        raise not_found(name)
    fields = checked_application(call, {**body, "uniqueName": name})
    return created(call, create_application(call.world, fields))


def create_application(world: World, fields: Json) -> DirectoryObject:
    application = world.directory.create(
        "application",
        {
            **TABLES["application"],
            "appId": str(uuid.uuid4()),
            "createdDateTime": stamp(),
            "publisherDomain": world.directory.tenant.initial_domain,
            "signInAudience": "AzureADMyOrg",
            **fields,
            "web": {**TABLES["web"], **(fields.get("web") or {})},
        },
    )
    world.new.announce(application.id)
    return application


def checked_application(call: Call, body: Json) -> Json:
    """The properties of a new application. Raises GraphError: 400 for a bad one, or no name."""
    fields = checked_body(call.world.settings.odata, "application", body)
    if not fields.get("displayName"):
        raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
    return fields


def _update(call: Call, application: DirectoryObject, body: Json) -> None:
    """Raises GraphError: 400 for a property that is none or is fixed, or an identifier it may not have."""
    changes = merged(application, checked_body(call.world.settings.odata, "application", body))
    check_unique_name(application, changes)
    check_identifiers(call.world, application, changes.get("identifierUris") or [])
    call.world.directory.change(application, changes)
    _tell_service_principal(call.world, application, changes)


def check_identifiers(world: World, application: DirectoryObject | None, uris: list[str]) -> None:
    """Whether an application, or one that is about to be, may have these identifiers. Raises GraphError: 400."""
    known = (application.get("identifierUris") or []) if application is not None else []
    for uri in uris:
        if uri not in known and not _may_identify(world, application, uri):
            raise bad_request(
                "Values of identifierUris property must use a verified domain of the organization or its subdomain: "
                f"'{uri}'",
                "HostNameNotOnVerifiedDomain",
            )
        if any(other is not application for other in world.directory.applications.having("identifierUris", uri)):
            text = "Another object with the same value for property identifierUris already exists."
            raise GraphError(400, "Request_MultipleObjectsWithSameKeyValue", text)


def _may_identify(world: World, application: DirectoryObject | None, uri: str) -> bool:
    """On a verified domain, named after the app or the tenant, or of an app that uses SAML (switch)."""
    if world.settings.applications.identifier_domains == "any":
        return True
    app_id = str(application.get("appId")) if application is not None else ""
    principals = world.directory.service_principals.having("appId", app_id)
    if any(principal.get("preferredSingleSignOnMode") == "saml" for principal in principals):
        return True
    host = (urlsplit(uri).hostname or "").lower()
    if host and urlsplit(uri).scheme == "api" and host in {app_id.lower(), world.directory.tenant.id.lower()}:
        return True
    return any(host == domain or host.endswith(f".{domain}") for domain in world.verified_domains)


def _tell_service_principal(world: World, application: DirectoryObject, changes: Json) -> None:
    """What a service principal copies from its application (servicePrincipal in Microsoft's v1.0 reference)."""
    app_id = application.get("appId")
    copied: Json = {}
    if "identifierUris" in changes:
        copied["servicePrincipalNames"] = [*(changes["identifierUris"] or []), app_id]
    if "web" in changes:
        copied["replyUrls"] = list((changes["web"] or {}).get("redirectUris") or [])
    if "displayName" in changes:
        copied["appDisplayName"] = changes["displayName"]
    for principal in world.directory.service_principals.having("appId", str(app_id)) if copied else ():
        world.directory.change(principal, copied)


def _routes(base: str) -> tuple[Route, ...]:
    is_upsert = "uniqueName" in base
    return (
        Route("GET", base, get_application, may.APP_READ),
        Route("PATCH", base, upsert_application if is_upsert else update_application, may.APP_WRITE),
        Route("DELETE", base, delete_application, may.APP_WRITE),
    )


PATHS = ("/applications/{application}", "/applications/(appId=)/{appId}")
ROUTES: tuple[Route, ...] = (
    *collection("application", may.APP_READ, units=2),
    *each((*PATHS, "/applications/(uniqueName=)/{uniqueName}"), _routes),
)
