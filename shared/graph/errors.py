"""What Graph's errors mean: the one place that knows fragments of its messages.

Microsoft tells clients to branch on codes; several conditions share one code, so status, code and a stable
fragment are matched together. Sources: graph contract "Invitations", "Groups", "Errors"; a fragment marked UNVERIFIED
there is marked so here.
"""

import re

from shared.core.errors import DirectoryBusy, DirectoryLagging, DirectoryUnsure, Refused
from shared.core.ids import UserId
from shared.core.reasons import Reason
from shared.core.results import (
    Blocked,
    Busy,
    Declined,
    Exists,
    Gone,
    InviteAnswer,
    JoinAnswer,
    Joined,
    Lagging,
    LeaveAnswer,
    Missing,
    Unknown,
    WriteAnswer,
    Written,
)
from shared.graph.response import Response

_BUSY = {429, 503}
_AMBIGUOUS = {408, 409, 412, 500, 502, 504}
"""Statuses after which the work may have been done: 504 may follow a write (graph contract "Throttling"). A conflict
is one of them: what it was with has to be looked at first."""
_LONGEST_WORDS = 500

_EXISTS = re.compile(r"already exists in the directory as object ID:\s*'?([0-9a-f-]{36})", re.IGNORECASE)
_INVITE_REASONS: tuple[tuple[str, Reason], ...] = (
    ("verified domain of this directory", Reason.OWN_DOMAIN),
    ("group email address is not supported", Reason.ADDRESS_OF_GROUP),
    ("cross-tenant access settings", Reason.CROSS_TENANT_BLOCKED),
    ("guest invitations not allowed", Reason.INVITES_SWITCHED_OFF),
    ("primary smtp address is an invalid value", Reason.ADDRESS_REFUSED_BY_DIRECTORY),
    # The address's home directory is not there: a 500, and for good.
    ("unable to find target address", Reason.ADDRESS_REFUSED_BY_DIRECTORY),
)
# UNVERIFIED: Microsoft publishes no text for a domain on the deny list; what speaks of a domain and of its being
# refused counts (switches policies.domainRefusalStatus, -Code, -Message).
_DOMAIN = re.compile(
    r"\bdomains?\b.*\b(blocked|not allowed|denied|policy)\b|\b(blocked|not allowed|denied)\b.*\bdomains?\b",
    re.IGNORECASE | re.DOTALL,
)
_GROUP_REASONS: tuple[tuple[str, Reason], ...] = (
    ("on-premises mastered", Reason.GROUP_SYNCED),
    ("mail-enabled security group", Reason.GROUP_MAIL_ENABLED),
    # UNVERIFIED: that a dynamic group answers 400 at all (switch groups.dynamicRefusal).
    ("dynamic", Reason.GROUP_DYNAMIC),
)
_LAGGING = ("not a valid reference update", "unable to read the company information")
_DUPLICATE = "added object references already exist"
_ASSIGNED = "permission being assigned already exists"
_DENIED = {"Authorization_RequestDenied", "Unauthorized", "ErrorAccessDenied", "AccessDenied"}


def words(response: Response) -> str:
    """The directory's words and the request id, for a person and for Microsoft's support."""
    if response.status == 0:
        return response.trouble
    code, message = response.error
    error = response.body.get("error") if isinstance(response.body, dict) else None
    inner = error.get("innerError") if isinstance(error, dict) else None
    request = response.request_id or (inner.get("request-id") if isinstance(inner, dict) else None)
    short = message if len(message) <= _LONGEST_WORDS else f"{message[: _LONGEST_WORDS - 1]}…"
    said = f"{short or 'no message'} ({response.status}{f' {code}' if code else ''})"
    return f"{said} [request {request}]" if request else said


def grant(permission: str, response: Response) -> str:
    """What to do where a permission is missing, and how the directory said so."""
    return f"Grant {permission} to Guestlist's identity. The directory said: {words(response)}"


def nothing_happened(response: Response) -> Busy | None:
    """Busy where the directory certainly did nothing and may do it later."""
    if response.status == 0 and not response.sent:
        return Busy(None)
    if response.status in _BUSY:
        return Busy(response.retry_after())
    if response.status == 401 and response.error[0] == "InvalidAuthenticationToken":
        return Busy(None)
    return None


def may_have_worked(response: Response) -> bool:
    """A write answered so may have been done all the same."""
    if response.status == 0:
        return response.sent
    return response.status < 400 or response.status in _AMBIGUOUS


def is_permission(response: Response) -> bool:
    """The answer says that a permission is missing; a dynamic or role-assignable group says it as well."""
    code, message = response.error
    return response.status in (401, 403) and (code in _DENIED or "insufficient privileges" in message.lower())


def reading_failed(response: Response, permission: str) -> Exception:
    """The error of a call that only reads. 404 is replication: what is read was there a moment ago."""
    if is_permission(response) or response.status == 403:
        return Refused(Reason.PERMISSION_MISSING, grant(permission, response))
    if 400 <= response.status < 500 and response.status not in {401, 404} | _BUSY | _AMBIGUOUS:
        return Refused(Reason.DIRECTORY_REFUSED, words(response))
    return DirectoryBusy(words(response), retry_after=response.retry_after())


def invite_answer(response: Response) -> InviteAnswer:
    """What an answer to ``POST /invitations`` other than a good 201 means."""
    if busy := nothing_happened(response):
        return busy
    message = response.error[1]
    lowered = message.lower()
    if response.status == 403 and "suspicious activity" in lowered:
        return Blocked(words(response))
    if response.status >= 400 and (found := _EXISTS.search(message)):
        if "blocked from signing in" in lowered:
            return Declined(Reason.ACCOUNT_DISABLED, words(response))
        return Exists(UserId(found[1].lower()))
    for fragment, reason in _INVITE_REASONS:
        if response.status >= 400 and fragment in lowered:
            return Declined(reason, words(response))
    if may_have_worked(response):
        return Unknown(words(response))
    if response.status in (400, 403) and _DOMAIN.search(message):
        return Declined(Reason.DOMAIN_BLOCKED, words(response))
    if is_permission(response):
        return Declined(Reason.PERMISSION_MISSING, grant("User.Invite.All", response))
    # A 400 that nobody has described is permanent; so is another object's having the address as a proxy address.
    reason = Reason.ADDRESS_REFUSED_BY_DIRECTORY if response.status == 400 else Reason.DIRECTORY_REFUSED
    return Declined(reason, words(response))


def join_answer(response: Response, group: str) -> JoinAnswer:
    """What an answer to adding one member means. A refusal for lack of permission is also how a dynamic group
    answers: the caller looks at the group before it believes it."""
    if busy := nothing_happened(response):
        return busy
    lowered = response.error[1].lower()
    if response.status in (200, 201, 204):
        return Joined(before=False, request_id=response.request_id)
    if response.status == 400 and _DUPLICATE in lowered:
        return Joined(before=True, request_id=response.request_id)
    if response.status == 404 and f"'{group.lower()}'" in lowered:
        return Declined(Reason.GROUP_MISSING, words(response))
    if _lags(response):
        return Lagging()
    if not may_have_worked(response):
        for fragment, reason in _GROUP_REASONS:
            if fragment in lowered:
                return Declined(reason, words(response))
    return _not_done(response, "GroupMember.ReadWrite.All")


def leave_answer(response: Response, permission: str) -> LeaveAnswer:
    """What an answer to taking something away means; what is gone already is as good.

    Source: graph contract "Groups", "Remove member": 404, or 400 right after another removal.
    """
    if response.status in (200, 204, 404) or (
        response.status == 400 and "removed object references do not exist" in response.error[1].lower()
    ):
        return Gone(response.request_id)
    return _not_done(response, permission)


def write_answer(response: Response, permission: str) -> WriteAnswer:
    """What an answer to changing or restoring one account means."""
    if response.status in (200, 204):
        return Written(response.request_id)
    if response.status == 404:
        return Missing()
    return _not_done(response, permission)


def _not_done(response: Response, permission: str) -> Busy | Unknown | Declined:
    """What an answer means that is not the one wanted."""
    if busy := nothing_happened(response):
        return busy
    if may_have_worked(response):
        return Unknown(words(response))
    if is_permission(response):
        return Declined(Reason.PERMISSION_MISSING, grant(permission, response))
    return Declined(Reason.DIRECTORY_REFUSED, words(response))


def _lags(response: Response) -> bool:
    """Something that the call refers to is not seen here yet."""
    code, message = response.error
    is_unknown = response.status == 404 or code == "Directory_ObjectNotFound"
    return is_unknown or any(fragment in message.lower() for fragment in _LAGGING)


def require_written(response: Response, permission: str) -> None:
    """Raises where a write of one object did not go through. Raises Refused `permission-missing` naming `permission`,
    or `directory-refused` with the directory's words; DirectoryLagging: something that the write refers to is not
    seen here yet; DirectoryUnsure: it may have been done; DirectoryBusy: it was not done."""
    if response.status in (200, 201, 202, 204):
        return
    answer = _not_done(response, permission)
    if isinstance(answer, Busy):
        raise DirectoryBusy(words(response), retry_after=answer.retry_after)
    if _lags(response):
        raise DirectoryLagging(words(response))
    if isinstance(answer, Unknown):
        raise DirectoryUnsure(answer.what)
    raise Refused(answer.reason, answer.detail)


def is_duplicate(response: Response) -> bool:
    """The link or assignment is there already: what was to be done is done."""
    lowered = response.error[1].lower()
    return response.status == 400 and (_DUPLICATE in lowered or _ASSIGNED in lowered)
