"""The invitation: our record of one guest asked into one group, its states and the way between them.

The state table is data; ``docs/states.md`` is drawn from it. The directory's own words for a guest (pending,
accepted) are kept apart: these states tell how far Guestlist got.

Counters of an import say how many of its records are in which state, and for which reason. They are written in the
transaction that changes the records, so that they are never another number than a recount would give.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from shared.core.addresses import Address
from shared.core.ids import ImportId, InvitationId, UserId
from shared.core.personal import GUEST, Personal, Redaction, Says
from shared.core.reasons import Reason


class State(StrEnum):
    """How far an invitation got."""

    ACCEPTED = "accepted"
    INVITING = "inviting"
    PARKED = "parked"
    INVITED = "invited"
    JOINING = "joining"
    MEMBER = "member"
    MAILING = "mailing"
    MAILED = "mailed"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class StateFacts:
    """`meaning` in a person's words, and the states that may follow."""

    meaning: str
    followed_by: frozenset[State]


STATES: dict[State, StateFacts] = {
    # Written before the answer 202; nothing has been sent.
    State.ACCEPTED: StateFacts(
        "Guestlist has taken the invitation and will send it.",
        frozenset({State.INVITING, State.JOINING, State.PARKED, State.FAILED, State.UNDONE}),
    ),
    # The intent, written before the call that mails: after a crash the guest is looked up, not invited again.
    State.INVITING: StateFacts(
        "The directory is being asked to invite the guest.",
        frozenset({State.ACCEPTED, State.JOINING, State.PARKED, State.FAILED}),
    ),
    # Microsoft's anomaly detection stopped the tenant: nothing failed, it goes on by itself.
    State.PARKED: StateFacts(
        "Invitations of the whole directory are stopped by Microsoft; this one waits and goes on by itself.",
        frozenset({State.INVITING, State.JOINING, State.FAILED, State.UNDONE}),
    ),
    # Written by versions in which another delivery added the guest to the group; read for ever.
    State.INVITED: StateFacts("The guest has an account in the directory.", frozenset({State.JOINING, State.FAILED})),
    State.JOINING: StateFacts("The guest is being added to the group.", frozenset({State.MEMBER, State.FAILED})),
    # The end, unless a mail of Guestlist's own is due.
    State.MEMBER: StateFacts(
        "The guest is a member of the group and can use the app.", frozenset({State.MAILING, State.UNDONE})
    ),
    State.MAILING: StateFacts(
        "The guest is a member; the mail with the welcome message is being sent.",
        frozenset({State.MAILED, State.MEMBER}),
    ),
    State.MAILED: StateFacts(
        "The guest is a member, and the mail with the welcome message was sent.", frozenset({State.UNDONE})
    ),
    State.FAILED: StateFacts("The guest could not be invited; the reason says why.", frozenset()),
    # By a cancellation or the undo of an import, and only what the invitation did.
    State.UNDONE: StateFacts("The invitation was taken back: the guest is no member through it.", frozenset()),
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """One guest asked into one group.

    `message` is the inviter's welcome message. `claimed_until` is set while a delivery works on the row, and while a
    Retry-After runs: until then deliveries keep off. `effect_since` is when the effect under way was first attempted;
    `mail_handle` names the mail once it was prepared. `reason` is set where the state is failed or parked, and on a
    member whose mail could not be sent. `import_id` and `line` (of the file) are set where it came of a bulk import;
    `expires` is the last day of the membership, which the audits watch. With `send_again` a guest who has not
    accepted yet is sent a new mail: Guestlist's own where `message` is set, be it empty.
    """

    id: InvitationId
    address: Annotated[Address, Personal(GUEST, Redaction.ERASED, Says.ADDRESS)]
    display_name: Annotated[str | None, Personal(GUEST, Redaction.GONE)]
    message: Annotated[str | None, Personal(GUEST, Redaction.GONE)]
    language: Annotated[str | None, Personal(GUEST, Redaction.GONE)]
    inviter_id: Annotated[UserId, Personal("who invited", Redaction.PSEUDONYM, Says.USER)]
    inviter_name: Annotated[str, Personal("who invited", Redaction.ERASED, Says.NAME)]
    app_name: str
    direct_link: str
    created_at: datetime
    updated_at: datetime
    state: State = State.ACCEPTED
    reason: Reason | None = None
    detail: Annotated[str | None, Personal(GUEST, Redaction.GONE)] = None
    claimed_until: datetime | None = None
    effect_since: datetime | None = None
    user_id: Annotated[UserId | None, Personal(GUEST, Redaction.GONE, Says.USER)] = None
    redeem_url: Annotated[str | None, Personal(GUEST, Redaction.GONE)] = None
    already_in_directory: bool = False
    already_member: bool = False
    mail_handle: Annotated[str | None, Personal(GUEST, Redaction.GONE)] = None
    import_id: ImportId | None = None
    line: int | None = None
    expires: Annotated[date | None, Personal(GUEST, Redaction.GONE)] = None
    send_again: bool = False

    @property
    def wants_own_mail(self) -> bool:
        """A welcome message is to be carried by Guestlist's own mail; who is a member already gets none, unless it
        is to be sent again."""
        return self.message is not None and (self.send_again or not self.already_member)

    @property
    def is_final(self) -> bool:
        """Nothing more will happen by itself."""
        if self.state in (State.FAILED, State.MAILED, State.UNDONE):
            return True
        return self.state is State.MEMBER and (self.reason is not None or not self.wants_own_mail)

    def is_claimed(self, now: datetime) -> bool:
        """Another delivery is at work on it and has not run out of time, or the directory is not to be asked yet."""
        return self.claimed_until is not None and self.claimed_until > now


def advance(invitation: Invitation, state: State, now: datetime, **changes: Any) -> Invitation:
    """The next version of an invitation; `changes` are other fields. Staying in a state is allowed. The claim is
    released unless `changes` sets it; reason and detail go unless set again.

    Raises ValueError where the state table does not lead there.
    """
    if state is not invitation.state and state not in STATES[invitation.state].followed_by:
        raise ValueError(f"{invitation.state} is not followed by {state}")
    fresh: dict[str, Any] = {"claimed_until": None, "reason": None, "detail": None} | changes
    return replace(invitation, state=state, updated_at=now, **fresh)


def failed(invitation: Invitation, reason: Reason, detail: str | None, now: datetime) -> Invitation:
    """The invitation ended for `reason`. A guest who is a member stays one: then only the mail failed."""
    if invitation.state in (State.MEMBER, State.MAILING):
        return advance(invitation, State.MEMBER, now, reason=Reason.MAIL_NOT_SENT, detail=detail)
    return advance(invitation, State.FAILED, now, reason=reason, detail=detail)


FINAL = "final"


def count(invitations: Iterable[Invitation]) -> Counter[str]:
    """By state, by ``reason:…``, and those at their end as `FINAL`."""
    found: Counter[str] = Counter()
    for invitation in invitations:
        found[invitation.state.value] += 1
        if invitation.reason is not None:
            found[f"reason:{invitation.reason.value}"] += 1
        if invitation.is_final:
            found[FINAL] += 1
    return found


def difference(before: Iterable[Invitation], after: Iterable[Invitation]) -> dict[str, int]:
    """What to add to the counters when records change; keys that stay as they are are left out."""
    change = count(after)
    change.subtract(count(before))
    return {key: n for key, n in change.items() if n}


def added(counts: Mapping[str, int], change: Mapping[str, int]) -> dict[str, int]:
    """The counters after a change; zeros are left out."""
    return {key: n for key in {**counts, **change} if (n := counts.get(key, 0) + change.get(key, 0))}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the counters of an import say at one moment."""

    counts: Mapping[str, int]
    updated_at: datetime | None

    @property
    def written(self) -> int:
        """Rows that have a record."""
        return sum(n for key, n in self.counts.items() if ":" not in key and key != FINAL)

    @property
    def final(self) -> int:
        """Records at their end."""
        return self.counts.get(FINAL, 0)
