"""Who may sign in: what the issuer needs to know of people and of applications."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the tenant; `app_roles` are the app roles granted to them on the API."""

    object_id: str
    username: str
    name: str
    password: str | None
    app_roles: tuple[str, ...] = ()
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """An application or a managed identity.

    `graph_permissions` become the ``roles`` of its tokens for Microsoft Graph, `app_roles` those of its
    tokens for any other API of the tenant.
    """

    client_id: str
    object_id: str
    name: str
    secret: str | None = None
    graph_permissions: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()
    is_managed_identity: bool = False
    redirect_uris: tuple[str, ...] = ()
    optional_claims: tuple[str, ...] = ()
    """Of an API: what its registration asks for in its access tokens (``optionalClaims.accessToken``)."""
    resource_id: str | None = None
    """Of a managed identity: its id in Azure, ``/subscriptions/…/userAssignedIdentities/…``."""


class People(Protocol):
    """The directory, as the issuer sees it.

    Where it has a method `sample_people()` as well, the sign-in page offers those with one click.
    """

    @property
    def tenant_id(self) -> str: ...

    def find_person(self, username: str) -> Person | None: ...
    def find_client(self, client_id: str) -> Client | None: ...

    def find_api(self, identifier: str) -> str | None:
        """The client id of the tenant's API with that client id or identifier URI."""

    def managed_identity(self, name: str | None) -> Client | None:
        """By client id, object id or resource id; without a name the one that there is."""
