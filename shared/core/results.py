"""What the directory answered about one guest among many, in the domain's words.

`request_id` is the directory's own number of the request that did it, where there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.errors import DirectoryBusy, Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Account:
    """An account found by a guest's address. `created_at` is the directory's own time, to the second."""

    id: UserId
    is_guest: bool
    enabled: bool
    pending: bool
    created_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Accounts have the address, and none as its own: only in `where`, a property of the directory. They may be of
    somebody else."""

    ids: frozenset[UserId]
    where: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """No account has this address, as far as the directory shows now."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The directory made the guest (or had it): its account and the link that redeems the invitation."""

    user_id: UserId
    redeem_url: str
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """The address belongs to an account that needs no invitation."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class Joined:
    """The account is a member of the group; `before` where it was one before this call."""

    before: bool
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing was done: the directory throttles or is down. Try again after `retry_after`, where given."""

    retry_after: timedelta | None

    def until(self, now: datetime) -> datetime | None:
        """Before when the directory wants no further call; None where it named no time."""
        return now + self.retry_after if self.retry_after else None


@dataclass(frozen=True, slots=True)
class Lagging:
    """Nothing was done: replication has not brought the account to this corner of the directory yet."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call may or may not have had its effect (cut connection, 504 and the like)."""

    what: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Anomaly detection stopped invitations for the whole tenant; nothing was done."""

    detail: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The directory refused for good; nothing was done. `detail` is for a person."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It is no member, or there is no account, any more."""

    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Written:
    """The account is as asked for."""

    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing that could be changed: no such account, or nothing left of it to be restored."""


@dataclass(frozen=True, slots=True)
class GuestLook:
    """A guest's account as far as it decides whether it may be deleted. `exists` is false for one that is gone."""

    exists: bool = True
    is_guest: bool = True
    pending: bool = False
    enabled: bool = True
    groups: frozenset[GroupId] = frozenset()
    has_apps: bool = False
    has_role: bool = False
    """The account holds a directory role: it administers something, and only a person decides to block or delete
    it."""

    def has_more_than(self, group: GroupId) -> bool:
        """The guest has another group, a directory role, or an app given to the account itself."""
        return self.has_apps or self.has_role or bool(self.groups - {group})


type LeaveAnswer = Gone | Busy | Unknown | Declined
type WriteAnswer = Written | Missing | Busy | Unknown | Declined
type FindAnswer = Account | Lookalike | NotFound | Busy
type InviteAnswer = Invited | Exists | Busy | Unknown | Blocked | Declined
type JoinAnswer = Joined | Busy | Lagging | Unknown | Declined


def require_known(answers: Sequence[LeaveAnswer]) -> None:
    """Raises DirectoryBusy where nobody knows of some what became of them: a repeat goes on."""
    if unknown := [a for a in answers if isinstance(a, Busy | Unknown)]:
        after = max((a.retry_after for a in unknown if isinstance(a, Busy) and a.retry_after), default=None)
        raise DirectoryBusy("the directory is busy", retry_after=after)


def require_gone(answer: LeaveAnswer) -> Gone:
    """For one guest that somebody waits for. Raises Refused: the directory's refusal; DirectoryBusy: a repeat goes
    on."""
    match answer:
        case Busy(retry_after=after):
            raise DirectoryBusy("the directory is busy", retry_after=after)
        case Unknown(what=what):
            raise DirectoryBusy(what)
        case Declined(reason=reason, detail=detail):
            raise Refused(reason, detail)
        case Gone():
            return answer
