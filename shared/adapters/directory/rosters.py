"""The rosters port on Microsoft Graph."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from shared.adapters.directory import batch, errors
from shared.adapters.directory.batch import Part
from shared.adapters.directory.filters import literal
from shared.adapters.directory.groups import FIELDS as GROUP_FIELDS
from shared.adapters.directory.groups import facts_of, resources_of, visible_apps
from shared.adapters.directory.pages import all_pages, one
from shared.adapters.directory.session import GraphSession
from shared.domain.errors import Refused
from shared.domain.groups import GroupFacts
from shared.domain.ids import GroupId, UserId
from shared.domain.reasons import Reason
from shared.ports.rosters import GuestFacts, GuestPage

_FIELDS = (
    "id,displayName,mail,otherMails,userPrincipalName,userType,accountEnabled,createdDateTime,"
    "externalUserState,externalUserStateChangeDateTime"
)
_PAGE = 100
_IDS_IN_FILTER = 15
"""Operands of ``in`` in one filter. Source: Microsoft Graph, "Use the $filter query parameter"."""
_LONGEST_BEGINNING = 60
"""Characters that are looked for, twice in the address of the request and at most 12 of it each: it may have 2048.
Source: Microsoft Graph, known issue 13635."""
_READ = "Directory.Read.All"


class GraphRosters:
    """The port's `Rosters`. Speaks through a session that others use as well. Without `sign_ins` nobody's last
    sign-in is asked for."""

    def __init__(self, session: GraphSession, *, sign_ins: bool = True) -> None:
        self._session = session
        self._with_sign_ins = sign_ins

    async def owned_groups(self, owner: UserId) -> list[GroupFacts]:
        """One request, a ``$batch`` for each twenty groups, and one for each twenty apps that they open."""
        answer = await self._session.request("GET", f"/users/{owner}/ownedObjects?$select={GROUP_FIELDS}&$top=999")
        if answer.status == 404:
            return []
        objects = await all_pages(self._session, answer, _READ)
        groups = [o for o in objects if str(o.get("@odata.type", "")).endswith(".group")]
        opened = await self._opened([GroupId(g["id"].lower()) for g in groups])
        apps = await visible_apps(self._session, list(dict.fromkeys(r for resources in opened for r in resources)))
        return [
            facts_of(group, frozenset({owner}), tuple(apps[r] for r in resources if r in apps))
            for group, resources in zip(groups, opened, strict=True)
        ]

    async def _opened(self, groups: Sequence[GroupId]) -> list[list[str]]:
        """The service principals that each group has a role on."""
        found: list[list[str]] = []
        for start in range(0, len(groups), batch.LIMIT):
            few = groups[start : start + batch.LIMIT]
            parts = [Part("GET", f"/groups/{group}/appRoleAssignments?$top=999") for group in few]
            for answer in await batch.send(self._session, parts):
                found.append(resources_of(await all_pages(self._session, answer, _READ)))
        return found

    async def guests(self, group: GroupId, continuation: str | None, find: str | None = None) -> GuestPage:
        """One request for the members, and a ``$batch`` for their sign-ins."""
        path = f"/groups/{group}/members/microsoft.graph.user?$select={_FIELDS}&$top={_PAGE}"
        headers = {}
        if find is not None:
            # A filter on members is an advanced query: header and count belong to it, on every page (G1.3).
            text = literal(find[:_LONGEST_BEGINNING])
            condition = f"startsWith(displayName,'{text}') or startsWith(mail,'{text}')"
            path += f"&$count=true&$filter={quote(condition, safe='')}"
            headers["ConsistencyLevel"] = "eventual"
        if continuation is not None:
            path = self._read_continuation(group, continuation)
        answer = await self._session.request("GET", path, headers=headers)
        if answer.status == 404:
            raise Refused(Reason.GROUP_MISSING, errors.words(answer))
        page = one(answer, _READ)
        users = [u for u in page.get("value") or () if u.get("userType") == "Guest"]
        sign_ins = await self._sign_ins([str(u["id"]) for u in users])
        link = page.get("@odata.nextLink")
        return GuestPage(
            [_guest(u, (sign_ins or {}).get(str(u["id"]).lower())) for u in users],
            base64.urlsafe_b64encode(str(link).encode()).decode().rstrip("=") if link else None,
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
        facts, groups = one(person, _READ), one(member, _READ)
        is_in = group in [str(id_).lower() for id_ in groups.get("value") or ()]
        return _guest(facts, None) if is_in and facts.get("userType") == "Guest" else None

    async def mail_address(self, user: UserId) -> str | None:
        answer = await self._session.request("GET", f"/users/{user}?$select=id,mail,accountEnabled")
        if answer.status == 404:
            return None
        facts = one(answer, _READ)
        return facts.get("mail") if facts.get("accountEnabled") is not False else None

    async def _sign_ins(self, users: Sequence[str]) -> dict[str, str] | None:
        """The last sign-in of those who have one; None where it is not to be read, or cannot be: that takes
        AuditLog.Read.All and a licence (graph contract 1.1)."""
        if not self._with_sign_ins:
            return None
        if not users:
            return {}
        parts = []
        for start in range(0, len(users), _IDS_IN_FILTER):
            ids = ",".join(f"'{u}'" for u in users[start : start + _IDS_IN_FILTER])
            parts.append(Part("GET", f"/users?$filter={quote(f'id in ({ids})', safe='')}&$select=id,signInActivity"))
        found: dict[str, str] = {}
        for answer in await batch.send(self._session, parts):
            if answer.status in (401, 403):
                return None
            for user in await all_pages(self._session, answer, _READ):
                activity = user.get("signInActivity") or {}
                times = [activity.get(n) for n in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")]
                if latest := max((t for t in times if t), default=None):
                    found[str(user["id"]).lower()] = latest
        return found

    def _read_continuation(self, group: GroupId, text: str) -> str:
        """The next link that Graph gave. It is sent with our token: nothing but a link to Graph, to the members of
        this very group, is taken."""
        try:
            link = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
            parts, ours = urlsplit(link), urlsplit(self._session.base_url)
        except (binascii.Error, UnicodeDecodeError, ValueError) as e:
            raise ValueError("the continuation was never given out") from e
        same = (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
        if not same or not parts.path.lower().startswith(f"{ours.path}/groups/{group}/members"):
            raise ValueError("the continuation was never given out")
        return link


def _guest(user: dict[str, Any], last_sign_in: str | None) -> GuestFacts:
    state = user.get("externalUserState")
    others = user.get("otherMails") or ()
    return GuestFacts(
        id=UserId(str(user["id"]).lower()),
        name=user.get("displayName") or user.get("mail") or "",
        address=user.get("mail") or next(iter(others), None),
        accepted=None if state is None else state == "Accepted",
        since=_time(user.get("externalUserStateChangeDateTime")),
        created_at=_time(user.get("createdDateTime")),
        enabled=user.get("accountEnabled") is not False,
        last_sign_in=_time(last_sign_in),
    )


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
