"""What policy lets an audit do, how much of it, and what is still needed when its turn comes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.audits.model.records import Finding, RemedyAction, action_for, count
from shared.audits.model.report import CHANGE_LOG, FINDINGS, by_kind, lines, most
from shared.audits.remedies import need_of
from shared.core.audit_rules import RULES, Remedy, Rule, Severity
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId, UserId
from shared.core.records import ChangeLogEntry
from shared.core.results import GuestLook
from shared.membership.model.apps import AppRecord, AuditPolicy, Policy, wrong_remedies
from tests.builders import GROUP, NOW

ADA = UserId("66666666-6666-4666-8666-666666666666")
APP = AppId("55555555-5555-4555-8555-555555555555")
OTHER = GroupId("77777777-7777-4777-8777-777777777777")
RECORD = AppRecord(APP, "App", PrincipalId("sp"), GROUP, "Guests", (), (), Policy(), SetupId("s"), NOW)


@pytest.mark.parametrize(
    ("most_", "percent", "touched", "guests", "says"),
    [
        (20, 10, 20, 200, None),
        (20, 10, 21, 2000, "20 is the most"),
        (20, 10, 11, 100, "10 % of them, 10, are the most"),
        (20, 10, 10, 100, None),
        # A share of a few guests would be none: one guest may always be touched.
        (20, 10, 1, 3, None),
        (20, 10, 1, 0, None),
        (20, 10, 2, 3, "2 of 3"),
        (20, 100, 20, 20, None),
    ],
)
def test_a_plan_is_held_by_number_and_by_share(
    most_: int, percent: int, touched: int, guests: int, says: str | None
) -> None:
    found = AuditPolicy(max_guests=most_, max_percent=percent).exceeds(touched, guests)

    assert (found is None) if says is None else (found is not None and says in found)


def test_every_rule_says_what_policy_may_ask_for() -> None:
    for rule, facts in RULES.items():
        for remedy in Remedy:
            wrong = wrong_remedies(AuditPolicy(remedies={rule: remedy}))
            assert (wrong == []) == (remedy in facts.remedies or remedy is Remedy.REPORT), (rule, remedy)


def test_nothing_is_done_by_default() -> None:
    assert AuditPolicy() == AuditPolicy(remedies={}, auto_apply=False, skip_guests_with_other_access=True)
    assert RECORD.audits == AuditPolicy()
    assert action_for(a_finding(), Remedy.REPORT) is None


def an_action(rule: Rule, remedy: Remedy) -> RemedyAction:
    return RemedyAction(remedy, rule, ADA, "Ada", "ada@blocked.example", "f")


def look(**changes: Any) -> GuestLook:
    return replace(GuestLook(groups=frozenset({GROUP})), **changes)


@pytest.mark.parametrize(
    ("rule", "remedy", "seen", "says"),
    [
        (Rule.NOT_INVITED, Remedy.REMOVE, look(exists=False), "gone"),
        (Rule.NOT_INVITED, Remedy.REMOVE, look(groups=frozenset()), "no member"),
        (Rule.NEVER_REDEEMED, Remedy.DELETE, look(), "accepted meanwhile"),
        (Rule.NOT_INVITED, Remedy.BLOCK, look(enabled=False), "blocked already"),
        (Rule.ACCOUNT_DISABLED, Remedy.REMOVE, look(), "may sign in again"),
        (Rule.EXPIRED, Remedy.REMOVE, look(), "later last day"),
        (Rule.DOMAIN_BLOCKED, Remedy.REMOVE, look(), "allowed again"),
        (Rule.NOT_INVITED, Remedy.DELETE, look(has_apps=True), "another group"),
        (Rule.NOT_INVITED, Remedy.DELETE, look(has_role=True), "directory role"),
        (Rule.NOT_INVITED, Remedy.BLOCK, look(has_role=True), "directory role"),
        (Rule.NOT_INVITED, Remedy.REMOVE, look(has_role=True), "directory role"),
        (Rule.NOT_INVITED, Remedy.DELETE, look(groups=frozenset({GROUP, OTHER})), "another group"),
    ],
)
def test_who_need_not_or_may_not_be_touched_is_spared(rule: Rule, remedy: Remedy, seen: GuestLook, says: str) -> None:
    found = need_of(an_action(rule, remedy), seen, RECORD, {}, NOW)

    assert isinstance(found, str)
    assert says in found


@pytest.mark.parametrize("remedy", [Remedy.BLOCK, Remedy.DELETE])
def test_who_holds_a_directory_role_is_spared_although_the_policy_spares_nobody(remedy: Remedy) -> None:
    spare_nobody = replace(RECORD, audits=AuditPolicy(skip_guests_with_other_access=False))

    found = need_of(an_action(Rule.NOT_INVITED, remedy), look(has_role=True), spare_nobody, {}, NOW)

    assert found == "the guest holds a directory role: an administrator has to decide"
    removed = need_of(an_action(Rule.NOT_INVITED, Remedy.REMOVE), look(has_role=True), spare_nobody, {}, NOW)
    assert isinstance(removed, RemedyAction), "the group's membership is the app's own"


def test_what_was_before_is_kept_for_the_way_back() -> None:
    last = date(2026, 3, 1)
    found = need_of(an_action(Rule.EXPIRED, Remedy.REMOVE), look(), RECORD, {"ada@blocked.example": last}, NOW)

    assert isinstance(found, RemedyAction)
    assert (found.before, found.expires) == ("member of the group", last)
    spare_nobody = replace(RECORD, audits=AuditPolicy(skip_guests_with_other_access=False))
    kept = need_of(an_action(Rule.NOT_INVITED, Remedy.BLOCK), look(has_apps=True), spare_nobody, {}, NOW)
    assert isinstance(kept, RemedyAction)
    assert kept.before == "may sign in"


def a_finding(**changes: Any) -> Finding:
    facts: dict[str, Any] = {"rule": Rule.EXPIRED, "subject": ADA, "group": GROUP, "app": APP, "name": "Ada"}
    return Finding(**({**facts, "detail": "", "seen_since": NOW} | changes))


def test_a_finding_has_one_id_and_the_worst_come_first() -> None:
    ids = [a_finding(rule=rule).id for rule in (Rule.EXPIRED, Rule.NOT_INVITED, Rule.NO_SIGN_IN)]
    assert ids == sorted(ids)
    assert a_finding(name="Eve", detail="x").id == ids[0], "what is said of it does not matter"
    assert a_finding(group=OTHER).id != ids[0]


def test_findings_are_counted_by_severity_rule_and_app() -> None:
    found = count([a_finding(), a_finding(subject="b"), a_finding(rule=Rule.NO_SIGN_IN, app=None)])

    assert by_kind(found, "severity") == {"high": 2, "low": 1}
    assert by_kind(found, "rule") == {"membership-expired": 2, "no-sign-in": 1}
    assert by_kind(found, "app") == {APP: 2}
    assert found[f"{Severity.HIGH.value}-of:{APP}"] == 2


def test_of_many_the_largest_are_named_and_the_others_counted() -> None:
    assert most({"a": 5, "b": 3, "c": 2, "d": 1}, 2) == {"a": 5, "b": 3, "others": 3}
    assert most({"a": 5}, 2) == {"a": 5}


def test_files_open_in_a_spreadsheet_and_compute_nothing() -> None:
    evil = "=cmd|' /C calc'!A0"
    findings = lines(FINDINGS, [a_finding(name=evil, address=evil, detail="\ud800")], headings=True)
    entry = ChangeLogEntry("k", NOW, evil, "remove", ADA, evil, GROUP, APP, "in", "out", request_id=None)
    change_log = lines(CHANGE_LOG, [entry], headings=False)

    assert findings.startswith(b"\xef\xbb\xbfid,severity,rule")
    assert b"\r\n" in findings
    for line in (findings.decode("utf-8-sig").splitlines()[1], change_log.decode()):
        assert f"'{evil}" in line.replace('"', "") or f"'={evil[1:]}" in line
        assert f",{evil}" not in line


def test_files_hold_nothing_that_a_terminal_obeys() -> None:
    evil = "\x1b]0;owned\x07Ada\x9b\u202e\x00=1"
    findings = lines(FINDINGS, [a_finding(name=evil, address=evil, detail=evil)], headings=False)
    entry = ChangeLogEntry("k", NOW, evil, "remove", ADA, evil, GROUP, APP, "in", "out", request_id=None)

    for text in (findings.decode(), lines(CHANGE_LOG, [entry], headings=False).decode()):
        assert not set(text) & set("\x1b\x07\x9b\u202e\x00")
        assert "]0;ownedAda=1" in text
