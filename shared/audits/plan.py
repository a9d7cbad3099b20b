"""Fourth phase: what policy asks to be done about an app's findings, written down before any of it is done."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import (
    TOUCHING,
    Audit,
    FindingFilter,
    Phase,
    Plan,
    PlanState,
    RemedyAction,
    Task,
    action_for,
)
from shared.core.audit_rules import Remedy, Rule
from shared.core.errors import Conflict
from shared.core.features import Feature
from shared.core.ids import AppId, GroupId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord, AppState
from shared.messages.commands import ApplyRemedies

REMEDY = "remedy-"
BY_POLICY = "policy"
_PAGE = 500


def planning_tasks(apps: Sequence[AppRecord]) -> list[Task]:
    """One for each app whose policy asks for more than the report."""
    wanted = [a for a in apps if a.state is AppState.READY and set(a.audits.remedies.values()) - {Remedy.REPORT}]
    return [Task(Phase.PLANNING, f"{REMEDY}{app.app_id}") for app in wanted]


async def plan(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Write down what is to be done in one app, and begin where policy lets it. Safe to repeat."""
    if not tools.features.has(Feature.REMEDIES):
        return replace(task, done=True)
    app_id = AppId(task.name.removeprefix(REMEDY))
    known, record = await tools.remedies.read_plan(audit.id, app_id), await tools.setups.read_app(app_id)
    if known is not None:
        await _begin(tools, known.value)
    elif record is not None:
        await _plan(tools, audit, record.value)
    return replace(task, done=True)


async def _plan(tools: AuditDependencies, audit: Audit, app: AppRecord) -> None:
    guests_touched, notifies = await _write_actions(tools, audit, app)
    if not (guests_touched or notifies):
        return
    totals = await tools.sum_totals(audit)
    guests = sum(n for key, n in totals.items() if key.startswith(f"group:{app.group}:"))
    policy, touched = app.audits, len(guests_touched)
    too_many = policy.exceeds(touched, guests)
    state = PlanState.HELD if too_many else PlanState.RUNNING if policy.auto_apply else PlanState.PLANNED
    made = Plan(
        audit=audit.id,
        app=app.app_id,
        group=app.group,
        app_name=app.name,
        state=state,
        touched=touched,
        guests=guests,
        since=tools.clock.now(),
        by=BY_POLICY,
        detail=too_many,
    )
    await open_plan(tools, made)
    try:
        await tools.remedies.save_plan(Versioned(made, None))
    except Conflict:
        return  # Another delivery wrote it, and begins.
    await _begin(tools, made)


async def open_plan(tools: AuditDependencies, plan: Plan) -> None:
    """Before a plan is sent: the sweeper finds what was never sent."""
    if plan.state in (PlanState.RUNNING, PlanState.UNDOING):
        await tools.remedies.open((plan.audit, plan.app), tools.clock.now() + tools.timing.stall_timeout)


async def _begin(tools: AuditDependencies, plan: Plan) -> None:
    if plan.state is PlanState.RUNNING:
        await tools.outbox.send(ApplyRemedies(plan.audit, plan.app))


async def _write_actions(tools: AuditDependencies, audit: Audit, app: AppRecord) -> tuple[set[str], bool]:
    """Written a page at a time. Gives the guests that are touched, and whether owners get a mail."""
    touched, page, first, is_news = set[str](), list[RemedyAction](), None, False
    async for finding in tools.audits.all_findings(audit.id, FindingFilter(app=app.app_id)):
        action = action_for(finding, app.audits.remedies.get(finding.rule, Remedy.REPORT))
        if action is None:
            continue
        if action.remedy in TOUCHING:
            touched.add(action.subject)
            page.append(action)
        else:
            first = first or finding.rule
            is_news |= finding.seen_since >= audit.started_at
        if len(page) == _PAGE:
            await tools.remedies.add_actions(audit.id, app.app_id, page)
            page = []
    notices = await _notify(tools, audit, app, first, is_news=is_news) if first is not None else []
    await tools.remedies.add_actions(audit.id, app.app_id, [*page, *notices])
    return touched, bool(notices)


async def _notify(
    tools: AuditDependencies, audit: Audit, app: AppRecord, rule: Rule, *, is_news: bool
) -> list[RemedyAction]:
    """One for each owner; of what they were told before, once in a while only."""
    found: list[RemedyAction] = []
    for person in await tools.find_owners(await tools.find_group(app.group)):
        if not person.enabled or person.is_guest:
            continue
        last = await tools.remedies.last_sent(notified_key(app.app_id, person.id))
        if is_news or last is None or last <= audit.started_at - timedelta(days=app.audits.resend_after_days):
            found.append(RemedyAction(Remedy.NOTIFY_OWNER, rule, person.id, person.name, None, ""))
    return found


def notified_key(app: AppId, owner: str) -> str:
    """Under which it is kept when an owner was last told of an app's findings."""
    return f"told_{app}_{owner}"


def invited_key(group: GroupId, user: str) -> str:
    """Under which it is kept when a guest was last sent an invitation again."""
    return f"invited_{group}_{user}"
