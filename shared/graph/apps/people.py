"""People by what they are called: object id, user principal name or mail address."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from shared.core.directory import DirectoryUser
from shared.core.ids import UserId, is_guid
from shared.graph import batch
from shared.graph.batch import Part
from shared.graph.filters import equals, fits
from shared.graph.on_graph import OnGraph
from shared.graph.pages import all_pages

_FIELDS = "id,displayName,userPrincipalName,mail,userType,accountEnabled"


class Users(OnGraph):
    async def find_people(self, names: Sequence[str]) -> list[DirectoryUser | None]:
        """Users by object id, user principal name or mail address, in the order given: a ``$batch`` for each twenty.
        Of several with one mail address, a member comes before a guest. Safe to repeat."""
        found: list[DirectoryUser | None] = []
        wanted = [name.strip() for name in names]
        parts = [Part("GET", f"/users?$filter={_filter(name)}&$select={_FIELDS}") for name in wanted]
        for name, response in zip(wanted, await batch.send_all(self._session, parts), strict=True):
            users = await all_pages(self._session, response, "Directory.Read.All or User.Read.All")
            people = [_person(user) for user in users if fits(name) or _is_called(user, name)]
            found.append(min(people, key=lambda p: (p.is_guest, not p.enabled), default=None))
        return found


def _filter(name: str) -> str:
    """A plain filter: nothing here needs the index that lags behind (graph contract "Users")."""
    if is_guid(name):
        return quote(f"id eq '{name.lower()}'", safe="")
    return quote(f"{equals('userPrincipalName', name)} or {equals('mail', name)}", safe="")


def _is_called(user: dict[str, Any], name: str) -> bool:
    return name.lower() in {str(user.get(n)).lower() for n in ("userPrincipalName", "mail")}


def _person(user: dict[str, Any]) -> DirectoryUser:
    return DirectoryUser(
        id=UserId(user["id"].lower()),
        name=user.get("displayName") or user.get("userPrincipalName") or user["id"],
        is_guest=user.get("userType") == "Guest",
        enabled=user.get("accountEnabled") is not False,
    )
