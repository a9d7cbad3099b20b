"""``python -m bench.pace.plots``: draws what docs/explanation/pace.md shows of the simulation.

The same code draws the same bytes; a house test compares.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.pace.world import Setting, Weather, World
from shared.pace.import_pace import WRITES_IN_A_FILE

DOCS = Path(__file__).resolve().parents[2] / "docs" / "explanation"
_BIN_S = 15
"""Twenty guests end at once: in less time the steps would hide the rate."""
_MOST = 30
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 300, 52, 48, 744, 256
_STYLE = """<style>
text{fill:#1f2328} .t{font-weight:600} .bg{fill:#fff} .g{stroke:#d0d7de} .n{fill:#57606a}
.lets{fill:none;stroke:#57606a;stroke-width:1.5;stroke-dasharray:6 4} .done{fill:none;stroke:#0969da;stroke-width:2}
.no{fill:#cf222e}
@media (prefers-color-scheme: dark){text{fill:#e6edf3} .bg{fill:#0d1117} .g{stroke:#30363d} .n{fill:#8b949e}
.lets{stroke:#8b949e} .done{stroke:#58a6ff} .no{fill:#f85149}}
</style>"""


class Plot(NamedTuple):
    title: str
    weather: Weather
    seconds: int = 900


PLOTS = {
    "quota": Plot("At the quota", Weather(), 600),
    "other-app": Plot("Another app takes a third", Weather(others=lambda _: 20 / 3)),
    "outage": Plot("Everything is refused for a minute", Weather(broken=lambda t: 200 < t < 260), 600),
    "half": Plot("The quota halves and returns", Weather(quota=lambda t: 10 if 300 < t < 600 else 20)),
}


def drawn(plot: Plot) -> str:
    """The plot as SVG, with more guests than the time is enough for."""
    result = World(Setting(guests=(40_000,), most_s=plot.seconds), plot.weather).run()
    bins = range(0, plot.seconds, _BIN_S)
    done = [result.per_second(start, start + _BIN_S) for start in bins]
    refused = [sum(1 for t in result.refused if s <= t < s + _BIN_S) / _BIN_S for s in bins]

    def x(seconds: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * seconds / plot.seconds

    def y(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(value, _MOST) / _MOST

    def line(style: str, points: Iterable[tuple[float, float]]) -> str:
        return f'<path class="{style}" d="M{" ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in points)}"/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img" aria-labelledby="h">',
        f'<title id="h">{plot.title}: guests per second, and answers 429</title>',
        _STYLE,
        f'<rect class="bg" width="{_WIDTH}" height="{_HEIGHT}"/><text class="t" x="12" y="20">{plot.title}</text>',
        '<text class="n" x="12" y="40">per second</text>',
    ]
    for level in range(0, _MOST + 1, 10):
        parts.append(f'<path class="g" d="M{_LEFT} {y(level):.1f}H{_RIGHT}"/>')
        parts.append(f'<text class="n" x="{_LEFT - 8}" y="{y(level) + 4:.1f}" text-anchor="end">{level}</text>')
    for minute in range(0, plot.seconds // 60 + 1, 2):
        at = f'x="{x(minute * 60):.1f}" y="{_BOTTOM + 18}"'
        parts.append(f'<text class="n" {at} text-anchor="middle">{minute}</text>')
    parts.append(f'<text class="n" x="{_RIGHT}" y="{_BOTTOM + 36}" text-anchor="end">minutes</text>')
    for start, value in zip(bins, refused, strict=True):
        if value:
            size = f'width="{x(_BIN_S) - x(0) - 1:.1f}" height="{_BOTTOM - y(value):.1f}"'
            parts.append(f'<rect class="no" x="{x(start):.1f}" y="{y(value):.1f}" {size}/>')
    parts.append(line("lets", _steps(plot)))
    parts.append(line("done", ((s + _BIN_S / 2, v) for s, v in zip(bins, done, strict=True))))
    parts.append(f'<text x="{x(_BIN_S) + 16:.1f}" y="{_TOP + 12}">the burst: {max(done):.0f} a second</text>')
    for left, style, what in ((300, "done", "guests who are members"), (500, "lets", "flows in")):
        parts.append(f'<path class="{style}" d="M{left} 16h24"/><text x="{left + 30}" y="20">{what}</text>')
    parts.append('<rect class="no" x="640" y="11" width="10" height="10"/><text x="656" y="20">answered 429</text>')
    return "\n".join([*parts, "</svg>", ""])


def _steps(plot: Plot) -> list[tuple[float, float]]:
    """What flows into the bucket for imports, in guests per second: a point before and after each change."""
    flow = [
        0.0 if plot.weather.broken(t) else (plot.weather.quota(t) - plot.weather.others(t)) / WRITES_IN_A_FILE
        for t in range(plot.seconds + 1)
    ]
    changes = [n for n in range(1, len(flow)) if flow[n] != flow[n - 1]]
    points = [(0.0, flow[0]), *((float(n), flow[m]) for n in changes for m in (n - 1, n))]
    return [*points, (float(plot.seconds), flow[-1])]


if __name__ == "__main__":
    for name, plot in PLOTS.items():
        (DOCS / f"pace-{name}.svg").write_text(drawn(plot), encoding="utf-8")
