"""Bodies of audits: runs, findings, remedies, the trail, and an app's policy."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from shared.api.bodies import decode
from shared.domain.audits import findings as domain
from shared.domain.audits import records, remedies, trail
from shared.domain.audits.policy import AuditPolicy
from shared.domain.audits.report import by_kind
from shared.domain.audits.rules import RULES, SEVERITIES, Remedy, Rule


class _Answer(msgspec.Struct, rename="camel"):
    """A part of an answer; absent values are null."""


class _Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A part of a body; unknown fields are refused."""


class Audit(_Answer):
    """A run of the audit. `state` is reading, recalling, judging or planning while it runs, then done or failed.
    Counts are there when it is done."""

    id: str
    state: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    apps: int
    is_full: bool
    findings: int | None
    by_severity: dict[str, int]
    by_rule: dict[str, int]
    detail: str | None
    report: str
    csv: str


class Audits(_Answer):
    """Audits, the newest first; `nextLink` is there while there are more."""

    value: list[Audit]
    next_link: str | None


class Finding(_Answer):
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
    group_id: str | None
    group_name: str
    app_id: str | None
    app_name: str
    seen_since: datetime


class Findings(_Answer):
    """Findings, the worst first; `nextLink` is there while there are more. `auditId` is null where there was no audit
    yet."""

    audit_id: str | None
    value: list[Finding]
    next_link: str | None


class Plan(_Answer):
    """What an audit means to do, or has done, in one app: `planned` waits for an administrator because policy asks
    for a dry run, `held` because it would touch too many guests."""

    audit_id: str
    app_id: str
    app_name: str
    group_id: str
    state: str
    touched: int
    guests: int
    since: datetime
    by: str
    detail: str | None


class Plans(_Answer):
    """What an audit means to do in each app."""

    value: list[Plan]


class Action(_Answer):
    """One remedy for one guest, or a mail to one owner. `requestId` is Microsoft Graph's."""

    id: str
    remedy: str
    rule: str
    user_id: str
    name: str
    address: str | None
    state: str
    at: datetime | None
    before: str | None
    after: str | None
    detail: str | None
    request_id: str | None


class Remedies(_Answer):
    """A plan and its actions, the strongest remedies first; `nextLink` is there while there are more."""

    plan: Plan
    value: list[Action]
    next_link: str | None


class TrailEntry(_Answer):
    """A change of the directory outside of inviting: by whom or by which rule, what was before and after."""

    at: datetime
    who: str
    what: str
    user_id: str
    name: str
    group_id: str | None
    app_id: str | None
    before: str
    after: str
    audit_id: str | None
    rule: str | None
    request_id: str | None


class Trail(_Answer):
    """The trail, the newest first; `nextLink` is there while there is more."""

    value: list[TrailEntry]
    next_link: str | None


class Policy(_Body):
    """What audits do about an app's findings. `remedies` names a remedy for a rule; `carryOut` false means that they
    are planned only. `mostGuests` and `mostPercent` are what one audit may touch. With `spareOthers` nobody is
    touched who has another group, app or a directory role; who holds a role is never blocked or deleted. An
    invitation is sent again after `sendAgainAfterDays` at the soonest."""

    remedies: dict[Rule, Remedy] = {}
    carry_out: bool = False
    most_guests: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    most_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    spare_others: bool = True
    send_again_after_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 14


def audit(found: records.Audit) -> Audit:
    path = f"/api/audits/{found.id}"
    counts = found.counts
    return Audit(
        id=found.id,
        state=found.phase.value,
        started_at=found.started_at,
        started_by=found.started_by,
        ended_at=found.ended_at,
        apps=found.apps,
        is_full=found.full,
        findings=counts.get("findings", 0) if found.phase is records.Phase.DONE else None,
        by_severity={s.value: n for s in SEVERITIES if (n := counts.get(f"severity:{s.value}", 0))},
        by_rule=by_kind(counts, "rule"),
        detail=found.detail,
        report=f"{path}/report.html",
        csv=f"{path}/findings.csv",
    )


def finding(found: domain.Finding) -> Finding:
    facts = RULES[found.rule]
    return Finding(
        id=found.id,
        severity=facts.severity.value,
        rule=found.rule.value,
        title=facts.title,
        explanation=facts.explanation,
        advice=facts.advice,
        subject=found.subject,
        name=found.name,
        address=found.address,
        detail=found.detail,
        group_id=found.group,
        group_name=found.group_name,
        app_id=found.app,
        app_name=found.app_name,
        seen_since=found.seen_since,
    )


def findings(audit_id: str | None, found: Sequence[domain.Finding], next_link: str | None) -> Findings:
    return Findings(audit_id, [finding(f) for f in found], next_link)


def plan(found: remedies.Plan) -> Plan:
    return Plan(
        audit_id=found.audit,
        app_id=found.app,
        app_name=found.app_name,
        group_id=found.group,
        state=found.state.value,
        touched=found.touched,
        guests=found.guests,
        since=found.since,
        by=found.by,
        detail=found.detail,
    )


def actions(of: remedies.Plan, found: Sequence[remedies.Action], next_link: str | None) -> Remedies:
    value = [
        Action(
            id=a.id,
            remedy=a.remedy.value,
            rule=a.rule.value,
            user_id=a.subject,
            name=a.name,
            address=a.address,
            state=a.state.value,
            at=a.at,
            before=a.before,
            after=a.after,
            detail=a.detail,
            request_id=a.request_id,
        )
        for a in found
    ]
    return Remedies(plan(of), value, next_link)


def trail_page(found: Sequence[trail.TrailEntry], next_link: str | None) -> Trail:
    value = [
        TrailEntry(
            at=e.at,
            who=e.who,
            what=e.what,
            user_id=e.subject,
            name=e.name,
            group_id=e.group,
            app_id=e.app,
            before=e.before,
            after=e.after,
            audit_id=e.audit,
            rule=e.rule,
            request_id=e.request_id,
        )
        for e in found
    ]
    return Trail(value, next_link)


def policy(found: AuditPolicy) -> Policy:
    return Policy(
        remedies=dict(found.remedies),
        carry_out=found.carry_out,
        most_guests=found.most,
        most_percent=found.most_percent,
        spare_others=found.spare_others,
        send_again_after_days=found.again_after_days,
    )


def decode_policy(body: bytes) -> AuditPolicy:
    """Raises Refused `body-invalid`."""
    wanted = decode(Policy, body)
    remedies_of: Mapping[Rule, Remedy] = wanted.remedies
    return AuditPolicy(
        remedies=remedies_of,
        carry_out=wanted.carry_out,
        most=wanted.most_guests,
        most_percent=wanted.most_percent,
        spare_others=wanted.spare_others,
        again_after_days=wanted.send_again_after_days,
    )
