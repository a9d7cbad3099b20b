"""Exchange Online's limits for a mailbox (graph contract "More operations"): requests, requests at once, messages a
minute, recipients a day."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from ...call import Call
from ...clock import monotonic
from ...errors import GraphError
from ...mailbox import Mailbox, forget_before

_MINUTE_S, _TEN_MINUTES_S, _DAY_S = 60.0, 600.0, 86_400.0
_OPERATIONS = {"messages", "sendmail"}


@contextmanager
def lane(call: Call) -> Iterator[None]:
    """Holds one of the mailbox's places for the time of a request, whatever it waits for.

    Raises:
        GraphError: 429 when the limits are on and reached.
    """
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
    return None if user is None else call.world.mailboxes.of(user.id)


def _limited(code: str, wait_s: float, message: str) -> GraphError:
    return GraphError(429, code, message, headers={"Retry-After": str(max(1, math.ceil(wait_s)))})
