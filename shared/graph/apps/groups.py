"""Making a group, once for its key, and its owners."""

from urllib.parse import quote

from shared.core.errors import DirectoryLagging
from shared.core.ids import GroupId, UserId
from shared.graph import errors
from shared.graph.on_graph import OnGraph
from shared.graph.pages import one

_READ, _WRITE = "Directory.Read.All", "Group.ReadWrite.All"
_LAST_OWNER = "at least one owner"
_NICKNAME_LIMIT = 64


class Groups(OnGraph):
    async def find_group(self, key: str) -> GroupId | None:
        """The group that was made under a key."""
        response = await self._session.request("GET", f"{_path(key)}?$select=id")
        if response.status == 404:
            return None
        return GroupId(str(one(response, _READ)["id"]).lower())

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
        response = await self._write("PATCH", _path(key), body, _WRITE, {"Prefer": "create-if-missing"})
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
        await self._delete(f"/groups/{group}", _WRITE)

    async def add_owner(self, group: GroupId, owner: UserId) -> bool:
        """Tells whether this call made the owner one. Safe to repeat."""
        body = {"@odata.id": f"{self._session.base_url}/users/{owner}"}
        response = await self._session.request("POST", f"/groups/{group}/owners/$ref", body=body)
        if errors.is_duplicate(response):
            return False
        errors.require_written(response, _WRITE)
        return True

    async def remove_owner(self, group: GroupId, owner: UserId) -> None:
        """The last owner stays: Graph refuses to leave a group without any (graph contract "Groups"). Safe to
        repeat."""
        response = await self._session.request("DELETE", f"/groups/{group}/owners/{owner}/$ref")
        if response.status == 404 or (response.status == 400 and _LAST_OWNER in response.error[1].lower()):
            return
        errors.require_written(response, _WRITE)


def _path(key: str) -> str:
    return f"/groups(uniqueName='{quote(key, safe='')}')"
