"""What changed in the directory since it was last asked: delta queries of Microsoft Graph."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from shared.core.directory import ChangePage, LinkExpired, MemberChange, UserChange, UserFacts
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.graph.queries import OnGraph, all_pages, last_sign_in, one, time_of, where
from shared.graph.response import Response

_USER_FIELDS = (
    "id,userType,displayName,mail,otherMails,externalUserState,externalUserStateChangeDateTime,createdDateTime,"
    "accountEnabled"
)
_USERS, _MEMBERS, _GONE = "User.Read.All", "GroupMember.Read.All", 410


class GraphChanges(OnGraph):
    """All methods raise Refused (`permission-missing`, `directory-refused`), DirectoryBusy, and LinkExpired."""

    async def users(self, link: str | None) -> ChangePage[UserChange]:
        """All accounts without a link, then those that changed: one request. Safe to repeat with the same link."""
        page = _page(await self._ask(f"/users/delta?$select={_USER_FIELDS}", link), _USERS)
        changes = [_user(item) for item in page.get("value") or ()]
        return ChangePage(changes, *_link(page))

    async def members(self, groups: Sequence[GroupId], link: str | None) -> ChangePage[MemberChange]:
        """All direct members of up to 50 groups, then the changes, in one request. The members of a large group come
        on several pages, each naming the group again; a group that is gone has none."""
        condition = where(" or ".join(f"id eq '{g}'" for g in groups))
        page = _page(await self._ask(f"/groups/delta?$select=id,members&{condition}", link), _MEMBERS)
        changes = [change for item in page.get("value") or () for change in _members(item)]
        return ChangePage(changes, *_link(page))

    async def _ask(self, path: str, link: str | None) -> Response:
        """The first page, or what a link that was kept since brings. Raises LinkExpired: it is no link of this delta
        query; all is read again."""
        if link is None:
            return await self._session.request("GET", path)
        try:
            return await self._session.follow(link, path)
        except Refused as e:
            raise LinkExpired(e.detail) from e

    async def inactive_guests(self, before: datetime) -> dict[UserId, datetime] | None:
        """Accounts whose last sign-in lies before a moment; None where permission or licence do not let sign-ins be
        read. Who never signed in is not among them.

        One request a page; the service lets no other filter stand beside this one (graph contract "Users").
        """
        condition = where(f"signInActivity/lastSignInDateTime le {before:%Y-%m-%dT%H:%M:%SZ}")
        answer = await self._session.request("GET", f"/users?{condition}&$select=id,userType,signInActivity")
        if answer.status in (401, 403):
            return None
        found: dict[UserId, datetime] = {}
        for user in await all_pages(self._session, answer, "AuditLog.Read.All"):
            last = last_sign_in(user)
            if last is not None and last <= before and user.get("userType") == "Guest":
                found[UserId(str(user["id"]).lower())] = last
        return found


def _page(answer: Response, permission: str) -> dict[str, Any]:
    if answer.status == _GONE:
        raise LinkExpired(answer.error[1] or "the directory does not know the link any more")
    return one(answer, permission)


def _link(page: dict[str, Any]) -> tuple[str, bool]:
    if more := page.get("@odata.nextLink"):
        return str(more), False
    if end := page.get("@odata.deltaLink"):
        return str(end), True
    raise DirectoryBusy("the directory's answer has no link to go on from")


def _user(item: dict[str, Any]) -> UserChange:
    id_ = UserId(str(item["id"]).lower())
    if "@removed" in item:
        return UserChange(id_, {}, gone=True)
    facts: UserFacts = {}
    # A change mentions what changed, and may leave out the rest.
    if "userType" in item:
        facts["is_guest"] = item["userType"] == "Guest"
    if "displayName" in item:
        facts["name"] = item["displayName"] or ""
    if "mail" in item:
        facts["address"] = item["mail"]
    if "otherMails" in item:
        facts["other_addresses"] = tuple(item["otherMails"] or ())
    if "externalUserState" in item:
        state = item["externalUserState"]
        facts["accepted"] = None if state is None else state == "Accepted"
    if "externalUserStateChangeDateTime" in item:
        facts["accepted_at"] = time_of(item["externalUserStateChangeDateTime"])
    if "createdDateTime" in item:
        facts["created_at"] = time_of(item["createdDateTime"])
    if "accountEnabled" in item:
        facts["enabled"] = item["accountEnabled"] is not False
    return UserChange(id_, facts)


def _members(item: dict[str, Any]) -> Iterator[MemberChange]:
    group = GroupId(str(item["id"]).lower())
    for member in item.get("members@delta") or ():
        yield MemberChange(
            group,
            UserId(str(member["id"]).lower()),
            left="@removed" in member,
            is_group=str(member.get("@odata.type", "")).endswith(".group"),
        )
