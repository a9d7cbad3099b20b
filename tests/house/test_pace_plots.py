"""The plots in docs/explanation/pace.md are what the simulation draws."""

import re

import pytest

from bench.pace.plots import DOCS, PLOTS, drawn


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_what_the_simulation_draws(name: str) -> None:
    kept = (DOCS / f"pace-{name}.svg").read_text(encoding="utf-8")

    assert drawn(PLOTS[name]) == kept, "draw it again: python -m bench.pace.plots"


def test_the_page_shows_each_plot_and_no_other_is_kept() -> None:
    shown = re.findall(r"\]\((pace-[\w-]+\.svg)\)", (DOCS / "pace.md").read_text(encoding="utf-8"))

    assert sorted(shown) == sorted(f"pace-{name}.svg" for name in PLOTS)
    assert sorted(shown) == sorted(path.name for path in DOCS.glob("pace-*.svg"))
