"""The directory port on Microsoft Graph. Each call is one request, or one ``$batch``, for a whole chunk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any

from shared.core.addresses import Address
from shared.core.directory import GroupFacts, refusal
from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.core.results import (
    Account,
    Busy,
    Declined,
    FindAnswer,
    GuestLook,
    InviteAnswer,
    JoinAnswer,
    Joined,
    LeaveAnswer,
    Lookalike,
    NotFound,
    Unknown,
    WriteAnswer,
)
from shared.graph import batch, errors, groups, invitations
from shared.graph.batch import Part
from shared.graph.ports import Directory, GuestToInvite
from shared.graph.queries import OnGraph, all_pages, equals, fits, of_ids, one, where
from shared.graph.response import Response
from shared.graph.session import GraphSession

_USERS, _READ = "User.Read.All", "Directory.Read.All"
_MEMBERS, _DELETE = "GroupMember.ReadWrite.All", "User.DeleteRestore.All"
_ENABLE = "User.EnableDisableAccount.All and User.Read.All"
_GUEST_FIELDS = "id,userType,externalUserState,creationType,accountEnabled"
_FIELDS = "id,userType,accountEnabled,externalUserState,mail,otherMails,proxyAddresses,identities,createdDateTime"
"""Of accounts that are looked for by an address."""
_VAGUE = {Reason.PERMISSION_MISSING, Reason.DIRECTORY_REFUSED}
"""What a group that turned dynamic or role-assignable meanwhile is answered with, too."""

_NO_GUEST = "The directory says that the account's userType is {}"


class GraphDirectory(OnGraph, Directory):
    """`known` tells which apps a group was set up with."""

    def __init__(self, session: GraphSession, known: groups.Known = groups.nothing_known) -> None:
        super().__init__(session)
        self._known = known

    @property
    def pressure(self) -> float:
        return self._session.pressure

    async def read_group(self, group: GroupId, *, keep: bool = False) -> GroupFacts:
        return await groups.read_group(self._session, group, self._known, keep=keep)

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        """One ``$batch`` of plain filters: the index of advanced queries lags behind writes (graph contract
        "Users")."""
        parts = [Part("GET", f"/users?{_filter(a)}&$select={_FIELDS}") for a in addresses]
        answers = await batch.send(self._session, parts)
        return [await _account(self._session, a, answer) for a, answer in zip(addresses, answers, strict=True)]

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        return await invitations.invite(self._session, guests)

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        """One PATCH for all; where that is refused, one ``$batch`` with a request for each."""
        distinct = list(dict.fromkeys(users))
        answers = await self._join_all(group, distinct) if len(distinct) > 1 else None
        if answers is None:
            answers = await self._join_each(group, distinct)
        if any(isinstance(a, Declined) and a.reason in _VAGUE for a in answers):
            answers = await self._with_reason(group, answers)
        by_user = dict(zip(distinct, answers, strict=True))
        return [by_user[user] for user in users]

    async def are_members(self, group: GroupId, users: Sequence[UserId]) -> list[bool | None]:
        """One ``$batch``; nested groups count."""
        parts = [Part("POST", f"/users/{user}/checkMemberGroups", {"groupIds": [group]}) for user in users]
        return [_is_in(response, group) for response in await batch.send(self._session, parts)]

    async def _join_all(self, group: GroupId, users: list[UserId]) -> list[JoinAnswer] | None:
        """Answers where the one call decides about all of them, None where each has to be asked for.

        The call is all or nothing: one who is a member already, or that replication has not brought here, fails
        the rest (graph contract "Groups").
        """
        body = {"members@odata.bind": [self._reference(user) for user in users]}
        response = await self._session.request("PATCH", f"/groups/{group}", body=body)
        if response.status in (200, 204):
            return [Joined(before=False) for _ in users]
        if busy := errors.nothing_happened(response):
            return [busy for _ in users]
        if not errors.may_have_worked(response):
            return None
        if response.status == 0:
            return [Unknown(errors.words(response)) for _ in users]
        # Asking for each finds out, and one that the directory stumbles over holds up nobody else. Who is found a
        # member may have become one just now: nobody is told to have been one before.
        each = await self._join_each(group, users)
        return [Joined(before=False) if isinstance(answer, Joined) else answer for answer in each]

    async def _join_each(self, group: GroupId, users: list[UserId]) -> list[JoinAnswer]:
        parts = [Part("POST", f"/groups/{group}/members/$ref", {"@odata.id": self._reference(u)}) for u in users]
        return [errors.join_answer(response, group) for response in await batch.send(self._session, parts)]

    def _reference(self, user: UserId) -> str:
        return f"{self._session.base_url}/directoryObjects/{user}"

    async def _with_reason(self, group: GroupId, answers: list[JoinAnswer]) -> list[JoinAnswer]:
        """The answers, with the group's kind for a reason where that is what stands in the way."""
        try:
            reason = refusal(await groups.read_group(self._session, group))
        except Refused as e:
            reason = e.reason if e.reason is Reason.GROUP_MISSING else None
        except DirectoryBusy:
            reason = None
        if reason is None:
            return answers
        return [Declined(reason, a.detail) if isinstance(a, Declined) and a.reason in _VAGUE else a for a in answers]

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
        that Guestlist has no business with; who is gone is left to the call itself."""
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
        answers = await batch.send(self._session, of_ids("users", users, "id,userType"))
        found = [u for answer in answers for u in await all_pages(self._session, answer, _USERS)]
        return {UserId(str(u["id"]).lower()): str(u.get("userType")) for u in found}

    async def get_guests(self, users: Sequence[UserId], *, accounts_alone: bool = False) -> list[GuestLook]:
        """Three parts of a ``$batch`` for each: the account, and the groups, directory roles and apps that it has; of
        accounts alone one."""
        account = f"?$select={_GUEST_FIELDS}"
        asked = (account,) if accounts_alone else (account, "/memberOf?$select=id", "/appRoleAssignments")
        parts = [Part("GET", f"/users/{user}{what}") for user in users for what in asked]
        answers = await batch.send_all(self._session, parts)
        if accounts_alone:
            return [_guest(answer, _USERS) for answer in answers]
        return [await _look(self._session, *three) for three in batched(answers, 3, strict=True)]


def _filter(address: Address) -> str:
    """Mail, other mails and proxy addresses: a mail contact with the guest's address leaves the proxy
    addresses empty (graph contract "Pitfalls"). Both forms of an internationalized domain are asked for. The
    alternatives stand side by side: one inside a lambda would be a level too many for the directory."""
    clauses = []
    for form in _forms(address):
        clauses += [
            equals("mail", form),
            f"otherMails/any(o:{equals('o', form)})",
            f"proxyAddresses/any(p:{equals('p', f'SMTP:{form}')})",
            f"proxyAddresses/any(p:{equals('p', f'smtp:{form}')})",
        ]
    return where(" or ".join(clauses))


def _forms(address: Address) -> list[str]:
    return list(dict.fromkeys((address.wire, address.text)))


def _has(user: dict[str, Any], address: Address) -> bool:
    """An address too long for the filter is found by its beginning."""
    if all(fits(f"SMTP:{form}") for form in _forms(address)):
        return True
    return _is_among((user.get("mail"), *(user.get("otherMails") or ()), *_proxies(user)), address)


async def _account(session: GraphSession, address: Address, response: Response) -> FindAnswer:
    try:
        found = [u for u in await all_pages(session, response, _USERS) if _has(u, address)]
    except DirectoryBusy as e:
        return Busy(e.retry_after)
    if not found:
        return NotFound()
    # `mail` is not unique: several accounts may have the address (graph contract "Pitfalls", "Duplicate mail
    # values").
    if own := [_read(user) for user in found if _is_own(user, address)]:
        return min(own, key=lambda a: (not a.is_guest, a.pending))
    field = "otherMails" if any(_is_among(u.get("otherMails"), address) for u in found) else "proxyAddresses"
    return Lookalike(frozenset(UserId(u["id"].lower()) for u in found), field)


def _is_own(user: dict[str, Any], address: Address) -> bool:
    """Anybody who may edit an account can write other mails into it, and proxy addresses of a guest are what was its
    mail once: whoever has them need not be who reads the address's mail. An alias of a colleague's mailbox is given
    by an administrator, and the directory's own invitation finds it as well (graph contract "Invitations")."""
    own = [user.get("mail"), *(i.get("issuerAssignedId") for i in user.get("identities") or ())]
    if user.get("userType") != "Guest":
        own += _proxies(user)
    return _is_among(own, address)


def _is_among(addresses: Iterable[Any] | None, address: Address) -> bool:
    known = {str(a).lower() for a in addresses or ()}
    return any(form.lower() in known for form in _forms(address))


def _proxies(user: dict[str, Any]) -> list[str]:
    return [str(p).partition(":")[2] for p in user.get("proxyAddresses") or ()]


def _read(user: dict[str, Any]) -> Account:
    return Account(
        id=UserId(user["id"].lower()),
        is_guest=user.get("userType") == "Guest",
        enabled=user.get("accountEnabled") is not False,
        pending=user.get("externalUserState") == "PendingAcceptance",
        created_at=datetime.fromisoformat(created) if (created := user.get("createdDateTime")) else None,
    )


def _is_in(response: Response, group: GroupId) -> bool | None:
    if response.status != 200 or not isinstance(response.body, dict):
        return None
    return group in [str(id_).lower() for id_ in response.body.get("value") or ()]


def _guest(answer: Response, permission: str) -> GuestLook:
    if answer.status == 404:
        return GuestLook(exists=False)
    facts = one(answer, permission)
    return GuestLook(
        is_guest=facts.get("userType") == "Guest",
        pending=facts.get("externalUserState") == "PendingAcceptance",
        enabled=facts.get("accountEnabled") is not False,
    )


async def _look(session: GraphSession, account: Response, holders_answer: Response, apps: Response) -> GuestLook:
    look = _guest(account, _READ)
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
