"""Audits: the timer and the API."""

import logging
from typing import Annotated

import azure.functions as func

from functions.answers import Accepted, CsvFile
from functions.arguments import AuditName, Body, Continuation, Page, choice, guid, paged, several
from functions.handlers import background
from functions.http import Routes
from shared import wiring
from shared.audits import schemas
from shared.audits.model.records import FindingFilter, Plan
from shared.audits.model.report import CHANGE_LOG, FINDINGS, lines
from shared.core.audit_rules import Rule, Severity
from shared.core.caller import Caller
from shared.core.ids import AppId, GroupId
from shared.core.reasons import Reason
from shared.http.openapi import OF_DIRECTORY, OF_GROUPS
from shared.membership.model.access import Action
from shared.membership.model.apps import AuditPolicy
from shared.wiring import App

bp = func.Blueprint()
route = Routes("audits")
log = logging.getLogger("guestlist")

_ALL = "/api/audits"
_ONE = f"{_ALL}/{{auditId}}"
_PLAN = f"{_ONE}/remedies/{{appId}}"
_POLICY = "/api/apps/{appId}/audit-policy"
_LOG = "/api/change-log"
_OF_PLANS = (Reason.FEATURE_OFF, Reason.REMEDIES_MISSING, Reason.REMEDIES_ENDED)
_LINES = 5000
"""Lines of a file that come at once; a link leads to the next."""
_REPORT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Referrer-Policy": "no-referrer",
}
_Paged = Annotated[Page, paged(1000, 100)]
_Filter = Annotated[
    FindingFilter,
    several(
        FindingFilter,
        severity=choice("severity", "only those as bad as this", Severity),
        rule=choice("rule", "only those of this rule", Rule),
        group=guid("group", "only those of this group", GroupId),
        app=guid("app", "only those of this app", AppId),
    ),
]


@bp.function_name("audit_now_and_then")
@bp.timer_trigger(arg_name="timer", schedule="%GUESTLIST_AUDIT_SCHEDULE%", run_on_startup=False)
@background
async def audit_now_and_then(timer: func.TimerRequest) -> None:
    start = (await wiring.app()).audits.start
    if not start.is_on:
        return
    begun = await start.start_scheduled()
    if begun is None:
        log.warning("an audit is running still; this time none is begun")
    else:
        log.info("audit %s begun by the timer", begun.id)


@route(f"POST {_ALL}", Action.RUN_AUDITS, Reason.FEATURE_OFF, Reason.AUDIT_RUNNING)
async def post_audit(app: App, caller: Caller) -> Accepted[schemas.Audit]:
    """Begin an audit now."""
    begun = await app.audits.start.start_manual(caller)
    return Accepted(schemas.audit(begun), f"{_ALL}/{begun.id}")


@route(f"GET {_ALL}", Action.READ_AUDITS)
async def list_audits(app: App, caller: Caller, page: Annotated[Page, paged(100, 20)]) -> schemas.Audits:
    """Audits, the newest first."""
    found, after = await app.audits.commands.list(caller, page.continuation, page.limit)
    return schemas.Audits([schemas.audit(a) for a in found], page.next(_ALL, after))


@route(f"GET {_ONE}", Action.READ_AUDITS)
async def get_audit(app: App, caller: Caller, audit: AuditName) -> schemas.Audit:
    """One audit."""
    return schemas.audit(await app.audits.commands.show(audit, caller))


@route(f"GET {_ONE}/findings", Action.READ_AUDITS)
async def list_findings(
    app: App, caller: Caller, audit: AuditName, wanted: _Filter, page: _Paged
) -> schemas.Findings:
    """What an audit found, the worst first."""
    of, found, after = await app.audits.commands.findings(audit, caller, wanted, page.continuation, page.limit)
    return schemas.findings(of.id, found, page.next(f"{_ALL}/{of.id}/findings", after))


@route(f"GET {_ONE}/findings.csv", Action.READ_AUDITS)
async def get_findings_file(
    app: App, caller: Caller, audit: AuditName, wanted: _Filter, page: Continuation
) -> CsvFile:
    """The same as a file, five thousand lines at a time: follow the Link header."""
    of, found, after = await app.audits.commands.findings(audit, caller, wanted, page.continuation, _LINES)
    content, link = lines(FINDINGS, found, headings=page.continuation is None), f"{_ALL}/{of.id}/findings.csv"
    return CsvFile(content, f"audit-{of.started_at:%Y-%m-%d}.csv", page.next(link, after))


@route(f"GET {_ONE}/report.html", Action.READ_AUDITS, answers={200: "text/html"})
async def get_report(app: App, caller: Caller, audit: AuditName) -> func.HttpResponse:
    """The report: one page with charts, which loads nothing and can be printed."""
    report = await app.audits.commands.report(audit, caller)
    return func.HttpResponse(app.audits.html(report), headers=_REPORT_HEADERS, mimetype="text/html", charset="utf-8")


@route(f"GET {_ONE}/remedies", Action.READ_AUDITS)
async def list_remedies(app: App, caller: Caller, audit: AuditName) -> schemas.Plans:
    """What an audit means to do, or has done, in each app."""
    return schemas.Plans([schemas.Plan.of(p) for p in await app.audits.commands.plans(audit, caller)])


@route(f"GET {_PLAN}", Action.READ_AUDITS, Reason.REMEDIES_MISSING)
async def get_remedies(app: App, caller: Caller, audit: AuditName, app_id: AppId, page: _Paged) -> schemas.Remedies:
    """The same in one app, guest by guest."""
    plan, found, after = await app.audits.commands.actions(audit, app_id, caller, page.continuation, page.limit)
    return schemas.actions(plan, found, page.next(_path(plan), after))


@route(f"POST {_PLAN}", Action.RUN_AUDITS, *_OF_PLANS, Reason.REMEDIES_OLD)
async def apply_remedies(app: App, caller: Caller, audit: AuditName, app_id: AppId) -> Accepted[schemas.Plan]:
    """Have what was planned, or held because it would touch too many guests, applied."""
    plan = await app.audits.commands.apply(audit, app_id, caller)
    return Accepted(schemas.Plan.of(plan), _path(plan))


@route(f"POST {_PLAN}/undo", Action.RUN_AUDITS, *_OF_PLANS)
async def undo_remedies(app: App, caller: Caller, audit: AuditName, app_id: AppId) -> Accepted[schemas.Plan]:
    """Take back what was done: guests are members again, may sign in again, are restored."""
    plan = await app.audits.commands.undo(audit, app_id, caller)
    return Accepted(schemas.Plan.of(plan), _path(plan))


@route(f"GET {_POLICY}", Action.READ_APP, Reason.APP_MISSING, *OF_DIRECTORY)
async def get_audit_policy(app: App, caller: Caller, app_id: AppId) -> schemas.Policy:
    """What audits do about an app's findings."""
    return schemas.policy(await app.audits.commands.policy(app_id, caller))


@route(
    f"PUT {_POLICY}",
    Action.RUN_AUDITS,
    *(Reason.FEATURE_OFF, Reason.APP_MISSING),
    body=Body(
        schemas.Policy,
        {"remedies": {"membership-expired": "remove", "never-redeemed": "resend"}, "autoApply": True},
        schemas.decode_policy,
    ),
)
async def put_audit_policy(app: App, caller: Caller, app_id: AppId, body: AuditPolicy) -> schemas.Policy:
    """Replace that."""
    return schemas.policy(await app.audits.commands.write_policy(app_id, body, caller))


@route("GET /api/groups/{groupId}/findings", Action.READ_GUESTS, *OF_GROUPS)
async def list_group_findings(app: App, caller: Caller, group: GroupId, page: _Paged) -> schemas.Findings:
    """What the last audit found in a group."""
    audit, found, after = await app.audits.commands.of_group(group, caller, page.continuation, page.limit)
    return schemas.findings(audit, found, page.next(f"/api/groups/{group}/findings", after))


@route(f"GET {_LOG}", Action.READ_AUDITS, was="/api/trail")
async def list_change_log(app: App, caller: Caller, page: _Paged) -> schemas.ChangeLog:
    """Changes of the directory outside of inviting, the newest first."""
    found, after = await app.audits.commands.change_log(caller, page.continuation, page.limit)
    return schemas.change_log_page(found, page.next(_LOG, after))


@route(f"GET {_LOG}.csv", Action.READ_AUDITS, was="/api/trail.csv")
async def get_change_log_file(app: App, caller: Caller, page: Continuation) -> CsvFile:
    """The same as a file, five thousand lines at a time: follow the Link header."""
    found, after = await app.audits.commands.change_log(caller, page.continuation, _LINES)
    content = lines(CHANGE_LOG, found, headings=page.continuation is None)
    return CsvFile(content, "change-log.csv", page.next(f"{_LOG}.csv", after))


def _path(plan: Plan) -> str:
    return f"{_ALL}/{plan.audit}/remedies/{plan.app}"
