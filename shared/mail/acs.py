"""Guestlist's own mail through Azure Communication Services Email.

The caller chooses the operation id of a send: one made of the mail's key lets a repeat ask what became of the
first. That sending again under one id is harmless by itself is UNVERIFIED, so a repeat asks before it sends.
Source: graph contract "More operations"; REST reference "Email - Send" and "Email - Get Send Result", version
2025-09-01.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.communication.email.aio import EmailClient
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)
from azure.core.rest import HttpRequest

from shared.core.reasons import Reason
from shared.core.results import Busy, Declined, Unknown
from shared.graph.response import Response
from shared.mail.ports import DispatchAnswer, Dispatched, Mail, PrepareAnswer, Prepared
from shared.pace.pacing import Pace

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential

API_VERSION = "2025-09-01"
PACE = Pace(30, timedelta(minutes=1), burst=10)
"""Mails a minute with a domain of one's own, until Microsoft raises it on request."""
_NAMESPACE = uuid.UUID("0f3c6f3e-8a0e-4f2b-9a51-9d4c0a6c2b7d")


class AcsEmail:
    """The mail lane through a Communication Services resource.

    `sender` is the MailFrom address of a verified domain of the resource at `endpoint`."""

    def __init__(
        self,
        *,
        endpoint: str,
        sender: str,
        credential: "AsyncTokenCredential | AzureKeyCredential",
        pace: Pace = PACE,
    ) -> None:
        self._client = EmailClient(endpoint, credential, retry_total=0)
        self._sender = sender
        self.pace = pace

    async def prepare(self, mails: Sequence[Mail], *, again: bool) -> list[PrepareAnswer]:
        """The service has no drafts: the operation id is all that has to be known before a send."""
        return [Prepared(str(uuid.uuid5(_NAMESPACE, mail.key))) for mail in mails]

    async def dispatch(self, sends: Sequence[tuple[str, Mail]], *, again: bool) -> list[DispatchAnswer]:
        return [await self._dispatch(handle, mail, again=again) for handle, mail in sends]

    async def _dispatch(self, operation: str, mail: Mail, *, again: bool) -> DispatchAnswer:
        if again:
            known = await self._request("GET", f"/emails/operations/{operation}")
            if known.status == 200 and isinstance(known.body, dict):
                if known.body.get("status") in ("NotStarted", "Running", "Succeeded"):
                    return Dispatched()
                return Declined(Reason.MAIL_NOT_SENT, f"The mail service could not send it: {_words(known)}")
            if known.status != 404:
                return self._failed(known)
        answer = await self._request("POST", "/emails:send", body=self._message(mail), operation=operation)
        return Dispatched() if answer.status == 202 else self._failed(answer)

    async def _request(self, method: str, path: str, *, body: Any = None, operation: str | None = None) -> Response:
        headers = {"Operation-Id": operation} if operation else {}
        request = HttpRequest(method, path, params={"api-version": API_VERSION}, headers=headers, json=body)
        try:
            answer = await self._client.send_request(request)
        except ClientAuthenticationError:
            return Response(0, sent=False, trouble="Guestlist's identity could not get a token for the mail service")
        except AzureError as e:
            if _never_left(e):
                return Response(0, sent=False, trouble="the mail service cannot be reached")
            return Response(0, trouble=f"the mail service did not answer ({type(e).__name__})")
        try:
            found = answer.json() if answer.content else None
        except ValueError:
            found = None
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, found)

    @staticmethod
    def _failed(answer: Response) -> Busy | Unknown | Declined:
        if (answer.status == 0 and not answer.sent) or answer.status in (429, 503):
            return Busy(answer.retry_after())
        if answer.status in (0, 408) or answer.status >= 500:
            return Unknown(answer.trouble or _words(answer))
        what = "The mail service refused the mail"
        if answer.status in (401, 403):
            what = "Guestlist's identity may not send mail through the resource of GUESTLIST_ACS_ENDPOINT"
        return Declined(Reason.MAIL_NOT_SENT, f"{what}. The mail service said: {_words(answer)}")

    def _message(self, mail: Mail) -> dict[str, Any]:
        to = {"address": mail.to} | ({"displayName": mail.to_name} if mail.to_name else {})
        return {
            "senderAddress": self._sender,
            "recipients": {"to": [to]},
            "content": {"subject": mail.subject, "plainText": mail.text, "html": mail.html},
            "userEngagementTrackingDisabled": True,
        }

    async def close(self) -> None:
        await self._client.close()


def _never_left(error: AzureError) -> bool:
    """No connection was made. The SDK says `ServiceRequestError` also of a connection cut after the request."""
    return isinstance(error, ServiceRequestTimeoutError) or (
        isinstance(error, ServiceRequestError) and isinstance(error.inner_exception, aiohttp.ClientConnectorError)
    )


def _words(answer: Response) -> str:
    code, message = answer.error
    return f"{message or 'no message'} ({answer.status}{f' {code}' if code else ''})"
