"""Which rules an account breaks in the groups it is a guest of. Pure: everything known comes in."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.audits.model.findings import Finding
from shared.core.audit_rules import Rule
from shared.core.ids import GroupId, UserId
from shared.membership.model.accounts import Subject
from shared.membership.model.apps import AppRecord, Policy


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """How audits judge where an app's policy says nothing else.

    `redeem_within`: how long an invitation may stay unaccepted. `sign_in_within`: how long a guest may stay
    away. `settling`: how long after a change of Guestlist's own nothing is found missing, as the directory lags and
    work is under way. `stuck_after`: how long work may stay in one state. `kept`: how long
    findings stay; the numbers of an audit, and the trail, stay for ever."""

    redeem_within: timedelta = timedelta(days=30)
    sign_in_within: timedelta = timedelta(days=90)
    settling: timedelta = timedelta(hours=1)
    stuck_after: timedelta = timedelta(hours=6)
    kept: timedelta = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class GuestContext:
    """What judging guests needs besides the guests. `began_at` is when the audit began to ask the directory: what
    Guestlist did since, or less than the settling time before, may not have been seen. `twins` are, for an account,
    the others of the same person."""

    apps: Mapping[GroupId, AppRecord]
    began_at: datetime
    settings: AuditSettings
    twins: Mapping[UserId, Collection[Subject]]


def evaluate_guest(subject: Subject, context: GuestContext) -> list[Finding]:
    """What this account breaks, in every group of ours; where Guestlist is at work on it, nothing."""
    if subject.is_group:
        return [_finding(Rule.NESTED_GROUP, subject, group, context, "") for group in _ours(subject.groups, context)]
    found: list[Finding] = []
    for group in _ours({*subject.groups, *subject.expectations}, context):
        if not _is_settled(subject, group, context):
            continue
        found += [_finding(rule, subject, group, context, why) for rule, why in _broken(subject, group, context)]
    return found


def _ours(groups: Collection[GroupId], context: GuestContext) -> list[GroupId]:
    return sorted(g for g in groups if g in context.apps)


def _is_settled(subject: Subject, group: GroupId, context: GuestContext) -> bool:
    expected = subject.expectations.get(group)
    if group in subject.in_motion:
        return False
    return expected is None or expected.at <= context.began_at - context.settings.settling


def _broken(subject: Subject, group: GroupId, context: GuestContext) -> Iterator[tuple[Rule, str]]:
    expected, is_member = subject.expectations.get(group), group in subject.groups and not subject.gone
    if not is_member:
        if expected is not None and expected.holds:
            since = f"made a member on {expected.at:%Y-%m-%d}"
            is_there = subject.known and not subject.gone
            yield (Rule.MEMBERSHIP_MISSING if is_there else Rule.ACCOUNT_MISSING), since
        return
    if not subject.known or not subject.is_guest:
        return  # An employee, or an account that another page of the directory has not shown yet.
    if expected is None or not expected.holds:
        yield (
            Rule.NOT_INVITED,
            "removed through Guestlist before" if expected is not None else "no invitation is known",
        )
    yield from _of_account(subject, context)
    if (last := subject.last_days.get(group)) is not None:
        yield Rule.EXPIRED, f"the last day was {last}"
    if (domain := _refused_domain(subject, context.apps[group].policy)) is not None:
        yield Rule.DOMAIN_BLOCKED, domain
    if others := context.twins.get(subject.id):
        names = ", ".join(sorted(f"{o.name or o.id} ({o.id})" for o in others))
        yield Rule.DUPLICATE, f"the same address has: {names}"


def _of_account(subject: Subject, context: GuestContext) -> Iterator[tuple[Rule, str]]:
    settings, created = context.settings, subject.created_at
    if not subject.enabled:
        yield Rule.ACCOUNT_DISABLED, "sign-in is blocked"
    if subject.accepted is False and created is not None and created <= context.began_at - settings.redeem_within:
        yield Rule.NEVER_REDEEMED, f"invited on {created:%Y-%m-%d}"
    if subject.accepted is not False and (last := subject.inactive) is not None:
        yield Rule.NO_SIGN_IN, f"last signed in on {last:%Y-%m-%d}"


def _refused_domain(subject: Subject, policy: Policy) -> str | None:
    """The domain of the address that the guest was invited by, where the policy does not take it."""
    address = subject.address or next(iter(subject.other_addresses), None)
    domain = (address or "").rpartition("@")[2].lower()
    return domain if domain and not policy.takes(domain) else None


def _finding(rule: Rule, subject: Subject, group: GroupId, context: GuestContext, why: str) -> Finding:
    app = context.apps[group]
    return Finding(
        rule=rule,
        subject=subject.id,
        group=group,
        app=app.app_id,
        name=subject.name or subject.address or subject.id,
        address=subject.address,
        detail=why,
        seen_since=context.began_at,
        group_name=app.group_name,
        app_name=app.name,
    )


def due_at(subject: Subject, settings: AuditSettings) -> datetime | None:
    """When time alone may make a finding of this account; None where it cannot."""
    if subject.gone or not subject.is_guest or subject.accepted is not False or subject.created_at is None:
        return None
    return subject.created_at + settings.redeem_within
