"""Taking guests out of a group, blocking, deleting and restoring their accounts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import batched
from typing import Any

from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, GuestLook, LeaveAnswer, WriteAnswer
from shared.graph import batch, errors
from shared.graph.batch import Part
from shared.graph.filters import of_ids
from shared.graph.on_graph import OnGraph
from shared.graph.pages import all_pages, one
from shared.graph.response import Response
from shared.graph.session import GraphSession

_MEMBERS, _DELETE, _READ = "GroupMember.ReadWrite.All", "User.DeleteRestore.All", "Directory.Read.All"
_USERS = "User.Read.All"
_ENABLE = "User.EnableDisableAccount.All and User.Read.All"
_FIELDS = "id,userType,externalUserState,creationType,accountEnabled"
_NO_GUEST = "The directory says that the account's userType is {}"


class Leaving(OnGraph):
    async def leave(self, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Two ``$batch``. Never without ``/$ref``: that would delete the user (graph contract "Groups")."""
        read = partial(errors.leave_answer, permission=_MEMBERS)
        return await self._to_guests(users, lambda u: Part("DELETE", f"/groups/{group}/members/{u}/$ref"), read)

    async def delete_guests(self, users: Sequence[UserId]) -> list[LeaveAnswer]:
        """Two ``$batch``."""
        read = partial(errors.leave_answer, permission=_DELETE)
        return await self._to_guests(users, lambda u: Part("DELETE", f"/users/{u}"), read)

    async def restore_guests(self, users: Sequence[UserId]) -> list[WriteAnswer]:
        """One ``$batch``. Their groups come back with them."""
        parts = [Part("POST", f"/directory/deletedItems/{user}/restore") for user in users]
        return [errors.write_answer(response, _DELETE) for response in await batch.send(self._session, parts)]

    async def enable_guests(self, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
        """One or two ``$batch``. `User.EnableDisableAccount.All` is the least that Graph documents for
        ``accountEnabled`` (with `User.Read.All`): Microsoft Graph, "Update user"."""

        def part(user: UserId) -> Part:
            return Part("PATCH", f"/users/{user}", {"accountEnabled": enabled})

        read = partial(errors.write_answer, permission=_ENABLE)
        if not enabled:
            return await self._to_guests(users, part, read)
        return [read(response) for response in await batch.send(self._session, [part(u) for u in users])]

    async def _to_guests[Answer](
        self, users: Sequence[UserId], part: Callable[[UserId], Part], read: Callable[[Response], Answer]
    ) -> list[Answer | Busy | Declined]:
        """Do it to those who are guests at this moment. Who was one when it was decided may be a colleague by now,
        whom Guestlist has no business with; who is gone is left to the call itself."""
        try:
            kinds = await self._kinds(users)
        except DirectoryBusy as e:
            return [Busy(e.retry_after) for _ in users]
        except Refused as e:
            return [Declined(e.reason, e.detail or "") for _ in users]
        guests = [u for u in dict.fromkeys(users) if kinds.get(u, "Guest") == "Guest"]
        responses = await batch.send(self._session, [part(u) for u in guests])
        answers = dict(zip(guests, map(read, responses), strict=True))
        return [
            answers[u] if u in answers else Declined(Reason.NOT_A_GUEST, _NO_GUEST.format(kinds[u])) for u in users
        ]

    async def _kinds(self, users: Sequence[UserId]) -> dict[UserId, str]:
        parts = [Part("GET", path) for path in of_ids("users", users, "id,userType")]
        answers = await batch.send(self._session, parts)
        found = [u for answer in answers for u in await all_pages(self._session, answer, _USERS)]
        return {UserId(str(u["id"]).lower()): str(u.get("userType")) for u in found}

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        """Three parts of a ``$batch`` for each: the account, and the groups, directory roles and apps that it has; of
        accounts alone one."""
        if accounts_alone:
            answers = await batch.send_all(self._session, [_account_part(user) for user in users])
            return [_account(answer, _USERS) for answer in answers]
        answers = await batch.send_all(self._session, [part for user in users for part in _parts(user)])
        return [await _look(self._session, *three) for three in batched(answers, 3, strict=True)]


def _account_part(user: UserId) -> Part:
    return Part("GET", f"/users/{user}?$select={_FIELDS}")


def _account(answer: Response, permission: str) -> GuestLook:
    if answer.status == 404:
        return GuestLook(exists=False)
    facts = one(answer, permission)
    return GuestLook(
        is_guest=facts.get("userType") == "Guest",
        pending=facts.get("externalUserState") == "PendingAcceptance",
        enabled=facts.get("accountEnabled") is not False,
    )


def _parts(user: UserId) -> list[Part]:
    return [
        _account_part(user),
        Part("GET", f"/users/{user}/memberOf?$select=id"),
        Part("GET", f"/users/{user}/appRoleAssignments"),
    ]


async def _look(session: GraphSession, account: Response, holders_answer: Response, apps: Response) -> GuestLook:
    look = _account(account, _READ)
    if not look.exists:
        return look
    # The list has the apps of the user's groups as well.
    own = [a for a in await all_pages(session, apps, _READ) if a.get("principalType") == "User"]
    # Administrative units are in the list, too: whoever is in one is in nothing that we could take away (Microsoft
    # Graph, "List a user's direct memberships").
    holders = await all_pages(session, holders_answer, _READ)
    return replace(
        look,
        groups=frozenset(GroupId(str(h["id"]).lower()) for h in holders if _is(h, "group")),
        has_apps=bool(own),
        has_role=any(_is(h, "directoryRole") for h in holders),
    )


def _is(item: dict[str, Any], kind: str) -> bool:
    return str(item.get("@odata.type", "")).lower() == f"#microsoft.graph.{kind}".lower()
