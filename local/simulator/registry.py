"""Who can get tokens: the tenant's people with their passwords, and clients with their permissions.

It is the directory as the token issuer sees it (`issuer.People`).
"""

from dataclasses import dataclass, field, replace

from .directory import Directory
from .issuer import Client, Person


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the issuer needs of a person beyond the directory's properties."""

    password: str | None = None
    app_roles: tuple[str, ...] = ()


@dataclass(slots=True)
class Registry:
    directory: Directory
    credentials: dict[str, Credentials] = field(default_factory=dict)
    """By user id in lower case."""
    clients: dict[str, Client] = field(default_factory=dict)
    """By client id in lower case."""

    @property
    def tenant_id(self) -> str:
        return self.directory.tenant.id

    def find_person(self, username: str) -> Person | None:
        """A person by user principal name, id or mail address; deleted and blocked ones do not exist."""
        user = self.directory.find_user(username) or next(iter(self.directory.users.having("mail", username)), None)
        if user is None or user.get("accountEnabled") is False:
            return None
        known = self.credentials.get(user.id.lower(), Credentials())
        return Person(
            object_id=user.id,
            username=user.get("userPrincipalName"),
            name=user.get("displayName") or user.get("userPrincipalName"),
            password=known.password,
            app_roles=known.app_roles,
            is_guest=user.get("userType") == "Guest",
        )

    def sample_people(self) -> list[Person]:
        """Those who can sign in, for the sign-in page."""
        found = (self.find_person(id_) for id_, known in self.credentials.items() if known.password)
        return [person for person in found if person is not None]

    def find_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id.lower())

    def find_api(self, identifier: str) -> str | None:
        """The client id of the service principal that has it among its names, or of a client."""
        client = self.find_client(identifier)
        if client is not None:
            return client.client_id
        names = {identifier.lower(), identifier.rstrip("/").lower()}
        return next(
            (
                str(principal.get("appId"))
                for principal in self.directory.service_principals
                if names & {str(name).lower() for name in principal.get("servicePrincipalNames") or ()}
            ),
            None,
        )

    def managed_identity(self, name: str | None) -> Client | None:
        """By client id, object id or resource id; without a name the first there is."""
        for client in self.clients.values():
            ids = {str(id_).lower() for id_ in (client.client_id, client.object_id, client.resource_id)}
            if client.is_managed_identity and (name is None or name.lower() in ids):
                return client
        return None

    def change_client(
        self,
        client: Client,
        *,
        graph_permissions: tuple[str, ...] | None = None,
        app_roles: tuple[str, ...] | None = None,
    ) -> None:
        """Tokens issued from now on carry the new permissions; those already out keep theirs."""
        self.clients[client.client_id.lower()] = replace(
            client,
            graph_permissions=client.graph_permissions if graph_permissions is None else graph_permissions,
            app_roles=client.app_roles if app_roles is None else app_roles,
        )
