"""The report of an audit as one HTML page with charts, as SVG that stands in it: no script, no address that anything
would be loaded from. Beside each chart stands what it shows as a table: for who cannot see it, and for who wants the
numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import pygal
from pygal.style import Style

from shared.audits.model.report import DAYS_TO_ACCEPT, LONGER, MAX_DOMAINS, STATES, Report, by_kind, most
from shared.core.audit_rules import RULES, SEVERITIES, Rule
from shared.core.templates import templates

COLOURS = ("#0f6cbd", "#d83b01", "#8764b8", "#498205", "#616161")
"""Told apart by people who see colours differently; each keeps a contrast of 3:1 on white."""
OF_SEVERITY = ("#b10e1c", "#c9640a", "#616161")
_MAX_LABELS = 15
_WIDTH, _HEIGHT, _ROW = 720, 330, 38


@dataclass(frozen=True, slots=True)
class Chart:
    """`svg` is the picture; `columns` and `rows` say the same in words, `summary` in one sentence."""

    id: str
    title: str
    summary: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def over_time(
    id_: str, title: str, summary: str, days: Sequence[str], series: Mapping[str, Sequence[int]], *, stacked: bool
) -> Chart:
    """How several numbers went on, one point for each audit."""
    colours = COLOURS if stacked else OF_SEVERITY
    chart = (pygal.StackedBar if stacked else pygal.Line)(**_looks(colours), x_label_rotation=30)
    chart.x_labels = list(days)
    # Every label of a long history would cover the next.
    if len(days) > _MAX_LABELS:
        step = -(-len(days) // _MAX_LABELS)
        chart.x_labels = [day if n % step == 0 else "" for n, day in enumerate(days)]
    for name, values in series.items():
        chart.add(name, list(values))
    rows = [[day, *(str(values[n]) for values in series.values())] for n, day in enumerate(days)]
    return Chart(id_, title, summary, _svg(chart, title), ["Audit", *series], rows)


def bars(id_: str, title: str, summary: str, what: str, counts: Mapping[str, int]) -> Chart:
    """A number for each of several things, as lying bars with room for their names."""
    height = 90 + _ROW * max(1, len(counts))
    chart = pygal.HorizontalBar(**_looks(COLOURS), show_legend=False, print_values=True)
    chart.config.height = height
    names = list(reversed(list(counts)))
    chart.x_labels = names
    chart.add(what, [counts[name] for name in names])
    rows = [[name, str(n)] for name, n in counts.items()]
    return Chart(id_, title, summary, _svg(chart, title), ["", what], rows)


def stacks(id_: str, title: str, summary: str, names: Sequence[str], series: Mapping[str, Sequence[int]]) -> Chart:
    """Several numbers for each of several things, on top of one another."""
    chart = pygal.HorizontalStackedBar(**_looks(OF_SEVERITY))
    chart.config.height = 120 + _ROW * max(1, len(names))
    chart.x_labels = list(reversed(names))
    for name, values in series.items():
        chart.add(name, list(reversed(values)))
    rows = [[name, *(str(values[n]) for values in series.values())] for n, name in enumerate(names)]
    return Chart(id_, title, summary, _svg(chart, title), ["App", *series], rows)


def _looks(colours: Sequence[str]) -> dict[str, Any]:
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="#323130",
        foreground_strong="#323130",
        foreground_subtle="#605e5c",
        opacity=".9",
        font_family="Segoe UI, system-ui, sans-serif",
        label_font_size=15,
        major_label_font_size=15,
        legend_font_size=16,
        value_font_size=14,
        value_colors=("white",) * len(colours),
        colors=tuple(colours),
    )
    return {
        "style": style,
        "js": [],
        "width": _WIDTH,
        "height": _HEIGHT,
        "legend_at_bottom": True,
        "legend_box_size": 14,
        "include_x_axis": True,
        "integer_labels": True,
        "min_scale": 1,
        "max_scale": 8,
        "stroke_style": {"width": 3},
        "no_data_text": "Nothing to show",
        "value_formatter": _whole,
    }


def _whole(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else ""


def _svg(chart: Any, title: str) -> str:
    tree = chart.render_tree()
    for parent in list(tree.iter()):
        for child in list(parent):
            # The library's tooltips and its own mark: the page says the numbers itself, and runs nothing.
            if not isinstance(child.tag, str) or child.tag.endswith("script"):
                parent.remove(child)
    tree.set("role", "img")
    tree.set("aria-label", title)
    tree.set("focusable", "false")
    return ElementTree.tostring(tree, encoding="unicode")


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
