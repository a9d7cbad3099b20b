"""Taking guests out of a group, blocking, deleting and restoring their accounts."""

from collections.abc import Sequence
from typing import Any

from shared.adapters.directory import batch, errors
from shared.adapters.directory.batch import Part
from shared.adapters.directory.pages import all_pages, one
from shared.adapters.directory.session import GraphSession, Response
from shared.domain.answers import GuestLook, LeaveAnswer, WriteAnswer
from shared.domain.ids import GroupId, UserId

_MEMBERS, _DELETE, _READ = "GroupMember.ReadWrite.All", "User.DeleteRestore.All", "Directory.Read.All"
_ENABLE = "User.EnableDisableAccount.All and User.Read.All"
_FIELDS = "id,externalUserState,creationType,accountEnabled"
_AT_ONCE = batch.LIMIT // 3


async def leave(session: GraphSession, group: GroupId, users: Sequence[UserId]) -> list[LeaveAnswer]:
    """One ``$batch``. Never without ``/$ref``: that would delete the user (graph contract 1.4)."""
    if not users:
        return []
    parts = [Part("DELETE", f"/groups/{group}/members/{user}/$ref") for user in users]
    return [errors.leave_answer(response, _MEMBERS) for response in await batch.send(session, parts)]


async def delete_guests(session: GraphSession, users: Sequence[UserId]) -> list[LeaveAnswer]:
    """One ``$batch``."""
    if not users:
        return []
    parts = [Part("DELETE", f"/users/{user}") for user in users]
    return [errors.leave_answer(response, _DELETE) for response in await batch.send(session, parts)]


async def restore_guests(session: GraphSession, users: Sequence[UserId]) -> list[WriteAnswer]:
    """One ``$batch``. Their groups come back with them."""
    if not users:
        return []
    parts = [Part("POST", f"/directory/deletedItems/{user}/restore") for user in users]
    return [errors.write_answer(response, _DELETE) for response in await batch.send(session, parts)]


async def enable_guests(session: GraphSession, users: Sequence[UserId], *, enabled: bool) -> list[WriteAnswer]:
    """One ``$batch``. `User.EnableDisableAccount.All` is the least that Graph documents for ``accountEnabled`` (with
    `User.Read.All`): Microsoft Graph, "Update user"."""
    if not users:
        return []
    parts = [Part("PATCH", f"/users/{user}", {"accountEnabled": enabled}) for user in users]
    return [errors.write_answer(response, _ENABLE) for response in await batch.send(session, parts)]


async def look_at_guests(session: GraphSession, users: Sequence[UserId]) -> list[GuestLook]:
    """A ``$batch`` for each six: the account, and the groups, directory roles and apps that it has."""
    found: list[GuestLook] = []
    for start in range(0, len(users), _AT_ONCE):
        few = users[start : start + _AT_ONCE]
        parts = [part for user in few for part in _parts(user)]
        answers = await batch.send(session, parts)
        for n in range(len(few)):
            found.append(await _look(session, *answers[3 * n : 3 * n + 3]))
    return found


def _parts(user: UserId) -> list[Part]:
    return [
        Part("GET", f"/users/{user}?$select={_FIELDS}"),
        Part("GET", f"/users/{user}/memberOf?$select=id"),
        Part("GET", f"/users/{user}/appRoleAssignments"),
    ]


async def _look(session: GraphSession, account: Response, holders_answer: Response, apps: Response) -> GuestLook:
    if account.status == 404:
        return GuestLook(exists=False)
    facts = one(account, _READ)
    # The list has the apps of the user's groups as well.
    own = [a for a in await all_pages(session, apps, _READ) if a.get("principalType") == "User"]
    # Administrative units are in the list, too: whoever is in one is in nothing that we could take away (Microsoft
    # Graph, "List a user's direct memberships").
    holders = await all_pages(session, holders_answer, _READ)
    return GuestLook(
        pending=facts.get("externalUserState") == "PendingAcceptance",
        enabled=facts.get("accountEnabled") is not False,
        groups=frozenset(GroupId(str(h["id"]).lower()) for h in holders if _is(h, "group")),
        has_apps=bool(own),
        has_role=any(_is(h, "directoryRole") for h in holders),
    )


def _is(item: dict[str, Any], kind: str) -> bool:
    return str(item.get("@odata.type", "")).lower() == f"#microsoft.graph.{kind}".lower()
