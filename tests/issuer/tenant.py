"""A tenant for the issuer: people, apps and what the tests need to call them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from local.simulator.issuer import GRAPH, Client, Issuer, Person

TENANT = "11111111-1111-4111-8111-111111111111"
HEADER = "secret-of-the-identity-endpoint"
OLIVIA = Person("aaaaaaaa-0000-4000-8000-000000000001", "olivia@contoso.com", "Olivia <Owner>", "olivias-password")
ADAM = Person("aaaaaaaa-0000-4000-8000-000000000002", "adam@contoso.com", "Adam Admin", "adams-password", ("Admin",))
LOCKED = Person("aaaaaaaa-0000-4000-8000-000000000003", "lou@contoso.com", "Lou Locked", None)
API = Client("bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-00000000000a", "guestlist-api", None)
SPA = Client(
    "bbbbbbbb-0000-4000-8000-000000000002",
    "bbbbbbbb-0000-4000-8000-00000000000b",
    "Guestlist portal",
    None,
    redirect_uris=("https://portal.example/signed-in", "http://localhost", "https://portal.example/?from=sign-in"),
)
DAEMON = Client(
    "bbbbbbbb-0000-4000-8000-000000000003",
    "bbbbbbbb-0000-4000-8000-00000000000c",
    "daemon",
    "daemons secret: +/%",
    graph_permissions=("User.Invite.All", "User.Read.All"),
    app_roles=("Inviter",),
)
IDENTITY = Client(
    "bbbbbbbb-0000-4000-8000-000000000004",
    "bbbbbbbb-0000-4000-8000-00000000000d",
    "guestlist-identity",
    None,
    graph_permissions=("User.Invite.All",),
    is_managed_identity=True,
    resource_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
)
API_URI = "https://api.contoso.com"
API_SCOPE = f"api://{API.client_id}/access_as_user"
_CLIENTS = {client.client_id: client for client in (API, SPA, DAEMON, IDENTITY)}


class Contoso:
    """The people of the tenant."""

    tenant_id = TENANT

    def find_person(self, username: str) -> Person | None:
        return next((p for p in (OLIVIA, ADAM, LOCKED) if p.username == username), None)

    def find_client(self, client_id: str) -> Client | None:
        return _CLIENTS.get(client_id)

    def find_api(self, identifier: str) -> str | None:
        if identifier == API_URI:
            return API.client_id
        return identifier if identifier in _CLIENTS else None

    def managed_identity(self, name: str | None) -> Client | None:
        return IDENTITY if name in (None, IDENTITY.client_id, IDENTITY.object_id, IDENTITY.resource_id) else None


class OpenContoso(Contoso):
    """The same, with its people offered on the sign-in page."""

    def sample_people(self) -> list[Person]:
        return [OLIVIA, ADAM]


@dataclass(frozen=True, slots=True)
class Running:
    """An issuer that serves at `base`, and a client that follows no redirect."""

    issuer: Issuer
    base: str
    http: ClientSession

    def url(self, path: str, tenant: str = TENANT) -> str:
        return f"{self.base}/{tenant}/{path}"

    async def token(self, form: Mapping[str, str], **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the token endpoint's answer."""
        async with self.http.post(self.url("oauth2/v2.0/token"), data=form, headers=headers) as answer:
            return answer.status, await answer.json()

    async def granted(self, form: Mapping[str, str], **headers: str) -> dict[str, Any]:
        status, body = await self.token(form, **headers)
        assert status == 200, body
        return body

    def as_olivia(self, **changes: str) -> dict[str, str]:
        """The form of a password grant."""
        return {
            "grant_type": "password",
            "client_id": SPA.client_id,
            "username": OLIVIA.username,
            "password": OLIVIA.password or "",
            "scope": API_SCOPE,
        } | changes

    def as_daemon(self, **changes: str) -> dict[str, str]:
        """The form of a client credentials grant."""
        return {
            "grant_type": "client_credentials",
            "client_id": DAEMON.client_id,
            "client_secret": DAEMON.secret or "",
            "scope": f"{GRAPH}/.default",
        } | changes
