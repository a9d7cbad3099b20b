"""Third phase: the rules applied to the accounts that an audit looks at, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.findings import Finding
from shared.audits.model.guest_rules import GuestContext, due_at, evaluate_guest
from shared.audits.model.records import Audit, Phase, Task
from shared.audits.model.totals import counted, plus
from shared.core.audit_rules import Rule
from shared.core.ids import GroupId, UserId
from shared.membership.model.accounts import Subject
from shared.membership.model.apps import AppRecord

GUESTS, TOUCHED = "guests-", "guests-touched"
_PAGE, _PAGES = 1000, 5
_QUARTERS = "048c"
"""First digits of the ids with which a quarter of the accounts begins."""


def guest_tasks(audit: Audit) -> list[Task]:
    """A whole audit goes through all accounts, four parts side by side; else one task looks at those touched."""
    if not audit.full:
        return [Task(Phase.EVALUATING, TOUCHED)]
    return [Task(Phase.EVALUATING, f"{GUESTS}{digit}") for digit in _QUARTERS]


async def evaluate_guests(
    tools: AuditDependencies, audit: Audit, task: Task, apps: Mapping[GroupId, AppRecord]
) -> Task:
    """Go on with a task; gives it with where it got to. Safe to repeat."""
    # Named by where it begins: done again, the same pages write the same totals in the same place.
    name, totals = f"{task.name} {task.cursor or ''}", dict[str, int]()
    for _ in range(_PAGES):
        page, others, cursor = await _page(tools, audit, task)
        totals = plus(totals, await _evaluate(tools, audit, apps, page, others))
        task = replace(task, cursor=cursor, done=cursor is None)
        if task.done:
            break
    await tools.audits.write_totals(audit.id, name, totals)
    return task


async def _page(
    tools: AuditDependencies, audit: Audit, task: Task
) -> tuple[list[Subject], list[Subject], str | None]:
    """A page, those who are judged with it but counted elsewhere, and where to go on."""
    if task.name == TOUCHED:
        users, cursor = await tools.snapshot.touched(audit.id, task.cursor, _PAGE)
        found = await tools.snapshot.look_up(audit.id, users, audit.since)
        return *await _with_twins(tools, audit, list(found.values())), cursor
    digit = task.name.removeprefix(GUESTS)
    end = _QUARTERS[_QUARTERS.index(digit) + 1] if digit != _QUARTERS[-1] else "~"
    page, cursor = await tools.snapshot.scan(audit.id, task.cursor or digit, end, audit.since, _PAGE)
    return page, [], cursor


async def _with_twins(
    tools: AuditDependencies, audit: Audit, page: list[Subject]
) -> tuple[list[Subject], list[Subject]]:
    """Those of the page; and those who share an address with one of them: what one got, both have."""
    guests = [s for s in page if s.groups and s.is_guest and not s.gone]
    who = await tools.snapshot.who_shares({s.id: s.addresses for s in guests})
    page = [replace(s, twins=who.get(s.id, frozenset())) for s in page]
    missing = {u for users in who.values() for u in users} - {s.id for s in page}
    others = await tools.snapshot.look_up(audit.id, missing, audit.since) if missing else {}
    by_other: dict[UserId, frozenset[UserId]] = {}
    for user, users in who.items():
        for other in users:
            by_other[other] = by_other.get(other, frozenset()) | {user}
    return page, [replace(s, twins=by_other[u]) for u, s in others.items()]


async def _evaluate(
    tools: AuditDependencies,
    audit: Audit,
    apps: Mapping[GroupId, AppRecord],
    page: Sequence[Subject],
    others: Sequence[Subject],
) -> dict[str, int]:
    """Write down what a page breaks, when its guests are to be looked at again, and what they count."""
    twins = await _twins(tools, audit, [*page, *others])
    context = GuestContext(apps, audit.started_at, tools.settings, twins)
    findings = [finding for subject in others for finding in evaluate_guest(subject, context)]
    due: dict[UserId, datetime] = {}
    counts: dict[UserId, tuple[Mapping[str, int], Mapping[str, int]]] = {}
    change: dict[str, int] = {}
    for subject in page:
        findings += evaluate_guest(subject, context)
        at = due_at(subject, tools.settings) if subject.groups & apps.keys() else None
        if at is not None and at > audit.started_at:
            due[subject.id] = at
        now = counted(subject, apps)
        before = {} if audit.full else subject.counted
        change = plus(plus(change, now), before, -1)
        if now != subject.counted:
            counts[subject.id] = (now, subject.counted)
    await tools.write_found(audit, await _without_lost_groups(tools, findings))
    await tools.snapshot.write_due(due)
    await tools.snapshot.note_counted(audit.id, counts)
    return change


async def _without_lost_groups(tools: AuditDependencies, findings: Sequence[Finding]) -> list[Finding]:
    """A group that is gone is one finding, of the app; not one for each guest who was in it."""
    groups = {f.group for f in findings if f.rule is Rule.MEMBERSHIP_MISSING and f.group is not None}
    gone = {group for group in groups if await tools.find_group(group) is None}
    return [f for f in findings if f.rule is not Rule.MEMBERSHIP_MISSING or f.group not in gone]


async def _twins(tools: AuditDependencies, audit: Audit, page: Sequence[Subject]) -> dict[UserId, list[Subject]]:
    """The other accounts of a person: an address once shared may have been changed since."""
    wanted = {u for s in page for u in s.twins}
    known = {s.id: s for s in page}
    missing = wanted - known.keys()
    if missing:
        known |= await tools.snapshot.look_up(audit.id, missing, audit.since)
    twins: dict[UserId, list[Subject]] = {}
    for subject in page:
        others = [known[u] for u in subject.twins if u in known and _is_twin(subject, known[u])]
        if others:
            twins[subject.id] = others
    return twins


def _is_twin(one: Subject, other: Subject) -> bool:
    return other.known and other.is_guest and not other.gone and bool(one.addresses & other.addresses)
