"""``/applications``: made, read and changed by id, appId or unique name, with the upsert by the latter (graph
contract "App access", "More operations"), and what service principals have like them."""

import uuid
from urllib.parse import urlsplit

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..errors import already_exist, bad_request, check_required, not_found, not_unique
from ..objects import DirectoryObject, OrderedIds
from ..odata.shapes import checked_body, merged
from ..routing import Route
from ..tables import TABLES
from ..world import World
from . import credentials
from . import permissions as may
from .answers import Find, changed, collection, created, deleting, each, listed, one, references, upserted
from .lookup import check_unique_name, need_application


def update_application(call: Call) -> Answer:
    _update(call, need_application(call), call.json())
    return NO_CONTENT


def upsert_application(call: Call) -> Answer:
    return upserted(
        call,
        "application",
        lambda application, body: _update(call, application, body),
        lambda body: create_application(call.world, _checked_application(call, body)),
    )


def create_app(call: Call) -> Answer:
    """An app that makes another owns it. The text of a password is in this answer only. Raises GraphError: 400
    without a name, or for an identifier or a password it may not have."""
    world = call.world
    fields = _checked_application(call, call.json())
    _check_identifiers(world, None, fields.get("identifierUris") or [])
    passwords = [credentials.new_password(asked) for asked in fields.get("passwordCredentials") or []]
    kept = [{**password, "secretText": None} for password in passwords]
    application = create_application(world, {**fields, "passwordCredentials": kept})
    own(call, application)
    return created(call, application, passwordCredentials=passwords)


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


def _checked_application(call: Call, body: Json) -> Json:
    """The properties of a new application. Raises GraphError: 400 for a bad one, or no name."""
    fields = checked_body(call.world.settings.odata, "application", body)
    check_required(fields, "Application", "displayName")
    return fields


def _update(call: Call, application: DirectoryObject, body: Json) -> None:
    """Raises GraphError: 400 for a property that is none or is fixed, or an identifier it may not have."""
    changes = merged(application, checked_body(call.world.settings.odata, "application", body))
    check_unique_name(application, changes)
    _check_identifiers(call.world, application, changes.get("identifierUris") or [])
    call.world.directory.change(application, changes)
    _tell_service_principal(call.world, application, changes)


def _check_identifiers(world: World, application: DirectoryObject | None, uris: list[str]) -> None:
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
            raise not_unique("identifierUris", "Request_MultipleObjectsWithSameKeyValue")


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


def list_roles(call: Call) -> Answer:
    """A property by its own path."""
    application = need_application(call)
    context = f"{call.base_url}/$metadata#applications('{application.id}')/appRoles"
    return Answer(200, {"@odata.context": context, "value": application.get("appRoles") or []})


def _add_owner(call: Call, object_: DirectoryObject, owner: DirectoryObject) -> None:
    """Raises GraphError: 400 for who is an owner already, or neither a user nor a service principal."""
    if owner.kind not in {"user", "servicePrincipal"}:
        raise bad_request("Invalid object reference for property 'owners'.")
    if not call.world.directory.owners.add(object_.id, owner.id):
        raise already_exist("owners")


def _remove_owner(call: Call, object_: DirectoryObject, id_: str) -> None:
    """The last owner too: an app, unlike a group, can be without."""
    if not call.world.directory.owners.remove(object_.id, id_):
        raise not_found(id_)


def own(call: Call, object_: DirectoryObject) -> None:
    """What an app makes with Application.ReadWrite.OwnedBy it can manage: it is the owner. For a person UNVERIFIED,
    and not done."""
    if call.who.is_app:
        call.world.directory.owners.add(object_.id, call.who.object_id)


def app_routes(base: str, find: Find) -> tuple[Route, ...]:
    """What applications and service principals have in common: owners and passwords."""

    def owners(call: Call) -> OrderedIds:
        return call.world.directory.owners.of(find(call).id)

    path = f"{base}/owners"
    return (
        *listed(path, owners, may.APP_READ, counted=False),
        *([] if "(" in base else [references(path, owners, may.APP_READ)]),
        *changed(path, "owner", find, may.APP_OWNER_WRITE, add=_add_owner, remove=_remove_owner),
        Route("POST", f"{base}/addPassword", lambda call: credentials.add_password(call, find(call)), may.APP_WRITE),
        Route(
            "POST",
            f"{base}/removePassword",
            lambda call: credentials.remove_password(call, find(call)),
            may.APP_WRITE,
        ),
    )


def _routes(base: str) -> tuple[Route, ...]:
    is_upsert = "uniqueName" in base
    return (
        Route("GET", base, lambda call: one(call, need_application(call)), may.APP_READ),
        Route("PATCH", base, upsert_application if is_upsert else update_application, may.APP_WRITE),
        Route("DELETE", base, deleting(need_application), may.APP_WRITE),
        *(() if is_upsert else app_routes(base, need_application)),
    )


_BASES = (
    *("/applications/{application}", "/applications/(appId=)/{appId}"),
    "/applications/(uniqueName=)/{uniqueName}",
)
ROUTES: tuple[Route, ...] = (
    *collection("application", may.APP_READ, units=2),
    Route("POST", "/applications", create_app, may.APP_WRITE),
    Route("GET", "/applications/{application}/appRoles", list_roles, may.APP_READ),
    *each(_BASES, _routes),
)
