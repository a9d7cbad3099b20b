"""``/servicePrincipals``: read by id or appId, changed, certified and deleted (graph contract "App access")."""

from functools import partial

from ..call import NO_CONTENT, Answer, Call
from ..errors import bad_request
from ..expanding import expanding
from ..listing import count_kind, list_kind, list_links
from ..odata.shapes import checked_body, checked_select, context, merged, show
from ..routing import Route
from . import permissions as may
from .lookup import lists_new, need_service_principal
from .signing_certificates import add_token_signing_certificate

READ_ONLY = frozenset(
    {"id", "appId", "appDisplayName", "appOwnerOrganizationId", "applicationTemplateId", "signInAudience"}
)
_SSO_MODES = {"password", "saml", "notSupported", "oidc", None}


def list_service_principals(call: Call) -> Answer:
    return list_kind(call, call.world.directory.service_principals, lists_new(call.world))


def count_service_principals(call: Call) -> Answer:
    return count_kind(call, call.world.directory.service_principals)


def get_service_principal(call: Call) -> Answer:
    principal = need_service_principal(call)
    select, expand = checked_select("servicePrincipal", call.query.select), expanding(call, "servicePrincipal")
    projection = expand.projection(call.query.select)
    return Answer(
        200,
        {
            "@odata.context": context(call.base_url, "servicePrincipal", projection, entity=True),
            **show(principal, select, keys="keyCredentials" in select),
            **expand.shown(call, principal),
        },
    )


def update_service_principal(call: Call) -> Answer:
    principal = need_service_principal(call)
    changes = checked_body(
        "servicePrincipal",
        call.json(),
        reject_unknown=call.world.settings.odata.reject_unknown_properties,
        read_only=READ_ONLY,
    )
    if changes.get("preferredSingleSignOnMode") not in _SSO_MODES:
        raise bad_request(
            "Invalid value specified for property 'preferredSingleSignOnMode' of resource 'ServicePrincipal'."
        )
    call.world.directory.change(principal, merged(principal, changes))
    return NO_CONTENT


def delete_service_principal(call: Call) -> Answer:
    """The application stays; the service principal can be restored for 30 days."""
    call.world.directory.delete_service_principal(need_service_principal(call))
    return NO_CONTENT


def list_owners(call: Call) -> Answer:
    return list_links(call, call.world.directory.owners.of(need_service_principal(call).id))


def list_member_of(call: Call, *, owned: bool) -> Answer:
    principal, directory = need_service_principal(call), call.world.directory
    return list_links(call, (directory.owners if owned else directory.members).to(principal.id))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/servicePrincipals", list_service_principals, may.APP_READ),
    Route("GET", "/servicePrincipals/$count", count_service_principals, may.APP_READ),
    *(
        route
        for base in ("/servicePrincipals/{servicePrincipal}", "/servicePrincipals/(appId=)/{appId}")
        for route in (
            Route("GET", base, get_service_principal, may.APP_READ),
            Route("PATCH", base, update_service_principal, may.APP_WRITE),
            Route("DELETE", base, delete_service_principal, may.APP_WRITE),
            Route("POST", f"{base}/addTokenSigningCertificate", add_token_signing_certificate, may.APP_WRITE),
            Route(
                "POST",
                f"{base}/graph.addTokenSigningCertificate",
                add_token_signing_certificate,
                may.APP_WRITE,
            ),
            Route("GET", f"{base}/owners", list_owners, may.APP_READ),
            Route("GET", f"{base}/memberOf", partial(list_member_of, owned=False), may.APP_READ, 2),
            Route("GET", f"{base}/ownedObjects", partial(list_member_of, owned=True), may.APP_READ),
        )
    ),
)
