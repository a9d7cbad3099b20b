"""What an audit means to do about its findings in one app: written down as a whole before any of it is done."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from shared.audits.model.findings import Finding
from shared.core.audit_rules import Remedy, Rule
from shared.core.ids import AppId, AuditId, GroupId, UserId
from shared.core.personal import SUBJECT, Personal, Redaction, Says


class PlanState(StrEnum):
    """`planned` waits for an admin because policy only asks for a dry run, `held` because it would do too much."""

    PLANNED = "planned"
    HELD = "held"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class ActionState(StrEnum):
    """`started` was begun and may have had its effect; `spared` was found not to be needed, or not allowed, when
    its turn came."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    SPARED = "spared"
    FAILED = "failed"
    UNDONE = "undone"


OPEN = (ActionState.PLANNED, ActionState.STARTED)
TOUCHING = frozenset({Remedy.RESEND, Remedy.REMOVE, Remedy.BLOCK, Remedy.DELETE})
"""What is done to a guest, and counts towards the limits."""
CAN_BE_UNDONE = frozenset({Remedy.REMOVE, Remedy.BLOCK, Remedy.DELETE})
_STRONGEST_FIRST = (Remedy.DELETE, Remedy.BLOCK, Remedy.REMOVE, Remedy.RESEND, Remedy.NOTIFY_OWNER)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an audit means to do in one app. `counts` are actions by state, `touched` the guests that it is about, of
    `guests`; `detail` says why it is held, or was stopped. `since` is when the state was entered, `by` who had it
    carried out; `by_id` is theirs, None where policy did."""

    audit: AuditId
    app: AppId
    group: GroupId
    app_name: str
    state: PlanState
    touched: int
    guests: int
    since: datetime
    by: Annotated[str, Personal("who had it done", Redaction.SIGNED, Says.WHO)]
    detail: str | None = None
    by_id: Annotated[UserId | None, Personal("who had it done", Redaction.PSEUDONYM, Says.USER)] = None


@dataclass(frozen=True, slots=True)
class RemedyAction:
    """One remedy for one guest (or, to tell them, one owner) by one rule. `at` is when it was begun; `before` and
    `after` say in a person's words what was and is; `request_id` is Graph's, for its support and its own log;
    `handle` names a mail that was prepared; `expires` is the last day that the membership had."""

    remedy: Remedy
    rule: Rule
    subject: Annotated[UserId, Personal(SUBJECT, says=Says.WHO)]
    name: Annotated[str, Personal(SUBJECT)]
    address: Annotated[str | None, Personal(SUBJECT, says=Says.WHO)]
    finding: str
    state: ActionState = ActionState.PLANNED
    at: datetime | None = None
    before: str | None = None
    after: str | None = None
    request_id: str | None = None
    detail: Annotated[str | None, Personal(SUBJECT)] = None
    handle: str | None = None
    expires: date | None = None

    @property
    def id(self) -> str:
        """24 hex digits. The strongest remedies come first: who is deleted need not be removed as well."""
        text = f"{self.remedy.value}\n{self.subject}"
        return f"{_STRONGEST_FIRST.index(self.remedy):02x}{sha256(text.encode()).hexdigest()[:22]}"


@dataclass(frozen=True, slots=True)
class Done:
    """The account is as asked for; `after` says how, in a person's words."""

    after: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """It will not be done; a person has to look."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """Try again; `happened` says that it may have been done."""

    until: datetime
    happened: bool = False


type Result = Done | Refusal | NotNow
"""What came of an action, or of taking it back."""


def action_for(finding: Finding, remedy: Remedy) -> RemedyAction | None:
    """None where nothing is done but to report."""
    if remedy is Remedy.REPORT:
        return None
    return RemedyAction(remedy, finding.rule, UserId(finding.subject), finding.name, finding.address, finding.id)
