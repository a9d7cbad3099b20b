"""The port's `GuestReader` on Microsoft Graph.

Where a page ended callers get as the directory's own token, sealed for one request. The request itself is made again
for each page, of what the caller may ask for: a caller hands back nothing but where to go on in it.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.core import continuations
from shared.core.directory import GroupFacts
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.groups import FIELDS as GROUP_FIELDS
from shared.graph.groups import Known, apps_of_all, facts_of, nothing_known
from shared.graph.ports import GuestFacts, GuestPage, GuestReader
from shared.graph.queries import OnGraph, all_pages, last_sign_in, literal, of_ids, one, time_of, where
from shared.graph.session import GraphSession

_FIELDS = (
    "id,displayName,mail,otherMails,userPrincipalName,userType,accountEnabled,createdDateTime,"
    "externalUserState,externalUserStateChangeDateTime"
)
_PAGE = 100
_LONGEST_BEGINNING = 60
"""Characters that are looked for, twice in the address of the request and at most 12 of it each: it may have 2048.
Source: Microsoft Graph, known issue 13635."""
_SEAL = 16
"""Bytes of a continuation's seal."""
_USERS, _MEMBERS = "User.Read.All", "GroupMember.Read.All"


class GraphGuestReader(OnGraph, GuestReader):
    """`key` seals continuations, `known` tells which apps a group was set up with. Without `sign_ins` nobody's last
    sign-in is asked for."""

    def __init__(
        self,
        session: GraphSession,
        key: Callable[[], Awaitable[bytes]],
        known: Known = nothing_known,
        *,
        sign_ins: bool = True,
    ) -> None:
        super().__init__(session)
        self._known = known
        self._key = key
        self._with_sign_ins = sign_ins

    async def owned_groups(self, owner: UserId) -> list[GroupFacts]:
        """One request, a ``$batch`` for each twenty groups, and one for each twenty apps that they open."""
        path = f"/users/{owner}/ownedObjects?$select={GROUP_FIELDS}&$top=999"
        objects = await self._list(path, _USERS, may_be_gone=True)
        groups = [o for o in objects if str(o.get("@odata.type", "")).endswith(".group")]
        apps = await apps_of_all(self._session, [GroupId(g["id"].lower()) for g in groups], self._known)
        return [facts_of(group, frozenset({owner}), apps[GroupId(group["id"].lower())]) for group in groups]

    async def guests(self, group: GroupId, continuation: str | None, find: str | None = None) -> GuestPage:
        """One request for the members, and a ``$batch`` for their sign-ins."""
        path = f"/groups/{group}/members/microsoft.graph.user?$select={_FIELDS}&$top={_PAGE}"
        headers = {}
        if find is not None:
            # A filter on members is an advanced query: header and count belong to it, on every page (graph contract
            # "Users").
            text = literal(find[:_LONGEST_BEGINNING])
            condition = f"startsWith(displayName,'{text}') or startsWith(mail,'{text}')"
            path += f"&$count=true&{where(condition)}"
            headers["ConsistencyLevel"] = "eventual"
        asked = path if continuation is None else _next_path(await self._key(), path, continuation)
        answer = await self._session.request("GET", asked, headers=headers)
        if answer.status == 404:
            raise Refused(Reason.GROUP_MISSING, errors.words(answer))
        page = one(answer, _MEMBERS)
        users = [u for u in page.get("value") or () if u.get("userType") == "Guest"]
        sign_ins = await self._sign_ins([str(u["id"]) for u in users])
        following = None
        if link := page.get("@odata.nextLink"):
            following = _continuation(await self._key(), path, str(link))
            if following is None:
                raise DirectoryBusy("the directory's answer has no token to go on from")
        return GuestPage(
            [_guest(u, (sign_ins or {}).get(str(u["id"]).lower())) for u in users],
            following,
            sign_ins is not None,
        )

    async def guest(self, group: GroupId, user: UserId) -> GuestFacts | None:
        """One ``$batch``."""
        person, member = await batch.send(
            self._session,
            [
                Part("GET", f"/users/{user}?$select={_FIELDS}"),
                Part("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [group]}),
            ],
        )
        if 404 in (person.status, member.status):
            return None
        facts, groups = one(person, _USERS), one(member, _MEMBERS)
        is_in = group in [str(id_).lower() for id_ in groups.get("value") or ()]
        return _guest(facts, None) if is_in and facts.get("userType") == "Guest" else None

    async def mail_address(self, user: UserId) -> str | None:
        facts = await self._find(f"/users/{user}?$select=id,mail,accountEnabled", _USERS)
        return facts.get("mail") if facts and facts.get("accountEnabled") is not False else None

    async def _sign_ins(self, users: Sequence[str]) -> dict[str, datetime] | None:
        """The last sign-in of those who have one; None where it is not to be read, or cannot be: that takes
        AuditLog.Read.All and a licence (graph contract "Permissions")."""
        if not self._with_sign_ins:
            return None
        if not users:
            return {}
        found: dict[str, datetime] = {}
        for answer in await batch.send(self._session, of_ids("users", users, "id,signInActivity")):
            if answer.status in (401, 403):
                return None
            for user in await all_pages(self._session, answer, _USERS):
                if latest := last_sign_in(user):
                    found[str(user["id"]).lower()] = latest
        return found


def _guest(user: dict[str, Any], signed_in: datetime | None) -> GuestFacts:
    state = user.get("externalUserState")
    others = user.get("otherMails") or ()
    return GuestFacts(
        id=UserId(str(user["id"]).lower()),
        name=user.get("displayName") or user.get("mail") or "",
        address=user.get("mail") or next(iter(others), None),
        accepted=None if state is None else state == "Accepted",
        since=time_of(user.get("externalUserStateChangeDateTime")),
        created_at=time_of(user.get("createdDateTime")),
        enabled=user.get("accountEnabled") is not False,
        last_sign_in=signed_in,
    )


def _continuation(key: bytes, request: str, link: str) -> str | None:
    """What goes on after the page of a request whose next link this is. None where it has no ``$skiptoken``."""
    for option in urlsplit(link).query.split("&"):
        name, _, token = option.partition("=")
        if unquote(name).lower() == "$skiptoken" and token:
            return continuations.written(_seal(key, request, token) + token.encode())
    return None


def _next_path(key: bytes, request: str, continuation: str) -> str:
    """The path of the next page of the request. Raises Refused `parameter-invalid`: it was never given out for it."""

    def parse(raw: bytes) -> str:
        token = raw[_SEAL:].decode()
        if not hmac.compare_digest(raw[:_SEAL], _seal(key, request, token)):
            raise ValueError
        return f"{request}&$skiptoken={token}"

    return continuations.read(continuation, parse)


def _seal(key: bytes, request: str, token: str) -> bytes:
    # No path and no token of an address has a line break.
    return hmac.new(key, f"{request}\n{token}".encode(), hashlib.sha256).digest()[:_SEAL]
