"""Guestlist's own mail through a mailbox of the tenant, by way of a draft, which makes it exactly once.

Source: graph contract "More operations"; Microsoft Graph, "Create message", "message: send", "Outlook immutable
identifiers".
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Unknown
from shared.graph import errors
from shared.graph.response import Response
from shared.graph.session import GraphSession
from shared.mail.ports import DispatchAnswer, Dispatched, Mail, PrepareAnswer, Prepared
from shared.pace.pacing import Pace

MARKER = "String {6f8a1f5e-52a1-4a4e-9b0e-6c1f0c7a6f11} Name GuestlistKey"
"""Extended property of a draft that says which mail it is."""
AT_ONCE = 4
"""Requests at one time for one app and mailbox; more are answered 429."""
PACE = Pace(30, timedelta(minutes=1), burst=10)
"""Messages a minute that Exchange Online takes from one mailbox."""
_IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
_NO_MAILBOX = {"ErrorInvalidUser", "MailboxNotEnabledForRESTAPI", "Request_ResourceNotFound", "ResourceNotFound"}
"""Codes of a 404 that speaks of the mailbox. Any other is of a message that is not shown (yet)."""


class GraphMailbox:
    """`mailbox` is the sender: a user's principal name or object id.

    A draft whose handle nobody wrote down was never sent, so a second draft of one mail does no harm; what is
    sent is always a handle, and of a handle it can be read whether it is a draft still.
    """

    def __init__(self, session: GraphSession, mailbox: str, *, pace: Pace = PACE) -> None:
        self._session = session
        self._mailbox = mailbox
        self._path = f"/users/{quote(mailbox, safe='')}/messages"
        self.pace = pace
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def prepare(self, mails: Sequence[Mail], *, again: bool) -> list[PrepareAnswer]:
        return list(await asyncio.gather(*(self._prepare(mail, again=again) for mail in mails)))

    async def _prepare(self, mail: Mail, *, again: bool) -> PrepareAnswer:
        if again:
            found = await self._find(mail.key)
            if found is not None:
                return found
        answer = await self._request("POST", self._path, body=_message(mail))
        if answer.status == 201 and isinstance(answer.body, dict) and answer.body.get("id"):
            return Prepared(str(answer.body["id"]))
        return self._failed(answer)

    async def _find(self, key: str) -> PrepareAnswer | None:
        """The draft (or the sent mail) of a key, made by an attempt that did not live to write it down."""
        condition = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq '{key}')"
        path = f"{self._path}?$filter={quote(condition, safe='')}&$select=id&$top=1"
        answer = await self._request("GET", path)
        if answer.status == 400:
            return None  # the mailbox cannot look for it: a second draft does no harm
        if answer.status != 200 or not isinstance(answer.body, dict):
            return self._failed(answer)
        found = answer.body.get("value") or ()
        return Prepared(str(found[0]["id"])) if found else None

    async def dispatch(self, sends: Sequence[tuple[str, Mail]], *, again: bool) -> list[DispatchAnswer]:
        return list(await asyncio.gather(*(self._dispatch(handle, again=again) for handle, _ in sends)))

    async def _dispatch(self, handle: str, *, again: bool) -> DispatchAnswer:
        path = f"{self._path}/{quote(handle, safe='')}"
        if again:
            draft = await self._request("GET", f"{path}?$select=isDraft")
            if draft.status != 200 or not isinstance(draft.body, dict):
                return self._failed(draft)
            if draft.body.get("isDraft") is False:
                return Dispatched()
        answer = await self._request("POST", f"{path}/send")
        return Dispatched() if answer.status == 202 else self._failed(answer)

    async def _request(self, method: str, path: str, *, body: Any = None) -> Response:
        async with self._gate:
            return await self._session.request(method, path, body=body, headers=_IMMUTABLE)

    def _failed(self, answer: Response) -> Busy | Unknown | Declined:
        if busy := errors.nothing_happened(answer):
            return busy
        if answer.status == 404 and answer.error[0] in _NO_MAILBOX:
            return self._declined(f"There is no mailbox '{self._mailbox}' (GUESTLIST_MAIL_MAILBOX)", answer)
        if answer.status == 404 or errors.may_have_worked(answer):
            # 404: a message may not be shown just after it was made or sent. The step gives up after its window.
            return Unknown(errors.words(answer))
        if errors.is_permission(answer) or answer.status == 403:
            return self._declined(f"Grant Mail.ReadWrite and Mail.Send for '{self._mailbox}'", answer)
        return self._declined("The mailbox refused the mail", answer)

    @staticmethod
    def _declined(what: str, answer: Response) -> Declined:
        return Declined(Reason.MAIL_NOT_SENT, f"{what}. The directory said: {errors.words(answer)}")


def _message(mail: Mail) -> dict[str, Any]:
    recipient: dict[str, Any] = {"address": mail.to} | ({"name": mail.to_name} if mail.to_name else {})
    return {
        "subject": mail.subject,
        "body": {"contentType": "html", "content": mail.html},
        "toRecipients": [{"emailAddress": recipient}],
        "singleValueExtendedProperties": [{"id": MARKER, "value": mail.key}],
    }
