"""Audits: runs, findings, remedies, the trail, and an app's policy."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import field

from shared.audits.model import records
from shared.audits.model.report import by_kind
from shared.core import audit_rules
from shared.core.audit_rules import RULES, SEVERITIES, Rule
from shared.core.records import ChangeLogEntry as LoggedChange
from shared.core.words import word_of
from shared.http import deprecation
from shared.http.schemas import Answer, Body, decode
from shared.membership.model.apps import AuditPolicy


class Audit(Answer):
    """A run of the audit. `state` is reading, loading-history, evaluating or planning while it runs, then done or
    failed.
    Counts are there when it is done."""

    id: str
    phase: str = field(name="state")
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    apps: int
    full: bool = field(name="isFull")
    findings: int | None
    by_severity: dict[str, int]
    by_rule: dict[str, int]
    detail: str | None
    report: str
    csv: str


class Audits(Answer):
    """Audits, the newest first; `nextLink` is there while there are more."""

    value: list[Audit]
    next_link: str | None


class Finding(Answer):
    """One rule that one guest, owner, group, app or work breaks. `subject` is its object id; `seenSince` is when an
    audit first saw it."""

    id: str
    severity: str
    rule: str
    title: str
    explanation: str
    advice: str
    subject: str
    name: str
    address: str | None
    detail: str
    group: str | None = field(name="groupId")
    group_name: str
    app: str | None = field(name="appId")
    app_name: str
    seen_since: datetime


class Findings(Answer):
    """Findings, the worst first; `nextLink` is there while there are more. `auditId` is null where there was no audit
    yet."""

    audit_id: str | None
    value: list[Finding]
    next_link: str | None


class Plan(Answer):
    """What an audit means to do, or has done, in one app: `planned` waits for an administrator because policy asks
    for a dry run, `held` because it would touch too many guests."""

    audit: str = field(name="auditId")
    app: str = field(name="appId")
    app_name: str
    group: str = field(name="groupId")
    state: str
    touched: int
    guests: int
    since: datetime
    by: str
    detail: str | None


class Plans(Answer):
    """What an audit means to do in each app."""

    value: list[Plan]


class Action(Answer):
    """One remedy for one guest, or a mail to one owner. `requestId` is Microsoft Graph's."""

    id: str
    remedy: str
    rule: str
    subject: str = field(name="userId")
    name: str
    address: str | None
    state: str
    at: datetime | None
    before: str | None
    after: str | None
    detail: str | None
    request_id: str | None


class Remedies(Answer):
    """A plan and its actions, the strongest remedies first; `nextLink` is there while there are more."""

    plan: Plan
    value: list[Action]
    next_link: str | None


class ChangeLogEntry(Answer):
    """A change of the directory outside of inviting: by which person or rule, what was before and after."""

    at: datetime
    who: str
    what: str
    subject: str = field(name="userId")
    name: str
    group: str | None = field(name="groupId")
    app: str | None = field(name="appId")
    before: str
    after: str
    audit: str | None = field(name="auditId")
    rule: str | None
    request_id: str | None


class ChangeLog(Answer):
    """The trail, the newest first; `nextLink` is there while there is more."""

    value: list[ChangeLogEntry]
    next_link: str | None


class Remedy(StrEnum):
    """What Guestlist may do about a finding, by the names that `shared.core.audit_rules.Remedy` has them under."""

    REPORT = "report"
    NOTIFY_OWNER = "notify-owner"
    RESEND = "resend"
    REMOVE = "remove"
    BLOCK = "block"
    DELETE = "delete"

    @classmethod
    def _missing_(cls, value: object) -> "Remedy | None":
        """One that the version before called otherwise, as rows do."""
        found = next((cls[known.name] for known in audit_rules.Remedy if known.value == value), None)
        if found is not None:
            deprecation.note(str(value))
        return found


class Policy(Body):
    """What audits do about an app's findings. `remedies` names a remedy for a rule; `autoApply` false means that they
    are planned only. `maxGuests` and `maxPercent` are what one audit may touch. With `skipGuestsWithOtherAccess`
    nobody is touched who has another group, app or a directory role; who holds a role is never blocked or deleted. An
    invitation is sent again after `resendAfterDays` at the soonest."""

    old_names: ClassVar[Mapping[str, str]] = {
        "carryOut": "autoApply",
        "mostGuests": "maxGuests",
        "mostPercent": "maxPercent",
        "spareOthers": "skipGuestsWithOtherAccess",
        "sendAgainAfterDays": "resendAfterDays",
    }
    remedies: dict[Rule, Remedy] = field(default_factory=dict)
    auto_apply: bool = False
    max_guests: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    max_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    skip_guests_with_other_access: bool = True
    resend_after_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 14


def audit(found: records.Audit) -> Audit:
    path = f"/api/audits/{found.id}"
    counts = found.counts
    return Audit.of(
        found,
        phase=word_of(found.phase),
        findings=counts.get("findings", 0) if found.phase is records.Phase.DONE else None,
        by_severity={s.value: n for s in SEVERITIES if (n := counts.get(f"severity:{s.value}", 0))},
        by_rule=by_kind(counts, "rule"),
        report=f"{path}/report.html",
        csv=f"{path}/findings.csv",
    )


def finding(found: records.Finding) -> Finding:
    facts = RULES[found.rule]
    return Finding.of(found, title=facts.title, explanation=facts.explanation, advice=facts.advice)


def findings(audit_id: str | None, found: Sequence[records.Finding], next_link: str | None) -> Findings:
    return Findings(audit_id, [finding(f) for f in found], next_link)


def actions(of: records.Plan, found: Sequence[records.RemedyAction], next_link: str | None) -> Remedies:
    value = [Action.of(a, remedy=word_of(a.remedy), state=word_of(a.state)) for a in found]
    return Remedies(Plan.of(of), value, next_link)


def change_log_page(found: Sequence[LoggedChange], next_link: str | None) -> ChangeLog:
    return ChangeLog([ChangeLogEntry.of(e, what=word_of(e.what)) for e in found], next_link)


def policy(found: AuditPolicy) -> Policy:
    remedies_ = {rule: Remedy[remedy.name] for rule, remedy in found.remedies.items()}
    return Policy(**(msgspec.structs.asdict(found) | {"remedies": remedies_}))


def decode_policy(body: bytes) -> AuditPolicy:
    """Raises Refused `body-invalid`."""
    found = decode(Policy, body)
    remedies_ = {rule: audit_rules.Remedy[remedy.name] for rule, remedy in found.remedies.items()}
    return AuditPolicy(**(msgspec.structs.asdict(found) | {"remedies": remedies_}))
