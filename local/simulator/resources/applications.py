"""``/applications``: read and changed by id, appId or unique name, with the upsert by the latter (graph contract "App
access", "More operations")."""

import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..directory.objects import DirectoryObject
from ..errors import bad_request, not_found
from ..expanding import expanding
from ..listing import count_kind, list_kind
from ..odata.shapes import checked_body, checked_select, context, merged, show
from ..routing import Route
from ..world import World
from . import permissions as may
from .groups.routes import prefers
from .lookup import lists_new, need_application

_READ_ONLY = frozenset({"id", "appId", "createdDateTime", "publisherDomain", "applicationTemplateId"})
NO_WEB: Final[Json] = {
    "homePageUrl": None,
    "logoutUrl": None,
    "redirectUris": [],
    "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
    "redirectUriSettings": [],
}


NEW: Final[Json] = {
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
        "requestedAccessTokenVersion": None,
    },
    "info": dict.fromkeys(("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")),
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "publicClient": {"redirectUris": []},
    "spa": {"redirectUris": []},
}
"""What Graph shows of an application that sets nothing of it ("Create application", the answer)."""


def list_applications(call: Call) -> Answer:
    return list_kind(call, call.world.directory.applications, lists_new(call.world))


def count_applications(call: Call) -> Answer:
    return count_kind(call, call.world.directory.applications)


def get_application(call: Call) -> Answer:
    return _one(call, need_application(call))


def update_application(call: Call) -> Answer:
    _update(call, need_application(call), call.json())
    return NO_CONTENT


def delete_application(call: Call) -> Answer:
    """Its service principal goes with it; both can be restored for 30 days."""
    call.world.directory.delete_application(need_application(call))
    return NO_CONTENT


def upsert_application(call: Call) -> Answer:
    """graph contract "More operations": with ``Prefer: create-if-missing`` never a second application for a key."""
    name, body = call.keys["uniqueName"], call.json()
    found = call.world.directory.applications.having("uniqueName", name)
    if found:
        _update(call, found[0], body)
        return NO_CONTENT
    if not prefers(call, "create-if-missing"):
        raise not_found(name)
    fields = checked_application(call, {**body, "uniqueName": name})
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
            **NEW,
            "appId": str(uuid.uuid4()),
            "createdDateTime": stamp(),
            "publisherDomain": world.directory.tenant.initial_domain,
            "signInAudience": "AzureADMyOrg",
            "oauth2RequirePostResponse": False,
            **fields,
            "web": {**NO_WEB, **(fields.get("web") or {})},
        },
    )
    world.new.announce(application.id)
    return application


def checked_application(call: Call, body: Json) -> Json:
    return checked_body(
        "application",
        body,
        reject_unknown=call.world.settings.odata.reject_unknown_properties,
        read_only=_READ_ONLY,
    )


def _update(call: Call, application: DirectoryObject, body: Json) -> None:
    """Raises GraphError: 400 for a property that is none or is fixed, or an identifier it may not have."""
    changes = merged(application, checked_application(call, body))
    if changes.get("uniqueName") is not None and application.get("uniqueName") not in {
        None,
        changes["uniqueName"],
    }:
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")
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
            raise bad_request(
                "Another object with the same value for property identifierUris already exists.",
                "Request_MultipleObjectsWithSameKeyValue",
            )


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
    copied: dict[str, Any] = {}
    if "identifierUris" in changes:
        copied["servicePrincipalNames"] = [*(changes["identifierUris"] or []), app_id]
    if "web" in changes:
        copied["replyUrls"] = list((changes["web"] or {}).get("redirectUris") or [])
    if "displayName" in changes:
        copied["appDisplayName"] = changes["displayName"]
    if not copied:
        return
    for principal in world.directory.service_principals.having("appId", str(app_id)):
        world.directory.change(principal, copied)


def _one(call: Call, application: DirectoryObject) -> Answer:
    select, expand = checked_select("application", call.query.select), expanding(call, "application")
    projection = expand.projection(call.query.select)
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "application", projection, entity=True),
            **show(application, select, keys="keyCredentials" in select),
            **expand.shown(call, application),
        },
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/applications", list_applications, may.APP_READ, units=2),
    Route("GET", "/applications/$count", count_applications, may.APP_READ),
    Route("PATCH", "/applications/(uniqueName=)/{uniqueName}", upsert_application, may.APP_WRITE),
    *(
        Route(method, base, handler, needs)
        for base in (
            "/applications/{application}",
            "/applications/(appId=)/{appId}",
            "/applications/(uniqueName=)/{uniqueName}",
        )
        for method, handler, needs in (
            ("GET", get_application, may.APP_READ),
            ("PATCH", update_application, may.APP_WRITE),
            ("DELETE", delete_application, may.APP_WRITE),
        )
        if (method, base) != ("PATCH", "/applications/(uniqueName=)/{uniqueName}")
    ),
)
