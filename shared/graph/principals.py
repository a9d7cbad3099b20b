"""The port's `Principals` on Microsoft Graph."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from shared.core.errors import Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.graph import batch
from shared.graph.ports import Principals, Standing
from shared.graph.queries import OnGraph, all_pages, of_ids
from shared.graph.session import GraphSession

_USERS, _APPS, _MEMBERS = "User.Read.All", "Application.Read.All", "GroupMember.Read.All"


class GraphPrincipals(OnGraph, Principals):
    """`api` is the app id of Guestlist's own API."""

    def __init__(self, session: GraphSession, api: str) -> None:
        super().__init__(session)
        self._api = api.strip().removeprefix("api://").rstrip("/").lower()

    async def standing(self, ids: Sequence[UserId], *, keep: bool = False) -> Mapping[UserId, Standing]:
        """One ``$batch`` for each 150. An id is looked for among users and among service principals: nothing of it
        tells which it is, and ``/directoryObjects`` takes a higher permission."""
        distinct = list(dict.fromkeys(ids))
        found: dict[UserId, Standing] = {}
        users = of_ids("users", distinct, "id,userType,accountEnabled")
        apps = of_ids("servicePrincipals", distinct, "id,accountEnabled")
        answers = await batch.send_all(self._session, (*users, *apps), keep=keep)
        for n, answer in enumerate(answers):
            is_app = n >= len(users)
            for each in await all_pages(self._session, answer, _APPS if is_app else _USERS):
                found[UserId(str(each["id"]).lower())] = Standing(
                    enabled=each.get("accountEnabled") is True,
                    is_guest=each.get("userType") == "Guest",
                    is_app=is_app,
                )
        return found

    async def roles_of(self, id_: UserId) -> frozenset[str]:
        """Two requests, and one for each group that holds a role.

        The members of such a group are read, as nested ones do not hold its roles ("checkMemberGroups" finds them as
        well), and neither do service principals. Sources: Microsoft Graph, "appRoleAssignment resource type" ("direct
        members"); Microsoft identity platform, "Add app roles to your application".
        """
        path = f"/servicePrincipals(appId='{quote(self._api, safe='')}')?$select=id,appRoles"
        app = await self._find(path, _APPS)
        if app is None:
            raise Refused(Reason.DIRECTORY_REFUSED, f"The directory has no enterprise app with the id {self._api}")
        values = {
            str(role["id"]).lower(): str(role["value"])
            for role in app.get("appRoles") or ()
            if role.get("value") and role.get("isEnabled") is not False
        }
        path = f"/servicePrincipals/{quote(str(app['id']), safe='')}/appRoleAssignedTo?$top=999"
        held: set[str] = set()
        groups: dict[str, set[str]] = {}
        for assignment in await self._list(path, _APPS):
            value = values.get(str(assignment["appRoleId"]).lower())
            principal = str(assignment["principalId"]).lower()
            if value is None:
                continue
            if principal == id_:
                held.add(value)
            elif assignment.get("principalType") == "Group":
                groups.setdefault(principal, set()).add(value)
        for group, its in groups.items():
            if not its <= held and await self._is_direct_member(group, id_):
                held |= its
        return frozenset(held)

    async def _is_direct_member(self, group: str, id_: UserId) -> bool:
        # Where the group was deleted, its assignments follow later.
        path = f"/groups/{quote(group, safe='')}/members?$select=id&$top=999"
        members = await self._list(path, _MEMBERS, may_be_gone=True)
        return any(str(m["id"]).lower() == id_ and str(m.get("@odata.type", "")).endswith(".user") for m in members)
