"""The audit's report in a real browser: it says what was found, loads nothing, and everybody can read it."""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from shared.audits.model.records import Audit, Finding, Phase, Plan, PlanState, count
from shared.audits.model.report import DAYS_TO_ACCEPT, LONGER, Past, Report
from shared.audits.report import html
from shared.core.audit_rules import Rule
from shared.core.ids import AppId, AuditId, GroupId
from tests.end_to_end.conftest import AXE, PICTURES, PICTURES_VARIABLE, RULES
from tests.integration.conftest import ADMIN, Tenant, eventually

TRAVEL, EXPENSES, WIKI = (AppId(f"5a000000-0000-4000-8000-00000000000{n}") for n in (1, 2, 3))
NAMES = {TRAVEL: "Contoso Travel", EXPENSES: "Contoso Expenses", WIKI: "Partner Wiki"}
GROUP = GroupId("60000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class Opened:
    """A page, and what it did while it was opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.complaints.append(str(e)))

    def open(self, file: Path) -> None:
        self.page.goto(file.as_uri())
        self.requests = [r for r in self.requests if r != file.as_uri() and not r.startswith("data:")]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    yield Opened(context.new_page())
    context.close()


def findings() -> list[Finding]:
    chance = random.Random(6)  # noqa: S311 - the same people in every picture
    people = [("Ada Lovelace", "ada@fabrikam.com"), ("Grace Hopper", "grace@adatum.com"), ("Cy", "cy@northwind.com")]
    kinds = [
        (Rule.EXPIRED, "the last day was 2026-11-20", 4),
        (Rule.DOMAIN_BLOCKED, "adatum.com", 2),
        (Rule.NOT_INVITED, "no invitation is known", 5),
        (Rule.NEVER_REDEEMED, "invited on 2026-09-30", 11),
        (Rule.NO_SIGN_IN, "last signed in on 2026-07-02", 7),
        (Rule.MEMBERSHIP_MISSING, "made a member on 2026-10-14", 2),
    ]
    found = []
    for rule, detail, n in kinds:
        for number in range(n):
            name, address = people[chance.randrange(3)]
            app = chance.choice([TRAVEL, TRAVEL, EXPENSES, WIKI])
            subject = f"{rule.value}-{number}"
            since = NOW - timedelta(days=chance.randrange(9))
            found.append(Finding(rule, subject, GROUP, app, name, detail, since, address, "Guests", NAMES[app]))
    found.append(
        Finding(Rule.ONE_OWNER, GROUP, GROUP, WIKI, "Wiki guests", "only Oscar Owner", NOW, None, "", NAMES[WIKI])
    )
    return sorted(found, key=lambda f: f.id)


def totals(guests: int, day: int) -> dict[str, int]:
    pending, blocked = 60 - day, 6 + day // 4
    took = dict(zip([name for _, name in DAYS_TO_ACCEPT] + [LONGER], (212, 164, 231, 58, 12), strict=True))
    domains = {"fabrikam.com": guests // 2, "adatum.com": guests // 4, "northwind.com": guests // 8, "contoso.de": 31}
    return {
        "guests": guests,
        "state:accepted": guests - pending - blocked,
        "state:pending": pending,
        "state:blocked": blocked,
        **{f"accepted:{name}": n for name, n in took.items()},
        **{f"domain:{name}": n for name, n in domains.items()},
    }


def a_report(**changes: Any) -> Report:
    found = findings()
    history = []
    for day in range(14):
        at = NOW - timedelta(days=13 - day)
        counts = {"findings": 60 - 2 * day, "severity:high": 12 - day // 2, "severity:medium": 20 - day}
        counts["severity:low"] = counts["findings"] - counts["severity:high"] - counts["severity:medium"]
        past = Audit(AuditId("a" * 22), at, "the timer", Phase.DONE, counts=counts)
        history.append(Past(past, totals(640 + 9 * day, day)))
    counts = count(found) | {"findings": len(found)}
    audit = Audit(AuditId("b" * 22), NOW, "the timer", Phase.DONE, ended_at=NOW + timedelta(minutes=4), apps=3)
    audit = Audit(**{f: getattr(audit, f) for f in audit.__slots__} | {"counts": counts})
    history[-1] = Past(audit, history[-1].totals)
    plans = [
        Plan(audit.id, TRAVEL, GROUP, NAMES[TRAVEL], PlanState.DONE, 4, 412, NOW, "policy"),
        Plan(
            audit.id,
            WIKI,
            GROUP,
            NAMES[WIKI],
            PlanState.HELD,
            31,
            90,
            NOW,
            "policy",
            "31 guests would be touched; 20 is the most",
        ),
    ]
    facts: dict[str, Any] = {
        "audit": audit,
        "totals": history[-1].totals,
        "history": history,
        "findings": found,
        "apps": NAMES,
        "plans": plans,
        "made_at": NOW,
    }
    return Report(**(facts | changes))


def test_the_report_loads_nothing_logs_nothing_and_can_be_read_by_everybody(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(a_report()), encoding="utf-8")
    opened.open(file)
    page = opened.page

    assert (opened.requests, opened.complaints) == ([], [])
    assert page.title() == "Guest audit of 2026-11-24 02:00 UTC"
    assert page.locator("figure").count() == 5
    for n in range(5):
        figure = page.locator("figure").nth(n)
        assert figure.locator("svg[role=img]").get_attribute("aria-label") == figure.locator("h3").inner_text()
        assert figure.locator("svg").bounding_box(), "the chart is there to be seen"
        assert figure.locator("tbody tr").count() > 0, "and there in words"
    assert page.locator("script").count() == 0
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]] == []
    if os.environ.get(PICTURES_VARIABLE):
        page.screenshot(
            path=PICTURES.parent / "report.png", clip={"x": 0, "y": 0, "width": 1200, "height": 1500}, full_page=True
        )


def test_what_the_charts_say_is_what_was_counted(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    report = a_report()
    file.write_text(html(report), encoding="utf-8")
    opened.open(file)

    def rows(figure: int) -> list[list[str]]:
        found = opened.page.locator("figure").nth(figure).locator("tbody tr")
        return [row.locator("th, td").all_inner_texts() for row in found.all()]

    last = report.totals
    assert rows(0)[-1][1:] == [str(last[f"state:{s}"]) for s in ("accepted", "pending", "blocked")]
    assert rows(1) == [[name, str(last[f"accepted:{name}"])] for name in [n for _, n in DAYS_TO_ACCEPT] + [LONGER]]
    assert rows(2)[0] == ["fabrikam.com", str(last["domain:fabrikam.com"])]
    per_app = {row[0]: sum(map(int, row[1:])) for row in rows(3)}
    assert per_app == {name: sum(f.app_name == name for f in report.findings) for name in NAMES.values()}
    assert rows(4)[-1][1:] == [str(report.audit.counts[f"severity:{s}"]) for s in ("high", "medium", "low")]


def test_names_that_are_markup_are_text(opened: Opened, tmp_path: Path) -> None:
    evil = "<script>document.title='x'</script><img src=http://evil.example/x onerror=alert(1)>"
    bad = Finding(Rule.EXPIRED, "1", GROUP, TRAVEL, evil, evil, NOW, evil, evil, evil)
    whole = a_report(findings=[bad], apps={TRAVEL: evil, EXPENSES: evil, WIKI: evil})
    whole = a_report(findings=[bad], apps=whole.apps, totals={**whole.totals, f"domain:{evil}": 999})
    file = tmp_path / "report.html"
    file.write_text(html(whole), encoding="utf-8")
    opened.open(file)

    assert (opened.requests, opened.complaints) == ([], [])
    assert opened.page.title().startswith("Guest audit")
    assert opened.page.locator("img, script, iframe, object").count() == 0
    assert evil in opened.page.locator("body").inner_text()


def test_it_can_be_printed(opened: Opened, tmp_path: Path) -> None:
    file, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    file.write_text(html(a_report()), encoding="utf-8")
    opened.open(file)
    opened.page.pdf(path=paper, format="A4")

    assert paper.read_bytes().startswith(b"%PDF")
    opened.page.emulate_media(media="print")
    wide = opened.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "nothing is cut off at the side"


def test_the_report_of_a_real_audit_opens_without_a_network(opened: Opened, tenant: Tenant, tmp_path: Path) -> None:
    admin = tenant.caller(ADMIN)
    audit = admin.post("/api/audits").raise_for_status().json()["id"]
    states: list[dict[str, Any]] = []

    def is_done() -> bool:
        states.append(admin.get(f"/api/audits/{audit}").json())
        return states[-1].get("state") in ("done", "failed")

    eventually(is_done)
    assert states[-1]["state"] == "done", states[-1]
    answer = admin.get(f"/api/audits/{audit}/report.html").raise_for_status()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]
    file = tmp_path / "report.html"
    file.write_bytes(answer.content)
    opened.open(file)

    assert (opened.requests, opened.complaints) == ([], [])
    assert opened.page.locator("h1").inner_text() == "Guest audit"
    assert opened.page.locator("figure").count() == 5
