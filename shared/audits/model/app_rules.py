"""Which rules a group and its app break. Pure: everything known comes in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.audits.model.findings import Finding
from shared.core.audit_rules import Rule
from shared.core.directory import CERTIFICATE_WARNING, Application, DirectoryUser, GroupFacts
from shared.membership.model.apps import AppRecord


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
    found = [*_group(truth), *(_owners(truth) if truth.group else ()), *_app(record, truth, now)]
    return [
        Finding(
            rule=rule,
            subject=subject or (record.service_principal if rule in _OF_THE_APP else record.group),
            group=record.group,
            app=record.app_id,
            name=name or (record.name if rule in _OF_THE_APP else record.group_name),
            detail=detail,
            seen_since=now,
            group_name=record.group_name,
            app_name=record.name,
        )
        for rule, subject, name, detail in found
    ]


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
