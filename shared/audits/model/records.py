"""What is kept of an audit: the run and its parts, what it found, and what it means to do about it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import batched
from typing import Annotated

from shared.core.audit_rules import RULES, SEVERITIES, Remedy, Rule, Severity
from shared.core.ids import AppId, AuditId, GroupId, UserId
from shared.core.personal import SUBJECT, Personal, Redaction, Says


class Phase(StrEnum):
    """What is being done; each phase begins when every task of the one before is done. What Guestlist did is read
    after the directory was: an invitation is written down before it has an effect, so that no member is found whose
    invitation is not there."""

    READING = "reading"
    LOADING_HISTORY = "recalling"
    EVALUATING = "judging"
    PLANNING = "planning"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeltaShard:
    """Up to fifty groups whose members are followed by one token (graph contract "Groups", "Delta"). `since` is the
    audit that read them whole: a member that neither it nor a later one saw is none."""

    groups: tuple[GroupId, ...]
    link: str | None = None
    since: AuditId | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """One run. `sets` and `users_since` say what is followed; with `full` everything known is judged, not only what
    changed. `read_from` is the moment from which Guestlist's own changes are read again. `counts` are there
    when the audit is done. `before` is the last one that came to its end."""

    id: AuditId
    started_at: datetime
    started_by: Annotated[str, Personal("who began it", Redaction.SIGNED, Says.WHO)]
    phase: Phase = Phase.READING
    full: bool = False
    sets: tuple[DeltaShard, ...] = ()
    users_since: AuditId | None = None
    read_from: datetime | None = None
    ended_at: datetime | None = None
    before: AuditId | None = None
    apps: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: str | None = None
    is_tidied: bool = False
    """Its findings were kept long enough, and are gone."""

    @property
    def is_over(self) -> bool:
        return self.phase in (Phase.DONE, Phase.FAILED)

    @property
    def groups_since(self) -> Mapping[GroupId, AuditId]:
        """The audits that read the members of each group whole; this one, where none did before."""
        return {group: s.since or self.id for s in self.sets for group in s.groups}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the last audit that came to its end has read the directory, and which one is running now."""

    running: AuditId | None = None
    running_since: datetime | None = None
    last: AuditId | None = None
    users: str | None = None
    users_since: AuditId | None = None
    sets: tuple[DeltaShard, ...] = ()
    read_from: datetime | None = None
    is_torn: bool = False
    """An audit was given up half-way: the next one judges everything."""


GROUPS_OF_SET = 50


def sets_of(groups: Collection[GroupId], before: Sequence[DeltaShard]) -> tuple[DeltaShard, ...]:
    """The sets to follow now. A set keeps its token as long as one of its groups is wanted; new groups get sets of
    their own, as a token says which groups it is for."""
    wanted = set(groups)
    kept = [s for s in before if s.link is not None and wanted & set(s.groups)]
    fresh = sorted(wanted - {g for s in kept for g in s.groups})
    return (*kept, *(DeltaShard(few) for few in batched(fresh, GROUPS_OF_SET, strict=False)))


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a phase that one message after another works on. `cursor` says where to go on; `restarted` that what
    it followed had to be read whole again."""

    phase: Phase
    name: str
    cursor: str | None = None
    done: bool = False
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is the object id of what it is about (a guest, an owner, a group, an app) or the id of the stuck
    work; `name` and `address` are for people to read. `seen_since` is when an audit first saw it."""

    rule: Rule
    subject: Annotated[str, Personal(SUBJECT, says=Says.WHO)]
    group: GroupId | None
    app: AppId | None
    name: Annotated[str, Personal(SUBJECT)]
    detail: Annotated[str, Personal(SUBJECT)]
    seen_since: datetime
    address: Annotated[str | None, Personal(SUBJECT, says=Says.WHO)] = None
    group_name: str = ""
    app_name: str = ""

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity

    @property
    def id(self) -> str:
        """24 hex digits, the same in every audit that finds it: the severity's place first, so that the worst are
        read first."""
        text = "\n".join((self.rule.value, self.subject, self.group or "", self.app or ""))
        return f"{SEVERITIES.index(self.severity):02x}{sha256(text.encode()).hexdigest()[:22]}"


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many by ``severity:…``, ``rule:…``, ``app:…`` and ``{severity}-of:{app}``."""
    found = Counter[str]()
    for finding in findings:
        found.update([f"severity:{finding.severity.value}", f"rule:{finding.rule.value}"])
        if finding.app:
            found.update([f"app:{finding.app}", f"{finding.severity.value}-of:{finding.app}"])
    return dict(found)


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """What to show of an audit's findings; empty shows all."""

    severity: Severity | None = None
    rule: Rule | None = None
    group: GroupId | None = None
    app: AppId | None = None


TOTAL = "total"
"""The totals of a whole audit."""


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
