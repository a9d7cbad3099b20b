"""The join request: somebody outside asks to be let into a group; an owner's yes makes it an invitation.

An owner never sees a request whose address is not proven. The state table is data, as that of invitations is.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from shared.core.addresses import Address
from shared.core.ids import GroupId, InvitationId, RequestId, UserId
from shared.core.personal import People, Personal, Redaction, Says
from shared.core.reasons import Reason


class RequestState(StrEnum):
    """How far a join request is."""

    UNVERIFIED = "unproven"
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RequestStateFacts:
    """`meaning` in a person's words, and the states that may follow."""

    meaning: str
    followed_by: frozenset[RequestState]


REQUEST_STATES: dict[RequestState, RequestStateFacts] = {
    # A mail with a link goes to the address. Nobody but its reader knows of the request.
    RequestState.UNVERIFIED: RequestStateFacts(
        "The address is to be confirmed with the link in the mail.",
        # Where the policy lets everybody in, the proof is all that is needed.
        frozenset({RequestState.PENDING, RequestState.APPROVED, RequestState.EXPIRED}),
    ),
    RequestState.PENDING: RequestStateFacts(
        "An owner of the group decides.",
        frozenset({RequestState.APPROVED, RequestState.DECLINED, RequestState.EXPIRED}),
    ),
    RequestState.APPROVED: RequestStateFacts(
        "The request was approved, and an invitation made of it.",
        # Back to pending where who decided may not any more before the invitation is made.
        frozenset({RequestState.PENDING, RequestState.FAILED, RequestState.UNVERIFIED}),
    ),
    RequestState.DECLINED: RequestStateFacts("The request was declined.", frozenset({RequestState.UNVERIFIED})),
    RequestState.EXPIRED: RequestStateFacts(
        "Nobody confirmed or decided in time; the guest may ask again.", frozenset({RequestState.UNVERIFIED})
    ),
    # Approved, and then the directory or the policy refused the invitation. An owner may approve again.
    RequestState.FAILED: RequestStateFacts(
        "The request was approved, but the guest cannot be invited; the reason says why.",
        frozenset({RequestState.APPROVED, RequestState.DECLINED, RequestState.UNVERIFIED}),
    ),
}


class RequestMail(StrEnum):
    """Mails that a request may be due."""

    PROOF = "proof"
    DECLINED = "declined"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked anew after a request had come to its end, by whoever: it is nothing before its code, which went
    to the address, comes back."""

    code: str
    app_name: str
    requested_at: datetime
    expires_at: datetime
    display_name: str | None = None
    reason_given: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """One request of one address to one group.

    `code` is the secret of the link in the mail. `mail` is the mail that is due, `mails` counts those there were,
    so that each has a key of its own; `mail_handle` names the one that was prepared, `mail_since` says when that
    was first attempted, and `claimed_until` keeps other deliveries off. `to_tell` was written by older versions, and
    tells nothing. `again` stands beside what was decided until it is proven. `decided_by` is None where the policy
    decided. `reason` is set where it
    failed, and where a decision was taken back.
    """

    id: RequestId
    group: GroupId
    address: Annotated[Address, Personal("who asked", says=Says.ADDRESS)]
    code: Annotated[str, Personal("who asked")]
    app_name: str
    requested_at: datetime
    updated_at: datetime
    expires_at: datetime
    state: RequestState = RequestState.UNVERIFIED
    display_name: Annotated[str | None, Personal("who asked")] = None
    reason_given: Annotated[str | None, Personal("who asked")] = None
    language: Annotated[str | None, Personal("who asked")] = None
    proven_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: Annotated[UserId | None, Personal("who decided", Redaction.PSEUDONYM, Says.USER)] = None
    decided_by_name: Annotated[str, Personal("who decided", Redaction.ERASED, Says.NAME)] = ""
    note: Annotated[str | None, Personal("who asked")] = None
    invitation: Annotated[InvitationId | None, Personal("who asked")] = None
    reason: Reason | None = None
    detail: Annotated[str | None, Personal("who asked")] = None
    mail: RequestMail | None = None
    mails: int = 0
    mail_handle: Annotated[str | None, Personal("who asked")] = None
    mail_since: datetime | None = None
    claimed_until: datetime | None = None
    to_tell: Annotated[tuple[UserId, ...], People("who is to be told")] = ()
    again: Annotated[Asked | None, Personal("who asked")] = None

    @property
    def mail_key(self) -> str:
        """Unique to each mail for ever."""
        return f"{self.group}-{self.id}-{self.mails}"

    @property
    def is_open(self) -> bool:
        """Something is still to happen by itself: a mail, an expiry, an invitation to be made."""
        waits = self.state in (RequestState.UNVERIFIED, RequestState.PENDING)
        return waits or self.mail is not None or self.is_unfulfilled or self.again is not None

    @property
    def unproven(self) -> "JoinRequest | None":
        """What waits for its address to be proven: this request, or the one that was asked anew and would take its
        place; None where nothing does."""
        if self.state is RequestState.UNVERIFIED:
            return self
        if self.again is None:
            return None
        asked = {each.name: getattr(self.again, each.name) for each in fields(Asked)}
        return JoinRequest(
            self.id, self.group, self.address, updated_at=self.again.requested_at, mails=self.mails, **asked
        )

    @property
    def is_unfulfilled(self) -> bool:
        return self.state is RequestState.APPROVED and self.invitation is None


def request_id(group: GroupId, address: Address) -> RequestId:
    return RequestId(sha256(f"{group}\n{address.key}".encode()).hexdigest()[:22])


def transition(request: JoinRequest, state: RequestState, now: datetime, **changes: Any) -> JoinRequest:
    """The next version of a request; `changes` are other fields. Staying in a state is allowed.

    Raises:
        ValueError: the state table does not lead there.
    """
    if state is not request.state and state not in REQUEST_STATES[request.state].followed_by:
        raise ValueError(f"{request.state} is not followed by {state}")
    return replace(request, state=state, updated_at=now, **changes)


def with_mail(request: JoinRequest, mail: RequestMail, now: datetime) -> JoinRequest:
    """The request with a mail due; one that was due and not sent is dropped for it."""
    return replace(
        request,
        mail=mail,
        mails=request.mails + 1,
        mail_handle=None,
        mail_since=None,
        claimed_until=None,
        updated_at=now,
    )
