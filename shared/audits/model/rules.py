"""Which rules an account breaks in the groups it is a guest of, and which a group and its app break. Pure: everything
known comes in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.audits.model.records import Finding
from shared.core.audit_rules import Rule
from shared.core.directory import CERTIFICATE_WARNING, Application, DirectoryUser, GroupFacts
from shared.core.ids import GroupId, UserId
from shared.core.records import StuckWork
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
        found = [(group, Rule.NESTED_GROUP, "") for group in _ours(subject.groups, context)]
    else:
        ours = _ours({*subject.groups, *subject.expectations}, context)
        settled = [group for group in ours if _is_settled(subject, group, context)]
        found = [(group, rule, why) for group in settled for rule, why in _broken(subject, group, context)]
    name, at = subject.name or subject.address or subject.id, context.began_at
    return [_finding(context.apps[g], rule, subject.id, name, why, at, subject.address) for g, rule, why in found]


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
        yield Rule.NOT_INVITED, "removed through Guestlist before" if expected else "no invitation is known"
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


def _finding(
    app: AppRecord, rule: Rule, subject: str, name: str, detail: str, at: datetime, address: str | None = None
) -> Finding:
    return Finding(rule, subject, app.group, app.app_id, name, detail, at, address, app.group_name, app.name)


def due_at(subject: Subject, settings: AuditSettings) -> datetime | None:
    """When time alone may make a finding of this account; None where it cannot."""
    if subject.gone or not subject.is_guest or subject.accepted is not False or subject.created_at is None:
        return None
    return subject.created_at + settings.redeem_within


@dataclass(frozen=True, slots=True)
class AppTruth:
    """What the directory says of an app that is set up; None for a group or an app that is gone.

    `owners` are those of the group. `is_assigned` tells whether the group has a role on the app. `wants_saml` is what
    the setup asked for; `differences` are what its verification finds changed, in a person's words.
    """

    group: GroupFacts | None
    owners: Sequence[DirectoryUser]
    app: Application | None
    is_assigned: bool
    wants_saml: bool
    differences: Sequence[str] = ()


def find_app_drift(record: AppRecord, truth: AppTruth, now: datetime) -> list[Finding]:
    """What the app, its group and the group's owners break."""
    found, owners = list[Finding](), _owners(truth) if truth.group is not None else ()
    for rule, subject, name, detail in (*_group(truth), *owners, *_app(record, truth, now)):
        own = (record.service_principal, record.name) if rule in _OF_THE_APP else (record.group, record.group_name)
        found.append(_finding(record, rule, subject or own[0], name or own[1], detail, now))
    return found


_OF_THE_APP = {Rule.APP_MISSING, Rule.NOT_ASSIGNED, Rule.SIGN_ON_OFF, Rule.CERTIFICATE_ENDS, Rule.SETUP_DRIFT}

type _Broken = tuple[Rule, str | None, str | None, str]
"""Rule, subject and name (None: the group's or the app's own), detail."""


def _group(truth: AppTruth) -> Iterator[_Broken]:
    group = truth.group
    if group is None:
        yield Rule.GROUP_MISSING, None, None, "the directory does not know it any more"
        return
    if "DynamicMembership" in group.group_types:
        yield Rule.GROUP_DYNAMIC, None, None, "a rule decides about its members"
    if group.synced:
        yield Rule.GROUP_SYNCED, None, None, "another directory decides about its members"
    if group.role_assignable:
        yield Rule.GROUP_ROLE_ASSIGNABLE, None, None, "it can be assigned to directory roles"


def _owners(truth: AppTruth) -> Iterator[_Broken]:
    if not truth.owners:
        yield Rule.NO_OWNER, None, None, "the group has no owner"
    elif len(truth.owners) == 1:
        yield Rule.ONE_OWNER, None, None, f"only {truth.owners[0].name}"
    for person in truth.owners:
        if person.is_guest:
            yield Rule.OWNER_GUEST, person.id, person.name, "a guest owns the group"
        if not person.enabled:
            yield Rule.OWNER_LEFT, person.id, person.name, "sign-in of the account is blocked"


def _app(record: AppRecord, truth: AppTruth, now: datetime) -> Iterator[_Broken]:
    app = truth.app
    if app is None:
        yield Rule.APP_MISSING, None, None, "the directory does not know it any more"
        return
    if truth.group is not None and not truth.is_assigned:
        yield Rule.NOT_ASSIGNED, None, None, f"'{record.group_name}' is not among its users and groups"
    if truth.wants_saml and app.sign_on_mode != "saml":
        yield Rule.SIGN_ON_OFF, None, None, f"single sign-on is '{app.sign_on_mode or 'off'}', not SAML"
    elif app.sign_on_mode == "saml":
        certificate = app.certificate(now)
        if certificate is None:
            yield Rule.CERTIFICATE_ENDS, None, None, "the app has no signing certificate"
        elif certificate.ends_at <= now + CERTIFICATE_WARNING:
            verb = "ended" if certificate.ends_at <= now else "ends"
            yield Rule.CERTIFICATE_ENDS, None, None, f"it {verb} on {certificate.ends_at:%Y-%m-%d}"
    if truth.differences:
        yield Rule.SETUP_DRIFT, None, None, "; ".join(truth.differences)


def stuck(work: StuckWork, now: datetime, app_name: str = "") -> Finding:
    """Guestlist's own work that has stalled."""
    detail = f"{work.what}: '{work.state}' since {work.since:%Y-%m-%d %H:%M} UTC"
    return Finding(Rule.STUCK, work.key, work.group, None, work.name, detail, now, work.address, app_name=app_name)
