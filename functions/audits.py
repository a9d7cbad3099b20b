"""Audits: the timer, the API, and the queues that work on them."""

import logging
from urllib.parse import urlencode

import azure.functions as func

from functions.callers import caller_of
from functions.edge import app_id_of, endpoint, group_of, json_response, on_time, page_of, step
from shared import wiring
from shared.api.schemas import audits as bodies
from shared.domain.applications import AppId
from shared.domain.audits.csv_findings import finding_lines, trail_lines
from shared.domain.audits.findings import FindingFilter
from shared.domain.audits.rules import Rule, Severity
from shared.domain.commands import PutRight, RunAudit
from shared.domain.errors import Refused
from shared.domain.ids import GroupId, group_id
from shared.domain.outcomes import Outcome
from shared.domain.reasons import Reason

bp = func.Blueprint()
log = logging.getLogger("guestlist")

_ONE = "api/audits/{auditId}"
_PLAN = f"{_ONE}/remedies/{{appId}}"
_LINES = 5000
"""Lines of a file that come at once; a link leads to the next."""
_REPORT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Referrer-Policy": "no-referrer",
}


@bp.function_name("audit_now_and_then")
@bp.timer_trigger(arg_name="timer", schedule="%GUESTLIST_AUDIT_SCHEDULE%", run_on_startup=False)
@on_time
async def audit_now_and_then(timer: func.TimerRequest) -> None:
    start = (await wiring.app()).audits.start
    if not start.is_on:
        return
    begun = await start.by_timer()
    if begun is None:
        log.warning("an audit is running still; this time none is begun")
    else:
        log.info("audit %s begun by the timer", begun.id)


@bp.function_name("post_audit")
@bp.route("api/audits", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def post_audit(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    begun = await app.audits.start.by_hand(await caller_of(app, req))
    return json_response(bodies.audit(begun), 202, {"Location": f"/api/audits/{begun.id}"})


@bp.function_name("list_audits")
@bp.route("api/audits", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_audits(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    found, after = await app.audits.tend.list(caller, req.params.get("continuation"), page_of(req, 100, 20))
    return json_response(bodies.Audits([bodies.audit(a) for a in found], _next("/api/audits", req, after)))


@bp.function_name("get_audit")
@bp.route(_ONE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_audit(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    return json_response(bodies.audit(await app.audits.tend.show(_audit(req), await caller_of(app, req))))


@bp.function_name("list_findings")
@bp.route(f"{_ONE}/findings", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_findings(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    audit = await app.audits.tend.show(_audit(req), caller)
    page = await app.audits.tend.findings(
        audit.id, caller, _filter(req), req.params.get("continuation"), page_of(req, 1000, 100)
    )
    link = _next(f"/api/audits/{audit.id}/findings", req, page.continuation)
    return json_response(bodies.findings(audit.id, page.findings, link))


@bp.function_name("get_findings_file")
@bp.route(f"{_ONE}/findings.csv", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_findings_file(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    audit = await app.audits.tend.show(_audit(req), caller)
    begin = req.params.get("continuation")
    page = await app.audits.tend.findings(audit.id, caller, _filter(req), begin, _LINES)
    content = finding_lines(page.findings, headings=begin is None)
    return _file(content, f"audit-{audit.started_at:%Y-%m-%d}.csv", f"/api/audits/{audit.id}/findings.csv", req,
                 page.continuation)  # fmt: skip


@bp.function_name("get_report")
@bp.route(f"{_ONE}/report.html", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_report(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    report = await app.audits.tend.report(_audit(req), await caller_of(app, req))
    page = app.audits.report_page().html(report)
    return func.HttpResponse(page, headers=_REPORT_HEADERS, mimetype="text/html", charset="utf-8")


@bp.function_name("list_remedies")
@bp.route(f"{_ONE}/remedies", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_remedies(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    found = await app.audits.tend.plans(_audit(req), await caller_of(app, req))
    return json_response(bodies.Plans([bodies.plan(p) for p in found]))


@bp.function_name("get_remedies")
@bp.route(_PLAN, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_remedies(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    plan, found, after = await app.audits.tend.actions(
        _audit(req), app_id_of(req), caller, req.params.get("continuation"), page_of(req, 1000, 100)
    )
    return json_response(
        bodies.actions(plan, found, _next(f"/api/audits/{plan.audit}/remedies/{plan.app}", req, after))
    )


@bp.function_name("carry_out_remedies")
@bp.route(_PLAN, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def carry_out_remedies(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    plan = await app.audits.tend.carry_out(_audit(req), app_id_of(req), await caller_of(app, req))
    return json_response(bodies.plan(plan), 202, {"Location": f"/api/audits/{plan.audit}/remedies/{plan.app}"})


@bp.function_name("undo_remedies")
@bp.route(f"{_PLAN}/undo", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def undo_remedies(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    plan = await app.audits.tend.undo(_audit(req), app_id_of(req), await caller_of(app, req))
    return json_response(bodies.plan(plan), 202, {"Location": f"/api/audits/{plan.audit}/remedies/{plan.app}"})


@bp.function_name("get_audit_policy")
@bp.route("api/apps/{appId}/audit-policy", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_audit_policy(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    return json_response(bodies.policy(await app.audits.tend.policy(app_id_of(req), caller)))


@bp.function_name("put_audit_policy")
@bp.route("api/apps/{appId}/audit-policy", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def put_audit_policy(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    wanted = bodies.decode_policy(req.get_body())
    return json_response(bodies.policy(await app.audits.tend.write_policy(app_id_of(req), wanted, caller)))


@bp.function_name("list_group_findings")
@bp.route("api/groups/{groupId}/findings", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_group_findings(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller, group = await caller_of(app, req), group_of(req)
    audit, page = await app.audits.tend.of_group(
        group, caller, req.params.get("continuation"), page_of(req, 1000, 100)
    )
    link = _next(f"/api/groups/{group}/findings", req, page.continuation)
    return json_response(bodies.findings(audit.id if audit else None, page.findings, link))


@bp.function_name("list_trail")
@bp.route("api/trail", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def list_trail(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    found, after = await app.audits.tend.trail(caller, req.params.get("continuation"), page_of(req, 1000, 100))
    return json_response(bodies.trail_page(found, _next("/api/trail", req, after)))


@bp.function_name("get_trail_file")
@bp.route("api/trail.csv", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint
async def get_trail_file(req: func.HttpRequest) -> func.HttpResponse:
    app = await wiring.app()
    caller = await caller_of(app, req)
    begin = req.params.get("continuation")
    found, after = await app.audits.tend.trail(caller, begin, _LINES)
    return _file(trail_lines(found, headings=begin is None), "trail.csv", "/api/trail.csv", req, after)


@bp.function_name("run_audit")
@bp.queue_trigger(arg_name="message", queue_name="audits", connection="GuestlistStorage")
@step
async def run_audit(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(RunAudit, message.get_body())
    return await (await wiring.app()).audits.run(command)


@bp.function_name("put_right")
@bp.queue_trigger(arg_name="message", queue_name="remedies", connection="GuestlistStorage")
@step
async def put_right(message: func.QueueMessage) -> Outcome:
    command = wiring.decode(PutRight, message.get_body())
    return await (await wiring.app()).audits.put_right(command)


def _audit(req: func.HttpRequest) -> str:
    text: str = req.route_params["auditId"].lower()
    if text != "latest" and (len(text) != 22 or not set(text) <= set("0123456789abcdef")):
        raise Refused(Reason.AUDIT_MISSING)
    return text


def _filter(req: func.HttpRequest) -> FindingFilter:
    """Raises Refused `parameter-invalid`."""
    return FindingFilter(
        severity=_one_of(req, "severity", Severity),
        rule=_one_of(req, "rule", Rule),
        group=GroupId(group) if (group := _guid(req, "group")) else None,
        app=AppId(app) if (app := _guid(req, "app")) else None,
    )


def _one_of[T: (Severity, Rule)](req: func.HttpRequest, name: str, kind: type[T]) -> T | None:
    text = req.params.get(name)
    if not text:
        return None
    try:
        return kind(text)
    except ValueError as e:
        known = ", ".join(each.value for each in kind)
        raise Refused(Reason.PARAMETER_INVALID, f"one of {known} is needed", field=name) from e


def _guid(req: func.HttpRequest, name: str) -> str | None:
    text = req.params.get(name)
    if not text:
        return None
    try:
        return group_id(text)
    except ValueError as e:
        raise Refused(Reason.PARAMETER_INVALID, "a GUID is needed", field=name) from e


def _next(path: str, req: func.HttpRequest, continuation: str | None) -> str | None:
    """The link to the next page, with the filters of this one."""
    if continuation is None:
        return None
    kept = {k: v for k, v in req.params.items() if k in ("severity", "rule", "group", "app", "limit") and v}
    return f"{path}?{urlencode(kept | {'continuation': continuation})}"


def _file(content: bytes, name: str, path: str, req: func.HttpRequest, continuation: str | None) -> func.HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if (link := _next(path, req, continuation)) is not None:
        headers["Link"] = f'<{link}>; rel="next"'
    return func.HttpResponse(content, headers=headers, mimetype="text/csv", charset="utf-8")
