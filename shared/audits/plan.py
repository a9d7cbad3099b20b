"""Fourth phase: what policy asks to be done about an app's findings, written down before any of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.findings import TOTAL, FindingFilter
from shared.audits.model.records import Audit, Phase, Task
from shared.audits.model.remedies import TOUCHING, Plan, PlanState, RemedyAction, action_for
from shared.audits.model.totals import plus
from shared.core.audit_rules import Remedy, Rule
from shared.core.errors import Conflict, Refused
from shared.core.features import Feature
from shared.core.ids import AppId, GroupId, UserId
from shared.core.versions import Versioned
from shared.membership.model.apps import AppRecord, AppState
from shared.messages.commands import ApplyRemedies

REMEDY = "remedy-"
BY_POLICY = "policy"
_PAGE = 500


def planning_tasks(apps: Sequence[AppRecord]) -> list[Task]:
    """One for each app whose policy asks for more than the report."""
    wanted = [a for a in apps if a.state is AppState.READY and any(_asked(a))]
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
    chosen = await _choose(tools, audit, app)
    if not (chosen.touched or chosen.tells):
        return
    guests = await _guests(tools, audit, app.group)
    policy, touched = app.audits, len(chosen.touched)
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
    """Before a plan is set going: the sweeper finds what was never sent."""
    if plan.state in (PlanState.RUNNING, PlanState.UNDOING):
        await tools.remedies.open((plan.audit, plan.app), tools.clock.now() + tools.timing.stall_timeout)


async def _begin(tools: AuditDependencies, plan: Plan) -> None:
    if plan.state is PlanState.RUNNING:
        await tools.outbox.send(ApplyRemedies(plan.audit, plan.app))


@dataclass(slots=True)
class _Chosen:
    touched: set[UserId]
    tells: bool = False
    is_news: bool = False
    first: Rule | None = None


async def _choose(tools: AuditDependencies, audit: Audit, app: AppRecord) -> _Chosen:
    chosen, show, after = _Chosen(set()), FindingFilter(app=app.app_id), None
    while True:
        page = await tools.audits.list_findings(audit.id, show, after, _PAGE)
        actions: list[RemedyAction] = []
        for finding in page.findings:
            action = action_for(finding, app.audits.remedies.get(finding.rule, Remedy.REPORT))
            if action is None:
                continue
            if action.remedy in TOUCHING:
                actions.append(action)
                chosen.touched.add(action.subject)
            else:
                chosen.tells = True
                chosen.is_news |= finding.seen_since >= audit.started_at
                chosen.first = chosen.first or finding.rule
        await tools.remedies.add_actions(audit.id, app.app_id, actions)
        after = page.continuation
        if after is None:
            break
    if chosen.first is not None:
        telling = await _tell(tools, audit, app, chosen.first, is_news=chosen.is_news)
        chosen.tells = bool(telling)
        await tools.remedies.add_actions(audit.id, app.app_id, telling)
    return chosen


async def _tell(
    tools: AuditDependencies, audit: Audit, app: AppRecord, rule: Rule, *, is_news: bool
) -> list[RemedyAction]:
    """One for each owner; of what they were told before, once in a while only."""
    try:
        group = await tools.groups.read_group(app.group)
    except Refused:
        return []  # A group that is gone, a finding itself, has no owners.
    people = await tools.directory.find_people(sorted(group.owners)) if group.owners else []
    found: list[RemedyAction] = []
    for person in people:
        if person is None or not person.enabled or person.is_guest:
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


def _asked(app: AppRecord) -> list[Remedy]:
    return [remedy for remedy in app.audits.remedies.values() if remedy is not Remedy.REPORT]


async def _guests(tools: AuditDependencies, audit: Audit, group: GroupId) -> int:
    """As this audit counted them."""
    totals = await tools.audits.sum_totals(audit.id)
    if not audit.full and audit.before is not None:
        totals = plus(await tools.audits.read_totals(audit.before, TOTAL), totals)
    return sum(n for key, n in totals.items() if key.startswith(f"group:{group}:"))
