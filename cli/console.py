"""Where tables and lines for people are drawn. Slow to load: imported when something is."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from cli.visible import visible


class VisibleConsole(Console):
    """Whatever is drawn, its text is visible; Rich's own control codes are not text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
