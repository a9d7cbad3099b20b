"""What a setup needs of the directory: apps, groups to be made, owners, assignments, the tenant's settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.core.checks import TenantFacts, Unreadable
from shared.core.directory import DirectoryUser
from shared.core.errors import DirectoryBusy, DirectoryLagging, Refused
from shared.core.ids import GroupId, PrincipalId, UserId, is_guid
from shared.graph import batch, errors
from shared.graph.applications import Applications
from shared.graph.batch import Part
from shared.graph.queries import all_pages, equals, fits, made, one, where
from shared.graph.response import Response

_READ, _APPS = "Directory.Read.All", "Application.Read.All"
_WRITE_GROUPS = "Group.ReadWrite.All"
_ASSIGN = "AppRoleAssignment.ReadWrite.All and Directory.Read.All"
"""With the first alone Graph answers 403 (reported, graph contract "Permissions")."""
_PERSON_FIELDS = "id,displayName,userPrincipalName,mail,userType,accountEnabled"
_LAST_OWNER = "at least one owner"
_NICKNAME_LIMIT = 64
_TENANT_GROUPS = "62375ab9-6b52-47ed-826b-58e47e0e304b"
"""Template of the tenant's settings for Microsoft 365 groups (``Group.Unified``)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A principal's app role on an app."""

    id: str
    resource: PrincipalId
    role: str


class GraphAppDirectory(Applications):
    """All methods raise Refused (`permission-missing` naming the permission and the identity, `directory-refused`
    with the directory's words), DirectoryLagging where something new is not seen yet, and DirectoryBusy where nothing
    is known to have happened or where a repeat finds out."""

    async def permissions(self) -> frozenset[str]:
        """The application permissions that Guestlist's identity holds on the directory."""
        return await self._session.permissions()

    async def read_tenant(self) -> TenantFacts:
        """The settings around self-service, in one ``$batch``. What may not be read is answered with why, and hides
        nothing else. Safe to repeat."""
        policy, settings = await batch.send(
            self._session, [Part("GET", "/policies/authorizationPolicy"), Part("GET", "/groupSettings")]
        )
        return TenantFacts(
            invites_from=_read(policy, "Policy.Read.All", lambda found: str(found.get("allowInvitesFrom"))),
            guest_role=_read(policy, "Policy.Read.All", lambda found: str(found.get("guestUserRoleId"))),
            guests_in_groups=_read(settings, _READ, _guests_in_groups),
        )

    async def find_people(self, names: Sequence[str]) -> list[DirectoryUser | None]:
        """Users by object id, user principal name or mail address, in the order given: a ``$batch`` for each twenty.
        Of several with one mail address, a member comes before a guest. Safe to repeat."""
        found: list[DirectoryUser | None] = []
        wanted = [name.strip() for name in names]
        parts = [Part("GET", f"/users?{_filter(name)}&$select={_PERSON_FIELDS}") for name in wanted]
        for name, response in zip(wanted, await batch.send_all(self._session, parts), strict=True):
            users = await all_pages(self._session, response, "Directory.Read.All or User.Read.All")
            people = [_person(user) for user in users if fits(name) or _is_called(user, name)]
            found.append(min(people, key=lambda p: (p.is_guest, not p.enabled), default=None))
        return found

    async def find_group(self, key: str) -> GroupId | None:
        """The group that was made under a key."""
        found = await self._find(f"{_path(key)}?$select=id", _READ)
        return GroupId(str(found["id"]).lower()) if found is not None else None

    async def create_group(self, key: str, name: str, description: str) -> tuple[GroupId, bool]:
        """A security group with assigned membership under a key: an upsert by ``uniqueName``, so that Graph itself
        refuses a second one, however often and by whomever this is asked. Tells whether this call made it.

        Source: graph contract "More operations"; Microsoft Graph, "Upsert group".
        """
        body = {
            "displayName": name,
            "description": description,
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": key[:_NICKNAME_LIMIT],
            "securityEnabled": True,
        }
        response = await self._write("PATCH", _path(key), body, _WRITE_GROUPS, {"Prefer": "create-if-missing"})
        if response.status == 201 and isinstance(response.body, dict):
            return GroupId(str(response.body["id"]).lower()), True
        # 204: somebody was quicker. Its id is in no answer.
        group = await self.find_group(key)
        if group is None:
            raise DirectoryLagging("the directory does not show the group yet that it says to have")
        return group, False

    async def count_members(self, group: GroupId) -> int:
        response = await self._session.request(
            "GET", f"/groups/{group}/members?$count=true&$top=1&$select=id", headers={"ConsistencyLevel": "eventual"}
        )
        return int(one(response, _READ).get("@odata.count") or 0) if response.status != 404 else 0

    async def delete_group(self, group: GroupId) -> None:
        """Safe to repeat."""
        await self._delete(f"/groups/{group}", _WRITE_GROUPS)

    async def add_owner(self, group: GroupId, owner: UserId) -> bool:
        """Tells whether this call made the owner one. Safe to repeat."""
        body = {"@odata.id": f"{self._session.base_url}/users/{owner}"}
        response = await self._session.request("POST", f"/groups/{group}/owners/$ref", body=body)
        if errors.is_duplicate(response):
            return False
        errors.require_written(response, _WRITE_GROUPS)
        return True

    async def remove_owner(self, group: GroupId, owner: UserId) -> None:
        """The last owner stays: Graph refuses to leave a group without any (graph contract "Groups"). Safe to
        repeat."""
        response = await self._session.request("DELETE", f"/groups/{group}/owners/{owner}/$ref")
        if response.status == 404 or (response.status == 400 and _LAST_OWNER in response.error[1].lower()):
            return
        errors.require_written(response, _WRITE_GROUPS)

    async def assignments_of(self, principal: str, *, is_group: bool) -> list[Assignment]:
        """The app roles that a group or a user holds itself. A user's list has those of the user's groups as well:
        they are left out."""
        path = f"/{'groups' if is_group else 'users'}/{principal}/appRoleAssignments?$top=999"
        return [
            Assignment(a["id"], PrincipalId(str(a["resourceId"]).lower()), str(a["appRoleId"]).lower())
            for a in await self._list(path, _READ)
            if str(a["principalId"]).lower() == principal
        ]

    async def assigned_to(self, app: PrincipalId) -> frozenset[str]:
        """The object ids of whoever holds a role on an app itself; nobody where the app is gone."""
        path = f"/servicePrincipals/{app}/appRoleAssignedTo?$top=999"
        found = await self._list(path, _APPS, may_be_gone=True)
        return frozenset(str(a["principalId"]).lower() for a in found)

    async def assign(self, app: PrincipalId, principal: str, role: str) -> str | None:
        """Give a role; gives the assignment's id, None where it was there. Safe to repeat."""
        body = {"principalId": principal, "resourceId": app, "appRoleId": role}
        response = await self._session.request("POST", f"/servicePrincipals/{app}/appRoleAssignedTo", body=body)
        if errors.is_duplicate(response):
            return None
        errors.require_written(response, _ASSIGN)
        return str(made(response)["id"])

    async def unassign(self, app: PrincipalId, assignment: str) -> None:
        """Safe to repeat."""
        await self._delete(f"/servicePrincipals/{app}/appRoleAssignedTo/{assignment}", _ASSIGN)


def _read[T](response: Response, permission: str, value: Callable[[dict[str, Any]], T]) -> T | Unreadable:
    if response.status == 200 and isinstance(response.body, dict):
        return value(response.body)
    error = errors.reading_failed(response, permission)
    if isinstance(error, DirectoryBusy):
        raise error
    return Unreadable((error.detail if isinstance(error, Refused) else None) or str(error))


def _guests_in_groups(settings: dict[str, Any]) -> bool | None:
    """None where nobody has overridden the default, which admits guests (graph contract "Policies")."""
    for setting in settings.get("value") or ():
        if str(setting.get("templateId", "")).lower() != _TENANT_GROUPS:
            continue
        for value in setting.get("values") or ():
            if value.get("name") == "AllowToAddGuests":
                return str(value.get("value")).lower() != "false"
    return None


def _filter(name: str) -> str:
    """A plain filter: nothing here needs the index that lags behind (graph contract "Users")."""
    if is_guid(name):
        return where(f"id eq '{name.lower()}'")
    return where(f"{equals('userPrincipalName', name)} or {equals('mail', name)}")


def _is_called(user: dict[str, Any], name: str) -> bool:
    return name.lower() in {str(user.get(n)).lower() for n in ("userPrincipalName", "mail")}


def _person(user: dict[str, Any]) -> DirectoryUser:
    return DirectoryUser(
        id=UserId(user["id"].lower()),
        name=user.get("displayName") or user.get("userPrincipalName") or user["id"],
        is_guest=user.get("userType") == "Guest",
        enabled=user.get("accountEnabled") is not False,
    )


def _path(key: str) -> str:
    return f"/groups(uniqueName='{quote(key, safe='')}')"
