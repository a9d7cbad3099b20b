"""The directory port on Microsoft Graph. Each call is one request, or one ``$batch``, for a whole chunk."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from shared.adapters.directory import batch, errors
from shared.adapters.directory.batch import Part
from shared.adapters.directory.session import GraphSession, Response
from shared.domain.addresses import Address
from shared.domain.answers import (
    Account,
    Declined,
    FindAnswer,
    InviteAnswer,
    Invited,
    JoinAnswer,
    Joined,
    NotFound,
    Unknown,
)
from shared.domain.errors import DirectoryBusy, Refused
from shared.domain.groups import App, GroupFacts, refusal
from shared.domain.ids import GroupId, UserId
from shared.domain.reasons import Reason
from shared.ports.directory import GuestToInvite

_GROUP_FIELDS = (
    "id,displayName,groupTypes,securityEnabled,mailEnabled,onPremisesSyncEnabled,isAssignableToRole,"
    "isManagementRestricted"
)
_USER_FIELDS = "id,userType,accountEnabled,externalUserState,mail"
_APP_FIELDS = "id,appId,displayName,accountEnabled,tags"


class GraphDirectory:
    def __init__(self, session: GraphSession) -> None:
        self._session = session

    async def read_group(self, group: GroupId) -> GroupFacts:
        facts, owners, assignments = await batch.send(
            self._session,
            [
                Part("GET", f"/groups/{group}?$select={_GROUP_FIELDS}"),
                Part("GET", f"/groups/{group}/owners?$select=id&$top=999"),
                Part("GET", f"/groups/{group}/appRoleAssignments?$top=999"),
            ],
        )
        if facts.status == 404:
            raise Refused(Reason.GROUP_MISSING)
        found = _read(facts, "Group.Read.All")
        owner_ids = await self._all(owners, "Group.Read.All")
        assigned = await self._all(assignments, "Application.Read.All")
        return GroupFacts(
            id=group,
            name=found.get("displayName") or group,
            group_types=frozenset(found.get("groupTypes") or ()),
            security_enabled=bool(found.get("securityEnabled")),
            mail_enabled=bool(found.get("mailEnabled")),
            synced=bool(found.get("onPremisesSyncEnabled")),
            role_assignable=bool(found.get("isAssignableToRole")),
            management_restricted=bool(found.get("isManagementRestricted")),
            owners=frozenset(UserId(o["id"].lower()) for o in owner_ids),
            apps=await self._apps(assigned),
        )

    async def _apps(self, assignments: list[dict[str, Any]]) -> tuple[App, ...]:
        """The apps that the group opens and that a person may see. A group that opens more than a batch's
        worth links to My Apps anyway."""
        resources = list(dict.fromkeys(a["resourceId"] for a in assignments))[: batch.LIMIT]
        if not resources:
            return ()
        parts = [Part("GET", f"/servicePrincipals/{quote(r, safe='')}?$select={_APP_FIELDS}") for r in resources]
        apps = []
        for answer in await batch.send(self._session, parts):
            if answer.status == 404:
                continue
            found = _read(answer, "Application.Read.All")
            if found.get("accountEnabled") is not False and "HideApp" not in (found.get("tags") or ()):
                apps.append(App(name=found.get("displayName") or found["appId"], app_id=found["appId"]))
        return tuple(apps)

    async def _all(self, first: Response, permission: str) -> list[dict[str, Any]]:
        """All pages of a collection, of which the first is there. A page may be empty and have a next."""
        page = _read(first, permission)
        found: list[dict[str, Any]] = list(page.get("value", ()))
        while link := page.get("@odata.nextLink"):
            page = _read(await self._session.request("GET", link), permission)
            found += page.get("value", ())
        return found

    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        if not addresses:
            return []
        parts = [Part("GET", f"/users?$filter={_by_address(a)}&$select={_USER_FIELDS}") for a in addresses]
        return [_account(answer) for answer in await batch.send(self._session, parts)]

    async def invite(self, guests: Sequence[GuestToInvite]) -> list[InviteAnswer]:
        if not guests:
            return []
        answers = await batch.send(self._session, [Part("POST", "/invitations", _invitation(g)) for g in guests])
        return [_invited(answer) for answer in answers]

    async def join(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        if not users:
            return []
        answers = await self._join_all(group, users)
        if any(isinstance(a, Declined) and a.reason is Reason.PERMISSION_MISSING for a in answers):
            # A group that turned dynamic or role-assignable answers as if a permission were missing.
            reason = await self._kind_refusal(group)
            if reason is not None:
                answers = [
                    Declined(reason, a.detail)
                    if isinstance(a, Declined) and a.reason is Reason.PERMISSION_MISSING
                    else a
                    for a in answers
                ]
        return answers

    async def _join_all(self, group: GroupId, users: Sequence[UserId]) -> list[JoinAnswer]:
        distinct = list(dict.fromkeys(users))
        if len(distinct) > 1:
            body = {"members@odata.bind": [self._reference(u) for u in distinct]}
            whole = await self._session.request("PATCH", f"/groups/{group}", body=body)
            if whole.status in (200, 204):
                return [Joined(before=False)] * len(users)
            if busy := errors.nothing_happened(whole):
                return [busy] * len(users)
            # All or nothing: one who is a member already, or not replicated yet, fails the rest. One by one.
        parts = [Part("POST", f"/groups/{group}/members/$ref", {"@odata.id": self._reference(u)}) for u in distinct]
        answers = await batch.send(self._session, parts)
        by_user = {u: errors.join_answer(a, group) for u, a in zip(distinct, answers, strict=True)}
        return [by_user[u] for u in users]

    def _reference(self, user: UserId) -> str:
        return f"{self._session.base_url}/directoryObjects/{user}"

    async def _kind_refusal(self, group: GroupId) -> Reason | None:
        try:
            return refusal(await self.read_group(group))
        except (Refused, DirectoryBusy):
            return None

    async def close(self) -> None:
        await self._session.close()


def _read(response: Response, permission: str) -> dict[str, Any]:
    if response.status != 200 or not isinstance(response.body, dict):
        raise errors.reading_failed(response, permission)
    return response.body


def _by_address(address: Address) -> str:
    """The filter that finds an account by mail, other mails or proxy address. A mail contact with the guest's
    address leaves the proxy addresses empty, so all three are asked (graph contract 4)."""
    clauses = []
    for form in dict.fromkeys((address.wire, address.text)):
        text = form.replace("'", "''")
        clauses += [
            f"mail eq '{text}'",
            f"otherMails/any(o:o eq '{text}')",
            f"proxyAddresses/any(p:p eq 'SMTP:{text}' or p eq 'smtp:{text}')",
        ]
    return quote(" or ".join(clauses), safe="")


def _account(response: Response) -> FindAnswer:
    if busy := errors.nothing_happened(response):
        return busy
    found = _read(response, "User.Read.All").get("value", ())
    if not found:
        return NotFound()
    accounts = [
        Account(
            id=UserId(user["id"].lower()),
            is_guest=user.get("userType") == "Guest",
            enabled=user.get("accountEnabled") is not False,
            pending=user.get("externalUserState") == "PendingAcceptance",
        )
        for user in found
    ]
    return min(accounts, key=lambda a: (not a.is_guest, a.pending))


def _invitation(guest: GuestToInvite) -> dict[str, Any]:
    body: dict[str, Any] = {
        "invitedUserEmailAddress": guest.address.wire,
        "inviteRedirectUrl": guest.redirect_url,
        "sendInvitationMessage": guest.mail,
    }
    if guest.display_name:
        body["invitedUserDisplayName"] = guest.display_name
    if guest.mail and guest.language:
        body["invitedUserMessageInfo"] = {"messageLanguage": guest.language}
    return body


def _invited(response: Response) -> InviteAnswer:
    if response.status != 201:
        return errors.invite_answer(response)
    body = response.body if isinstance(response.body, dict) else {}
    user, link = body.get("invitedUser"), body.get("inviteRedeemUrl")
    if not isinstance(user, dict) or not isinstance(user.get("id"), str) or not isinstance(link, str):
        return Unknown("the directory's answer has no user or no link")
    return Invited(UserId(user["id"].lower()), link)
