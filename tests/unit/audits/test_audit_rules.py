"""Each rule on the smallest thing that breaks it, and nothing on what is well."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.audits.model.records import Finding, count
from shared.audits.model.rules import AppTruth, AuditSettings, GuestContext, due_at, evaluate_guest, find_app_drift
from shared.core.audit_rules import RULES, Remedy, Rule, Severity
from shared.core.directory import Application, Certificate, DirectoryUser, GroupFacts
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId, UserId
from shared.membership.model.accounts import ExpectedMembership, Subject
from shared.membership.model.apps import AppRecord, Policy

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)
GROUP, OTHER = GroupId("11111111-1111-1111-1111-111111111111"), GroupId("22222222-2222-2222-2222-222222222222")
GUEST, TWIN = UserId("33333333-3333-3333-3333-333333333333"), UserId("44444444-4444-4444-4444-444444444444")
APP = AppRecord(
    app_id=AppId("55555555-5555-5555-5555-555555555555"),
    name="Contoso Expenses",
    service_principal=PrincipalId("66666666-6666-6666-6666-666666666666"),
    group=GROUP,
    group_name="Expenses guests",
    owners=(),
    approvers=(),
    policy=Policy(),
    setup=SetupId("0" * 22),
    updated_at=LONG_AGO,
)
WELL = Subject(
    GUEST,
    known=True,
    is_guest=True,
    name="Gus",
    address="gus@fabrikam.com",
    accepted=True,
    created_at=LONG_AGO,
    groups=frozenset({GROUP}),
    expectations={GROUP: ExpectedMembership(True, LONG_AGO, "one")},
)
CONTEXT = GuestContext({GROUP: APP}, NOW, AuditSettings(), {})


def rules(found: list[Finding]) -> list[Rule]:
    return [f.rule for f in found]


def test_a_guest_who_was_invited_and_came_is_well() -> None:
    assert evaluate_guest(WELL, CONTEXT) == []


NEVER = replace(WELL, accepted=False)
GUESTS = {
    Rule.NOT_INVITED: (replace(WELL, expectations={}), CONTEXT),
    Rule.MEMBERSHIP_MISSING: (replace(WELL, groups=frozenset()), CONTEXT),
    Rule.ACCOUNT_MISSING: (replace(WELL, gone=True), CONTEXT),
    Rule.NEVER_REDEEMED: (NEVER, CONTEXT),
    Rule.NO_SIGN_IN: (replace(WELL, inactive=LONG_AGO), CONTEXT),
    Rule.EXPIRED: (replace(WELL, last_days={GROUP: date(2026, 11, 23)}), CONTEXT),
    Rule.DOMAIN_BLOCKED: (
        WELL,
        replace(CONTEXT, apps={GROUP: replace(APP, policy=Policy(blocked_domains=("fabrikam.com",)))}),
    ),
    Rule.ACCOUNT_DISABLED: (replace(WELL, enabled=False), CONTEXT),
    Rule.DUPLICATE: (WELL, replace(CONTEXT, twins={GUEST: [replace(WELL, id=TWIN)]})),
    Rule.NESTED_GROUP: (Subject(UserId(OTHER), is_group=True, groups=frozenset({GROUP})), CONTEXT),
}


@pytest.mark.parametrize("rule", GUESTS)
def test_a_guest_breaks_one_rule(rule: Rule) -> None:
    subject, context = GUESTS[rule]

    [found] = evaluate_guest(subject, context)

    assert (found.rule, found.subject, found.group, found.app) == (rule, subject.id, GROUP, APP.app_id)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(replace(WELL, in_motion=frozenset({GROUP}), expectations={}), id="an invitation is under way"),
        pytest.param(
            replace(
                WELL, groups=frozenset(), expectations={GROUP: ExpectedMembership(True, NOW - timedelta(minutes=5))}
            ),
            id="joined a moment ago, not shown yet",
        ),
        pytest.param(
            replace(WELL, expectations={GROUP: ExpectedMembership(False, NOW - timedelta(minutes=5))}),
            id="removed a moment ago, still shown",
        ),
        pytest.param(replace(WELL, is_guest=False, expectations={}), id="an employee in the group"),
        pytest.param(
            replace(WELL, groups=frozenset({OTHER}), expectations={}), id="a guest of a group that is not ours"
        ),
        pytest.param(
            replace(WELL, groups=frozenset(), expectations={GROUP: ExpectedMembership(False, LONG_AGO)}),
            id="taken back",
        ),
        pytest.param(replace(NEVER, created_at=NOW - timedelta(days=29)), id="has a day left to accept"),
    ],
)
def test_what_is_under_way_or_none_of_ours_is_no_finding(subject: Subject) -> None:
    assert evaluate_guest(subject, CONTEXT) == []


def test_who_never_accepted_is_not_said_to_be_inactive() -> None:
    assert rules(evaluate_guest(replace(NEVER, inactive=LONG_AGO), CONTEXT)) == [Rule.NEVER_REDEEMED]


def test_time_alone_may_make_a_finding_of_who_has_not_accepted() -> None:
    assert due_at(NEVER, AuditSettings()) == LONG_AGO + timedelta(days=30)
    assert due_at(WELL, AuditSettings()) is None


ADA, BOB = DirectoryUser(UserId("a" * 36), "Ada"), DirectoryUser(UserId("b" * 36), "Bob")
FACTS = GroupFacts(
    id=GROUP,
    name="Expenses guests",
    group_types=frozenset(),
    security_enabled=True,
    mail_enabled=False,
    synced=False,
    role_assignable=False,
    management_restricted=False,
    owners=frozenset({ADA.id, BOB.id}),
    apps=(),
)
CERTIFICATE = Certificate("AA", NOW + timedelta(days=400))
SAML = Application(APP.app_id, APP.name, APP.service_principal, sign_on_mode="saml", certificates=(CERTIFICATE,))
TRUTH = AppTruth(FACTS, (ADA, BOB), SAML, is_assigned=True, wants_saml=True)


def test_an_app_as_it_was_set_up_is_well() -> None:
    assert find_app_drift(APP, TRUTH, NOW) == []


ENDS = replace(SAML, certificates=(replace(CERTIFICATE, ends_at=NOW + timedelta(days=20)),))
APPS = {
    Rule.GROUP_MISSING: replace(TRUTH, group=None),
    Rule.NO_OWNER: replace(TRUTH, owners=()),
    Rule.ONE_OWNER: replace(TRUTH, owners=(ADA,)),
    Rule.OWNER_LEFT: replace(TRUTH, owners=(ADA, replace(BOB, enabled=False))),
    Rule.OWNER_GUEST: replace(TRUTH, owners=(ADA, replace(BOB, is_guest=True))),
    Rule.GROUP_DYNAMIC: replace(TRUTH, group=replace(FACTS, group_types=frozenset({"DynamicMembership"}))),
    Rule.GROUP_SYNCED: replace(TRUTH, group=replace(FACTS, synced=True)),
    Rule.GROUP_ROLE_ASSIGNABLE: replace(TRUTH, group=replace(FACTS, role_assignable=True)),
    Rule.APP_MISSING: replace(TRUTH, app=None),
    Rule.NOT_ASSIGNED: replace(TRUTH, is_assigned=False),
    Rule.SIGN_ON_OFF: replace(TRUTH, app=replace(SAML, sign_on_mode=None)),
    Rule.CERTIFICATE_ENDS: replace(TRUTH, app=ENDS),
    Rule.SETUP_DRIFT: replace(TRUTH, differences=("the app is switched off",)),
}


@pytest.mark.parametrize("rule", APPS)
def test_an_app_breaks_one_rule(rule: Rule) -> None:
    [found] = find_app_drift(APP, APPS[rule], NOW)

    assert (found.rule, found.group, found.app) == (rule, GROUP, APP.app_id)


def test_an_app_without_a_certificate_is_told_so() -> None:
    [found] = find_app_drift(APP, replace(TRUTH, app=replace(SAML, certificates=())), NOW)

    assert (found.rule, found.detail) == (Rule.CERTIFICATE_ENDS, "the app has no signing certificate")


def test_every_rule_is_looked_at_here() -> None:
    elsewhere = {Rule.SIGN_IN_UNKNOWN, Rule.STUCK}  # judged by the steps that read sign-ins and open work

    assert set(RULES) == set(Rule) == {*GUESTS, *APPS, *elsewhere}


def test_a_finding_has_one_id_and_the_worst_come_first() -> None:
    found = [find_app_drift(APP, truth, NOW)[0] for truth in APPS.values()]
    later = [find_app_drift(APP, truth, NOW + timedelta(days=1))[0] for truth in APPS.values()]

    by_id = sorted(found, key=lambda f: f.id)

    assert [f.id for f in found] == [f.id for f in later]
    assert len({f.id for f in found}) == len(found)
    assert [f.severity for f in by_id] == sorted((f.severity for f in found), key=list(Severity).index)
    assert count(found)["severity:high"] == sum(f.severity is Severity.HIGH for f in found)


def test_only_rules_about_guests_touch_guests() -> None:
    touching = {Remedy.REMOVE, Remedy.BLOCK, Remedy.DELETE, Remedy.RESEND}

    assert {rule for rule, facts in RULES.items() if facts.remedies & touching} == {
        Rule.NOT_INVITED,
        Rule.NEVER_REDEEMED,
        Rule.NO_SIGN_IN,
        Rule.EXPIRED,
        Rule.DOMAIN_BLOCKED,
        Rule.ACCOUNT_DISABLED,
    }
