"""Charts as SVG that stands in a page: no script, no address that anything would be loaded from.

Beside each chart stands what it shows as a table: for who cannot see it, and for who wants the numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pygal
from pygal.style import Style

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
