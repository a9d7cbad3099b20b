"""`guestlist audit`: beginning one, what it found, the report, and what is done about it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.api_server import ApiServer, Reply, problem
from tests.cli.conftest import Run
from tests.cli.recorded import APP_ID

AUDIT = "fe5df1e65dc950c4998c6d"
PATH = f"/api/audits/{AUDIT}"
PLAN = f"{PATH}/remedies/{APP_ID}"


def an_audit(**changes: Any) -> dict[str, Any]:
    facts = {
        "id": AUDIT,
        "state": "done",
        "startedAt": "2026-11-24T02:00:00Z",
        "startedBy": "the timer",
        "endedAt": "2026-11-24T02:04:00Z",
        "apps": 3,
        "isFull": False,
        "findings": 3,
        "bySeverity": {"high": 1, "low": 2},
        "byRule": {"membership-expired": 1, "no-sign-in": 2},
        "detail": None,
        "report": f"{PATH}/report.html",
        "csv": f"{PATH}/findings.csv",
    }
    return facts | changes


def a_finding(**changes: Any) -> dict[str, Any]:
    facts = {
        "id": "00" * 12,
        "severity": "high",
        "rule": "membership-expired",
        "title": "Membership is past its last day",
        "explanation": "",
        "advice": "",
        "subject": "u",
        "name": "Ada [bold]",
        "address": "ada@fabrikam.com",
        "detail": "the last day was 2026-11-20",
        "groupId": "g",
        "groupName": "Guests",
        "appId": APP_ID,
        "appName": "Contoso Travel",
        "seenSince": "2026-11-21T02:00:00Z",
    }
    return facts | changes


def a_plan(plan_state: str = "held", /, **action: Any) -> dict[str, Any]:
    plan: dict[str, Any] = {"auditId": AUDIT, "appId": APP_ID, "appName": "Contoso Travel", "groupId": "g"}
    plan |= {"state": plan_state}
    plan |= {"touched": 31, "guests": 90, "since": "2026-11-24T02:04:00Z", "by": "policy", "detail": "20 is the most"}
    facts = {"id": "a", "remedy": "remove", "rule": "membership-expired", "userId": "u", "name": "Ada"}
    facts |= {"address": "ada@fabrikam.com", "state": "planned", "detail": None} | action
    return {"plan": plan, "value": [facts], "nextLink": None}


def test_an_audit_is_followed_to_its_end(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/audits", Reply(202, an_audit(state="reading", findings=None), {"Location": PATH}))
    api.on(
        f"GET {PATH}",
        an_audit(state="reading", findings=None),
        an_audit(state="evaluating", findings=None),
        an_audit(),
    )

    found = guestlist("audit", "run")

    assert found.exit_code == 0
    assert "reading" in found.stdout
    assert "3 findings: 1 high, 2 low." in found.stdout
    assert f"guestlist audit report {AUDIT}" in found.stdout


@pytest.mark.parametrize(("worst", "code"), [("high", 1), ("medium", 1), ("low", 1)])
def test_a_script_can_be_told_to_fail_on_what_is_bad(guestlist: Run, api: ApiServer, worst: str, code: int) -> None:
    api.on("POST /api/audits", Reply(202, an_audit(), {}))
    api.on(f"GET {PATH}", an_audit())

    assert guestlist("audit", "run", "--fail-on", worst).exit_code == code


def test_what_is_less_bad_does_not_fail(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/audits", Reply(202, an_audit(), {}))
    api.on(f"GET {PATH}", an_audit(bySeverity={"low": 3}))

    assert guestlist("audit", "run", "--fail-on", "medium").exit_code == 0


def test_an_audit_that_failed_says_why(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/audits", Reply(202, an_audit(), {}))
    api.on(f"GET {PATH}", an_audit(state="failed", findings=None, detail="Grant User.Read.All"))

    found = guestlist("audit", "run")

    assert found.exit_code == 1
    assert "Grant User.Read.All" in found.stderr


def test_one_that_runs_already_is_named(guestlist: Run, api: ApiServer) -> None:
    api.on("POST /api/audits", problem(409, "audit-running"))

    found = guestlist("audit", "run", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["reason"] == "audit-running"


def test_findings_are_shown_by_what_is_asked_for(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/audits/latest", an_audit())
    api.on("GET /api/audits/latest/findings", {"auditId": AUDIT, "value": [a_finding()], "nextLink": "/api/audits/x"})

    found = guestlist("audit", "show", "--severity", "high", "--limit", "1")

    assert found.exit_code == 0
    for part in ("Membership is past", "Ada [bold]", "ada@fabrikam.com", "Contoso Travel", "2026-11-21"):
        assert part in found.stdout
    assert "--limit" in found.stderr
    [asked] = api.calls_of("GET", "/api/audits/latest/findings")
    assert asked.query == {"severity": "high", "limit": "1"}


@pytest.mark.parametrize(("more", "kind"), [((), "html"), (("--csv",), "csv")])
def test_the_report_is_fetched_and_nothing_is_overwritten(
    guestlist: Run, api: ApiServer, tmp_path: Path, more: tuple[str, ...], kind: str
) -> None:
    api.on("GET /api/audits/latest", an_audit())
    api.on(f"GET {PATH}/report.html", Reply(200, "<html>", {"Content-Type": "text/html"}))
    first = Reply(200, "id\r\n1\r\n", {"Link": f'<{PATH}/findings.csv?continuation=x>; rel="next"'})
    api.on(f"GET {PATH}/findings.csv", first, Reply(200, "2\r\n", {}))
    file = tmp_path / f"audit.{kind}"

    found = guestlist("audit", "report", "--output", str(file), *more)

    assert found.exit_code == 0
    assert file.read_bytes() == {"html": b"<html>", "csv": b"id\r\n1\r\n2\r\n"}[kind]
    again = guestlist("audit", "report", "--output", str(file), *more)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert guestlist("audit", "report", "--output", str(tmp_path / "no" / "x"), *more).exit_code == 2


def test_audits_are_listed(guestlist: Run, api: ApiServer) -> None:
    api.on("GET /api/audits", {"value": [an_audit(), an_audit(state="evaluating", findings=None)], "nextLink": None})

    found = guestlist("audit", "list")

    assert found.exit_code == 0
    assert AUDIT in found.stdout
    assert "evaluating" in found.stdout


def test_what_is_planned_is_shown_asked_and_done(guestlist: Run, api: ApiServer) -> None:
    api.on(f"GET /api/audits/latest/remedies/{APP_ID}", a_plan())
    api.on(f"POST {PLAN}", Reply(202, a_plan("running")["plan"], {}))
    api.on(f"GET {PLAN}", a_plan("running"), a_plan("done", state="done"))

    refused = guestlist("audit", "apply", APP_ID)
    assert refused.exit_code == 3
    assert "remove     Ada ada@fabrikam.com" in refused.stdout
    found = guestlist("audit", "apply", APP_ID, "--yes")

    assert found.exit_code == 0
    assert "Done." in found.stdout


def test_what_could_not_be_done_is_said(guestlist: Run, api: ApiServer) -> None:
    api.on(f"GET /api/audits/latest/remedies/{APP_ID}", a_plan())
    api.on(f"POST {PLAN}/undo", Reply(202, a_plan("undoing")["plan"], {}))
    api.on(f"GET {PLAN}", a_plan("undone", state="failed", detail="the account is gone for good"))

    found = guestlist("audit", "undo", APP_ID, "--yes")

    assert found.exit_code == 1
    assert "Ada: the account is gone for good" in found.stderr


def test_plans_and_the_trail_are_shown(guestlist: Run, api: ApiServer, tmp_path: Path) -> None:
    api.on("GET /api/audits/latest/remedies", {"value": [a_plan()["plan"]]})
    entry = {"at": "2026-11-24T02:05:00Z", "who": "rule 'membership-expired'", "what": "remove", "name": "Ada"}
    api.on("GET /api/change-log", {"value": [entry | {"before": "member", "after": "no member"}], "nextLink": None})
    api.on("GET /api/change-log.csv", Reply(200, "at\r\n", {}))

    assert "Contoso Travel" in guestlist("audit", "remedies").stdout
    assert "20 is the most" in guestlist("audit", "remedies").stdout
    assert "no member" in guestlist("audit", "change-log").stdout
    file = tmp_path / "trail.csv"
    assert guestlist("audit", "change-log", "--output", str(file)).exit_code == 0
    assert file.read_bytes() == b"at\r\n"
