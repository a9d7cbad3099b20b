"""What a `scope` asks for: an audience and the names of permissions on it, beside OpenID's own scopes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .people import People
from .refusal import Refusal, missing

GRAPH = "https://graph.microsoft.com"
API_SCOPE = "access_as_user"
"""The one delegated permission that APIs of the tenant publish."""

_MICROSOFT = {
    GRAPH,
    *(f"https://{name}" for name in ("communication.azure.com", "database.windows.net", "management.azure.com")),
    *(f"https://{name}" for name in ("management.core.windows.net", "monitor.azure.com", "outlook.office365.com")),
    *(f"https://{name}" for name in ("servicebus.azure.net", "storage.azure.com", "vault.azure.net")),
}
"""Microsoft's own resources that a tenant with an Azure subscription has; a storage account has a name of its own as
well."""
_STORAGE = re.compile(r"https://[a-z0-9]{3,24}\.(?:blob|file|queue|table)\.core\.windows\.net")

_OPENID = ("openid", "profile", "email", "offline_access")
_DEFAULT = ".default"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`openid` are OpenID's scopes that were asked for, `names` the delegated permissions on `audience`."""

    audience: str
    names: tuple[str, ...] = ()
    openid: tuple[str, ...] = ()


def of_app(scope: str, people: People) -> Wanted:
    """What an app wants for itself: all it was granted on one resource, ``{resource}/.default``. Raises Refusal: any
    other scope."""
    if not scope.strip():
        raise missing("scope")
    resource, _, name = scope.strip().rpartition("/")
    if " " in scope.strip() or not resource or name != _DEFAULT:
        raise Refusal("app scope wrong", scope=scope)
    return Wanted(audience_of(resource, people))


def of_person(scope: str, people: People) -> Wanted:
    """What an app wants on a person's behalf. OpenID's scopes alone are answered with a token for Graph. Raises
    Refusal: the scopes are of several resources, or unknown."""
    asked = scope.split()
    if not asked:
        raise missing("scope")
    openid = tuple(s for s in asked if s in _OPENID)
    split = [s.rpartition("/") for s in asked if s not in _OPENID]
    resources = {resource or GRAPH for resource, _, _ in split} or {GRAPH}
    names = tuple(name for _, _, name in split)
    if len(resources) > 1:
        raise Refusal("several resources")
    if _DEFAULT in names and len(names) > 1:
        raise Refusal("scope wrong", scope=scope)
    audience = audience_of(resources.pop(), people)
    if "://" in audience:  # another API of Microsoft's: it alone knows its permissions
        return Wanted(audience, tuple(n for n in names if n != _DEFAULT) or ("User.Read",), openid)
    for name in names:
        if name not in (_DEFAULT, API_SCOPE):
            raise Refusal("scope unknown", name=name, audience=audience)
    return Wanted(audience, (API_SCOPE,), openid)


def audience_of(resource: str, people: People) -> str:
    """A v2.0 token names an API of the tenant by its client id alone, however it was asked for. Raises Refusal: the
    tenant has no such resource (AADSTS500011, as reported for Entra)."""
    bare = resource.rstrip("/").lower()
    if bare in _MICROSOFT or _STORAGE.fullmatch(bare):
        return resource
    api = people.find_api(resource.removeprefix("api://")) or people.find_api(resource)
    if api is None:
        raise Refusal("resource unknown", resource=resource, tenant=people.tenant_id)
    return api
