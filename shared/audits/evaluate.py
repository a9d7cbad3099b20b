"""Third phase: the rules applied to accounts page by page, to apps and their groups, and to Guestlist's own work; and
what earlier audits left is deleted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Audit, Finding, Phase, Task
from shared.audits.model.report import counted, plus
from shared.audits.model.rules import AppTruth, GuestContext, due_at, evaluate_guest, find_app_drift, stuck
from shared.core.audit_rules import Rule
from shared.core.directory import Application, GroupFacts, Saml
from shared.core.ids import AppId, GroupId, UserId
from shared.core.versions import Versioned
from shared.membership.model.accounts import Subject
from shared.membership.model.apps import AppRecord

GUESTS, TOUCHED, APP = "guests-", "guests-touched", "app-"
STUCK, PURGE = "stuck", "tidy"
_PAGE, _PAGES = 1000, 5
_PURGED_ROWS, _PURGED_AUDITS = 2000, 20
_QUARTERS = "048c"
"""First digits of the ids with which a quarter of the accounts begins."""


def evaluation_tasks(audit: Audit, apps: Iterable[AppRecord]) -> list[Task]:
    """A whole audit goes through all accounts, four parts side by side; else one task looks at those touched."""
    guests = [f"{GUESTS}{digit}" for digit in _QUARTERS] if audit.full else [TOUCHED]
    names = (*guests, *(f"{APP}{app.app_id}" for app in apps), STUCK, PURGE)
    return [Task(Phase.EVALUATING, name) for name in names]


async def evaluate(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Go on with a task; gives it with where it got to. Safe to repeat."""
    if task.name == STUCK:
        return await _find_stuck(tools, audit, task)
    if task.name == PURGE:
        return await _purge(tools, audit, task)
    if task.name.startswith(APP):
        return await _evaluate_app(tools, audit, task)
    # Of several apps behind one group the first one's policy holds, as where guests are invited.
    apps: dict[GroupId, AppRecord] = {}
    for app in await tools.setups.list_apps():
        apps.setdefault(app.group, app)
    # Named by where it begins: done again, the same pages write the same totals in the same place.
    name, totals = f"{task.name} {task.cursor or ''}", dict[str, int]()
    for _ in range(_PAGES):
        page, others, cursor = await _page(tools, audit, task)
        totals = plus(totals, await _evaluate_guests(tools, audit, apps, page, others))
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
        found = await tools.snapshot.look_up(audit, users)
        return *await _with_twins(tools, audit, list(found.values())), cursor
    digit = task.name.removeprefix(GUESTS)
    end = _QUARTERS[_QUARTERS.index(digit) + 1] if digit != _QUARTERS[-1] else "~"
    page, cursor = await tools.snapshot.scan(audit, task.cursor or digit, end, _PAGE)
    return page, [], cursor


async def _with_twins(
    tools: AuditDependencies, audit: Audit, page: list[Subject]
) -> tuple[list[Subject], list[Subject]]:
    """Those of the page; and those who share an address with one of them: what one got, both have."""
    guests = [s for s in page if s.groups and s.is_guest and not s.gone]
    who = await tools.snapshot.who_shares({s.id: s.addresses for s in guests})
    page = [replace(s, twins=who.get(s.id, frozenset())) for s in page]
    by_other: dict[UserId, set[UserId]] = defaultdict(set)
    for user, users in who.items():
        for other in users:
            by_other[other].add(user)
    others = await tools.snapshot.look_up(audit, by_other.keys() - {s.id for s in page})
    return page, [replace(s, twins=frozenset(by_other[u])) for u, s in others.items()]


async def _evaluate_guests(
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
    known |= await tools.snapshot.look_up(audit, wanted - known.keys())
    guests = {u: s for u, s in known.items() if s.known and s.is_guest and not s.gone}
    return {s.id: [guests[u] for u in s.twins if u in guests and s.addresses & guests[u].addresses] for s in page}


async def _evaluate_app(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    record = await tools.setups.read_app(AppId(task.name.removeprefix(APP)))
    if record is not None:
        truth = await _truth(tools, record.value)
        await tools.write_found(audit, find_app_drift(record.value, truth, tools.clock.now()))
    return replace(task, done=True)


async def _truth(tools: AuditDependencies, record: AppRecord) -> AppTruth:
    group, app = await tools.find_group(record.group), await tools.directory.app_by_id(record.app_id)
    saml, assigned = await tools.setups.read_saml(record.setup), frozenset[str]()
    if app is not None:
        assigned = await tools.directory.assigned_to(record.service_principal)
    return AppTruth(
        group=group,
        owners=await tools.find_owners(group),
        app=app,
        is_assigned=group is not None and record.group in assigned,
        wants_saml=saml is not None,
        differences=await _differences(tools, record, group, app, saml, assigned) if app is not None else (),
    )


async def _differences(
    tools: AuditDependencies,
    record: AppRecord,
    group: GroupFacts | None,
    app: Application,
    saml: Saml | None,
    assigned: frozenset[str],
) -> list[str]:
    """What the setup verified and no other rule is for."""
    found = [] if app.enabled else [f"'{app.name}' is switched off"]
    if saml is not None and app.sign_on_mode == "saml":
        found += [f"SAML: {what}" for what in await tools.directory.saml_differences(app, saml)]
    for person in record.owners:
        if group is not None and group.owners and person.id not in group.owners:
            found.append(f"{person.name} is no owner of the group any more")
        elif person.id not in assigned:
            found.append(f"{person.name} is not assigned to the app any more")
    return found


async def _find_stuck(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Work of other capabilities that has stalled, as each finds it and sends it again."""
    now, before = audit.started_at, audit.started_at - tools.settings.stuck_after
    found = [stuck(work, now) for find in tools.find_stuck async for work in find(now, before)]
    await tools.write_found(audit, found)
    return replace(task, done=True)


async def _purge(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Delete what the last audit looked at, and findings that were kept long enough."""
    if audit.before is not None and not await tools.snapshot.forget_touched(audit.before, _PURGED_ROWS):
        return task
    old = await tools.audits.list_untidied(audit.started_at - tools.settings.kept, _PURGED_AUDITS)
    for stored in old:
        if not await tools.audits.forget(stored.value.id, _PURGED_ROWS):
            return task
        await tools.audits.save(Versioned(replace(stored.value, is_tidied=True), stored.version))
    return task if len(old) == _PURGED_AUDITS else replace(task, done=True)
