"""Rules of messages: what a draft may hold, how it is shown, what sending does, and Exchange Online's limits for a
mailbox (graph contract "More operations"): requests, requests at once, messages a minute, recipients a day."""

import math
import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ...call import Call, Json
from ...clock import monotonic, stamp
from ...errors import GraphError, mail_denied
from ...mailbox import Mailbox, Message, folder_id, forget_before
from ...observations import Mail
from ...tables import TABLES

_MINUTE_S, _TEN_MINUTES_S, _DAY_S = 60.0, 600.0, 86_400.0
_OPERATIONS = {"messages", "sendmail"}


@contextmanager
def lane(call: Call) -> Iterator[None]:
    """Holds one of the mailbox's places for the time of a request, whatever it waits for. Raises GraphError: 429 when
    the limits are on and reached."""
    mailbox = _mailbox(call)
    if mailbox is None:
        yield
        return
    rules = call.world.settings.mail
    if mailbox.under_way >= rules.concurrent_requests:
        raise _limited(rules.limit_code, 1, "Application is over its MailboxConcurrency limit.")
    forget_before(mailbox.requests, _TEN_MINUTES_S)
    if len(mailbox.requests) >= rules.requests_per_10_min:
        wait_s = mailbox.requests[0] + _TEN_MINUTES_S - monotonic()
        raise _limited(rules.limit_code, wait_s, "Application is over its request limit for the mailbox.")
    mailbox.requests.append(monotonic())
    mailbox.under_way += 1
    try:
        yield
    finally:
        mailbox.under_way -= 1


def count_sent(call: Call, mailbox: Mailbox, recipients: int) -> None:
    """Note a message about to be sent. Raises GraphError: 429 when the limits are on and reached."""
    rules = call.world.settings.mail
    if not rules.enforce_limits:
        return
    forget_before(mailbox.sent, _MINUTE_S)
    if len(mailbox.sent) >= rules.messages_per_minute:
        wait_s = mailbox.sent[0] + _MINUTE_S - monotonic()
        raise _limited(rules.limit_code, wait_s, "The message rate limit of the mailbox is exceeded.")
    day = mailbox.recipients
    while day and day[0][0] < monotonic() - _DAY_S:
        day.popleft()
    if sum(number for _, number in day) + recipients > rules.recipients_per_day:
        wait_s = (day[0][0] + _DAY_S - monotonic()) if day else _DAY_S
        raise _limited(rules.limit_code, wait_s, "The recipient rate limit of the mailbox is exceeded.")
    mailbox.sent.append(monotonic())
    day.append((monotonic(), recipients))


def _mailbox(call: Call) -> Mailbox | None:
    """The mailbox a request is about, when the limits are on."""
    segments = call.segments
    if (
        not call.world.settings.mail.enforce_limits
        or len(segments) < 3
        or segments[0].lower() != "users"
        or segments[2].lower() not in _OPERATIONS
    ):
        return None
    user = call.world.directory.find_user(segments[1])
    return None if user is None else call.world.mailboxes[user.id.lower()]


def _limited(code: str, wait_s: float, message: str) -> GraphError:
    return GraphError(429, code, message, headers={"Retry-After": str(max(1, math.ceil(wait_s)))})


_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
_WRITABLE: Final = frozenset(TABLES["messageWritable"])
_ONLY_WHEN_ASKED = {
    *("internetMessageHeaders", "singleValueExtendedProperties", "multiValueExtendedProperties", "attachments"),
}
_PROPERTY_ID = re.compile(
    r"(?:String|Integer|Boolean|SystemTime|Double|Binary|CLSID)(?:Array)? "
    r"(?:0x[0-9a-fA-F]+|\{[0-9a-fA-F-]{36}\} (?:Name .+|Id 0x[0-9a-fA-F]+))"
)
_MAX_HEADERS = 5


@dataclass(frozen=True, slots=True)
class Box:
    """The mailbox of the path, as a call meets it."""

    call: Call
    owner_id: str
    address: str
    mailbox: Mailbox

    def need(self) -> Message:
        """The message of the path, by either kind of id. Raises GraphError: 404, also for a stale id."""
        message = self.mailbox.ids.get(self.call.keys["message"])
        if message is None or self.hides(message):
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return message

    def hides(self, message: Message) -> bool:
        """Whether a message just sent cannot be read yet."""
        new, window = self.call.world.new, self.call.world.settings.mail.sent_copy_after
        return not message.is_draft and not new.is_empty and new.hides(message.key, "sent_copy", window)

    def draft(self, body: Json) -> Message:
        """A new message, not in the mailbox yet. Raises GraphError: as `checked`."""
        created, key, domain = stamp(), str(uuid.uuid4()), self.address.rpartition("@")[2]
        times = {"createdDateTime": created, "lastModifiedDateTime": created}
        ids = {
            "changeKey": secrets.token_urlsafe(12),
            "internetMessageId": f"<{key}@{domain}>",
        }
        return Message(key, self.owner_id, {**times, **ids, **checked(body)})


def need_mailbox(call: Call) -> Box:
    """Raises GraphError: 404 for an unknown user or one without a mailbox, 403 for one the app may not use."""
    key, world = call.keys["user"], call.world
    user = world.directory.find_user(key)
    if user is None:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")
    allowed = world.settings.mail.allowed_mailboxes
    names = {user.id.lower(), str(user.get("userPrincipalName")).lower(), str(user.get("mail")).lower()}
    if allowed is not None and not names & {name.lower() for name in allowed}:
        raise mail_denied()
    if user.id.lower() not in world.directory.mailboxes:
        text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
    address = user.get("mail") or user.get("userPrincipalName")
    return Box(call, user.id, str(address), world.mailboxes[user.id.lower()])


def checked(body: Json) -> Json:
    """The properties of a message body. Raises GraphError: 400 for an unknown property, a header that is no x-header,
    a malformed extended property."""
    properties = {name: value for name, value in body.items() if "@" not in name}
    for name in properties:
        if name not in _WRITABLE:
            text = f"The property '{name}' does not exist on type 'microsoft.graph.message'."
            wanted = "Make sure to only use property names that are defined by the type."
            raise GraphError(400, "RequestBodyRead", f"{text} {wanted}")
    for name in (*_RECIPIENTS, "replyTo"):
        for recipient in properties.get(name) or []:
            if not isinstance(recipient, dict) or not isinstance(recipient.get("emailAddress"), dict):
                raise GraphError(400, "RequestBodyRead", f"Invalid value for property '{name}'.")
    headers = properties.get("internetMessageHeaders") or []
    if len(headers) > _MAX_HEADERS or any(
        not str(header.get("name", "")).lower().startswith("x-") for header in headers
    ):
        text = "The internet message header name should start with 'x-' or 'X-', with at most five headers."
        raise GraphError(400, "InvalidInternetMessageHeader", text)
    for extended in properties.get("singleValueExtendedProperties") or []:
        if not isinstance(extended, dict) or not _PROPERTY_ID.fullmatch(str(extended.get("id", ""))):
            raise GraphError(400, "ErrorInvalidPropertyId", "The extended property id is not valid.")
    return properties


def send(box: Box, message: Message, *, keep: bool) -> None:
    """Send a message to its recipients and, if it is kept, move it to Sent Items. Raises GraphError: 400 without
    recipients or for a message already sent (switch), 429 at a limit."""
    call, mailbox = box.call, box.mailbox
    rules = call.world.settings.mail
    if not message.is_draft and rules.send_again == "refuse":
        raise GraphError(400, "ErrorInvalidOperation", "The message is not a draft and cannot be sent.")
    recipients = _addresses(message)
    if not recipients:
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    count_sent(call, mailbox, len(recipients))
    sent = stamp()
    message.is_draft = False
    message.properties |= {"sentDateTime": sent, "receivedDateTime": sent, "lastModifiedDateTime": sent}
    body: Json = message.properties.get("body") or {}
    call.world.observations.mails.append(
        Mail(
            kind="message",
            sender=box.address,
            to=recipients,
            subject=message.properties.get("subject") or "",
            body=body.get("content") or "",
            content_type=str(body.get("contentType") or "text").lower(),
            sent=sent,
            message_id=message.immutable_id,
        )
    )
    if message.key not in mailbox.messages:
        if keep:
            mailbox.add(message)
    elif keep and rules.sent_copy:
        mailbox.move(message)
        call.world.new.announce(message.key)
    else:
        mailbox.remove(message)


def shown(box: Box, message: Message, extra: tuple[str, ...] = ()) -> Json:
    """The message as Graph shows it; headers and extended properties only when named in `extra`."""
    properties = message.properties
    body: Json = properties.get("body") or {"contentType": "text", "content": ""}
    sender: Json = {"emailAddress": {"name": box.address, "address": box.address}}
    created = properties["createdDateTime"]
    whole: dict[str, Any] = {
        "@odata.etag": f'W/"{properties["changeKey"]}"',
        "id": message.immutable_id if wants_immutable(box.call) else message.regular_id,
        **TABLES["message"],
        "receivedDateTime": created,
        "sentDateTime": created,
        "sender": sender,
        "from": sender,
        "bodyPreview": str(body.get("content") or "")[:255],
        "parentFolderId": folder_id(message.owner_id, "drafts" if message.is_draft else "sentitems"),
        "conversationId": f"AAQk{message.key}",
    }
    whole |= {name: value for name, value in properties.items() if name not in _ONLY_WHEN_ASKED}
    whole |= {name: properties[name] for name in extra if name in properties}
    whole["body"] = {"contentType": str(body.get("contentType") or "text").lower(), "content": body.get("content")}
    return whole | {"isDraft": message.is_draft}


def wants_immutable(call: Call) -> bool:
    return 'idtype="immutableid"' in call.headers.get("prefer", "").replace(" ", "").lower()


def _addresses(message: Message) -> list[str]:
    recipients = [each for name in _RECIPIENTS for each in message.properties.get(name) or []]
    return [str(address) for each in recipients if (address := each["emailAddress"].get("address"))]
