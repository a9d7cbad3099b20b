"""New applications and service principals, their owners and passwords (Microsoft's v1.0 reference)."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Final

from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import now, stamp
from ..directory.objects import DirectoryObject, OrderedIds
from ..errors import GraphError, already_exist, bad_request, invalid_value, not_found
from ..odata.shapes import checked_body
from ..routing import Route
from . import applications, service_principals
from . import permissions as may
from .answers import bound, created, each
from .applications import check_identifiers, checked_application, create_application
from .links import Find, changed, listed, references
from .lookup import need_application, need_service_principal

_LIFETIME: Final = timedelta(days=730)
_HINT: Final = 3
_SECRET_BYTES: Final = 30


def create_app(call: Call) -> Answer:
    """An app that makes another owns it. The text of a password is in this answer only.

    Raises:
        GraphError: 400 without a name, or for an identifier or a password it may not have.
    """
    world = call.world
    fields = checked_application(call, call.json())
    check_identifiers(world, None, fields.get("identifierUris") or [])
    passwords = [_password(asked) for asked in fields.get("passwordCredentials") or []]
    kept = [{**password, "secretText": None} for password in passwords]
    application = create_application(world, {**fields, "passwordCredentials": kept})
    _own(call, application)
    return created(call, application, passwordCredentials=passwords)


def create_service_principal(call: Call) -> Answer:
    """Of an application of this tenant: others' applications are not simulated.

    Raises:
        GraphError: 400 for an appId without application, 409 where there is a service principal.
    """
    world = call.world
    fields = checked_body(world.settings.odata, "servicePrincipal", call.json(), may_set=("appId",))
    app_id = fields.get("appId")
    if not app_id:
        raise bad_request("A value is required for property 'appId' of resource 'ServicePrincipal'.")
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
    web: Json = application.get("web") or {}
    principal = world.directory.create(
        "servicePrincipal",
        {
            "accountEnabled": True,
            "appDisplayName": application.get("displayName"),
            "appOwnerOrganizationId": world.directory.tenant.id,
            "appRoleAssignmentRequired": False,
            "appRoles": application.get("appRoles") or [],
            "displayName": application.get("displayName"),
            "homepage": web.get("homePageUrl"),
            "replyUrls": list(web.get("redirectUris") or []),
            "servicePrincipalNames": [*(application.get("identifierUris") or []), app_id],
            "servicePrincipalType": "Application",
            "signInAudience": application.get("signInAudience"),
            **fields,
        },
    )
    world.new.announce(principal.id)
    _own(call, principal)
    return created(call, principal)


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


def add_password(call: Call, *, find: Find) -> Answer:
    """The text is in this answer only; the directory keeps its first characters as a hint. The issuer takes it from
    nobody: who signs in is in the seed."""
    object_, asked = find(call), call.json().get("passwordCredential") or {}
    if not isinstance(asked, dict):
        raise bad_request("Invalid value specified for property 'passwordCredential'.")
    password = _password(asked)
    credentials = [*(object_.get("passwordCredentials") or []), {**password, "secretText": None}]
    call.world.directory.change(object_, {"passwordCredentials": credentials})
    type_ = f"{call.base_url}/$metadata#microsoft.graph.passwordCredential"
    return Answer(200, {"@odata.context": type_, **password})


def remove_password(call: Call, *, find: Find) -> Answer:
    """Raises GraphError: 400 for a key the object does not have (reported)."""
    object_, key = find(call), call.json().get("keyId")
    credentials: list[Json] = object_.get("passwordCredentials") or []
    rest = [credential for credential in credentials if str(credential["keyId"]).lower() != str(key).lower()]
    if len(rest) == len(credentials):
        raise bad_request(f"No password credential found with keyId '{key}'.")
    call.world.directory.change(object_, {"passwordCredentials": rest})
    return NO_CONTENT


def _password(asked: Json) -> Json:
    """A new one. Raises GraphError: 400 for what the directory makes itself (ansible-collections/azure #2250)."""
    for name in ("hint", "keyId", "secretText"):
        if asked.get(name) is not None:
            raise invalid_value(name, "PasswordCredential")
    start = _moment(asked.get("startDateTime"), now())
    text = secrets.token_urlsafe(_SECRET_BYTES)
    return {
        "customKeyIdentifier": None,
        "displayName": asked.get("displayName"),
        "endDateTime": stamp(_moment(asked.get("endDateTime"), start + _LIFETIME)),
        "hint": text[:_HINT],
        "keyId": str(uuid.uuid4()),
        "secretText": text,
        "startDateTime": stamp(start),
    }


def _own(call: Call, object_: DirectoryObject) -> None:
    """What an app makes with Application.ReadWrite.OwnedBy it can manage: it is the owner. For a person UNVERIFIED,
    and not done."""
    if call.who.is_app:
        call.world.directory.owners.add(object_.id, call.who.object_id)


def _moment(value: object, otherwise: datetime) -> datetime:
    if value is None:
        return otherwise.replace(microsecond=0)
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_request("Invalid value specified for property 'passwordCredential'.") from error


def _routes(base: str) -> tuple[Route, ...]:
    find = need_application if base.startswith("/applications") else need_service_principal

    def owners(call: Call) -> OrderedIds:
        return call.world.directory.owners.of(find(call).id)

    path = f"{base}/owners"
    return (
        *listed(path, owners, may.APP_READ, counted=False),
        *([] if "(" in base else [references(path, owners, may.APP_READ)]),
        *changed(path, "owner", find, may.APP_OWNER_WRITE, add=_add_owner, remove=_remove_owner),
        bound("POST", f"{base}/addPassword", add_password, may.APP_WRITE, find=find),
        bound("POST", f"{base}/removePassword", remove_password, may.APP_WRITE, find=find),
    )


ROUTES: tuple[Route, ...] = (
    Route("POST", "/applications", create_app, may.APP_WRITE),
    Route("POST", "/servicePrincipals", create_service_principal, may.APP_WRITE),
    Route("GET", "/applications/{application}/appRoles", list_roles, may.APP_READ),
    *each((*applications.PATHS, *service_principals.PATHS), _routes),
)
