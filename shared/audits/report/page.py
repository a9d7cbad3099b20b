"""What a report says, as charts, tables and words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.audits.model.report import DAYS_TO_ACCEPT, LONGER, MAX_DOMAINS, STATES, Report, by_kind, most
from shared.audits.report.charts import Chart, bars, over_time, stacks
from shared.core.audit_rules import RULES, SEVERITIES, Rule
from shared.core.templates import templates


def html(report: Report) -> str:
    """One self-contained page: it loads nothing and runs nothing, and can be printed. Names come from outside:
    everything is escaped, in the page and in its charts."""
    found = by_kind(report.audit.counts, "rule")
    values = {
        "report": report,
        "audit": report.audit,
        "counts": report.audit.counts,
        "guests": report.totals.get("guests", 0),
        "severities": [(s.value, report.audit.counts.get(f"severity:{s.value}", 0)) for s in SEVERITIES],
        "rules": [(RULES[Rule(rule)], rule, n) for rule, n in _worst_first(found).items()],
        "charts": _charts(report),
        "findings": [(finding, RULES[finding.rule]) for finding in report.findings],
        "plans": report.plans,
    }
    return templates("shared.audits.report", moment=_moment).get_template("report.html").render(values)


def _worst_first(found: Mapping[str, int]) -> dict[str, int]:
    order = {severity: n for n, severity in enumerate(SEVERITIES)}
    return dict(sorted(found.items(), key=lambda item: (order[RULES[Rule(item[0])].severity], -item[1], item[0])))


def _charts(report: Report) -> list[Chart]:
    totals, counts = report.totals, report.audit.counts
    days = _days([past.audit.started_at for past in report.history])
    guests, pending = totals.get("guests", 0), totals.get("state:pending", 0)
    by_state = {state: [past.totals.get(f"state:{state}", 0) for past in report.history] for state in STATES}
    names = [name for _, name in DAYS_TO_ACCEPT] + [LONGER]
    took = {name: totals.get(f"accepted:{name}", 0) for name in names}
    domains = most(by_kind(totals, "domain"), MAX_DOMAINS)
    apps = list(by_kind(counts, "app"))
    per_app = {s.value: [counts.get(f"{s.value}-of:{app}", 0) for app in apps] for s in SEVERITIES}
    trend = {
        s.value: [past.audit.counts.get(f"severity:{s.value}", 0) for past in report.history] for s in SEVERITIES
    }
    total = counts.get("findings", 0)
    before = report.history[-2].audit.counts.get("findings", 0) if len(report.history) > 1 else None
    titles = [report.apps.get(app, app) for app in apps]  # type: ignore[call-overload]
    return [
        over_time("states", "Guests by state", f"{guests} guests, {pending} of them have not accepted yet.",
                  days, by_state, stacked=True),
        bars("redemption", "Time until an invitation was accepted",
             f"{took[names[0]]} of {sum(took.values())} guests accepted on the same day.", "guests", took),
        bars("domains", "Guests by mail domain", _of_domains(domains, guests), "guests", domains),
        stacks("apps", "Findings by app and severity", f"{total} findings in {len(apps)} apps.", titles, per_app),
        over_time("trend", "Findings over time", _trend(total, before), days, trend, stacked=False),
    ]  # fmt: skip


def _days(begun: Sequence[datetime]) -> list[str]:
    """The day of each audit; with the time of day where there were several on one."""
    days = [f"{at:%Y-%m-%d}" for at in begun]
    return [day if days.count(day) == 1 else f"{at:%Y-%m-%d %H:%M}" for day, at in zip(days, begun, strict=True)]


def _of_domains(domains: Mapping[str, int], guests: int) -> str:
    if not domains:
        return "There are no guests."
    first = next(iter(domains))
    return f"Most of the {guests} guests, {domains[first]}, are of {first}."


def _trend(total: int, before: int | None) -> str:
    if before is None:
        return f"{total} findings; this is the first audit."
    return f"{total} findings; the audit before had {before}."


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
