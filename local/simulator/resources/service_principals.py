"""``/servicePrincipals``: read by id or appId, changed, certified and deleted (graph contract "App access")."""

from ..call import NO_CONTENT, Answer, Call
from ..directory.objects import OrderedIds
from ..errors import invalid_value
from ..odata.shapes import checked_body, merged
from ..routing import Route
from . import permissions as may
from .answers import collection, each, one
from .links import listed
from .lookup import need_service_principal
from .signing_certificates import add_token_signing_certificate

_SSO_MODES = {"password", "saml", "notSupported", "oidc", None}


def get_service_principal(call: Call) -> Answer:
    return one(call, need_service_principal(call))


def update_service_principal(call: Call) -> Answer:
    principal = need_service_principal(call)
    changes = checked_body(call.world.settings.odata, "servicePrincipal", call.json())
    if changes.get("preferredSingleSignOnMode") not in _SSO_MODES:
        raise invalid_value("preferredSingleSignOnMode", "ServicePrincipal")
    call.world.directory.change(principal, merged(principal, changes))
    return NO_CONTENT


def delete_service_principal(call: Call) -> Answer:
    """The application stays; the service principal can be restored for 30 days."""
    call.world.directory.delete(need_service_principal(call))
    return NO_CONTENT


def _owned(call: Call) -> OrderedIds:
    return call.world.directory.owners.to(need_service_principal(call).id)


def _routes(base: str) -> tuple[Route, ...]:
    certify = add_token_signing_certificate
    return (
        Route("GET", base, get_service_principal, may.APP_READ),
        Route("PATCH", base, update_service_principal, may.APP_WRITE),
        Route("DELETE", base, delete_service_principal, may.APP_WRITE),
        Route("POST", f"{base}/addTokenSigningCertificate", certify, may.APP_WRITE),
        Route("POST", f"{base}/graph.addTokenSigningCertificate", certify, may.APP_WRITE),
        *listed(f"{base}/ownedObjects", _owned, may.APP_READ, counted=False),
    )


PATHS = ("/servicePrincipals/{servicePrincipal}", "/servicePrincipals/(appId=)/{appId}")
ROUTES: tuple[Route, ...] = (
    *collection("servicePrincipal", may.APP_READ, changes=False),
    *each(PATHS, _routes),
)
