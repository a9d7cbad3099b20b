"""Watching work that goes on elsewhere: a live view on a terminal, one line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from cli.session import Session

_SHORTEST_S, _LONGEST_S, _GROWTH = 0.2, 3.0, 1.5

STYLES = {
    "done": "green",
    "ok": "green",
    "member": "green",
    "mailed": "green",
    "ready": "cyan",
    "running": "cyan",
    "manual": "yellow",
    "attention": "yellow",
    "parked": "yellow",
    "waiting-for-person": "yellow",
    "failed": "red",
    "refused": "red",
    "wrong": "red",
    "missing": "red",
    "unknown": "dim",
    "waiting": "dim",
}
"""Of the states of the API, of setups, steps, checks and invitations alike."""
_MARKS = {"green": "✓", "red": "✗", "yellow": "!", "cyan": "…", "dim": "·"}


def mark_of(state: str) -> str:
    return _MARKS.get(STYLES.get(state, "cyan"), " ")


class Watch:
    """The view, and the pauses between looks: short after a change, longer while nothing happens."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._live: Live | None = None
        self._view: Callable[[], RenderableType] | None = None
        self._pause_s = _SHORTEST_S
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def show(self, view: Callable[[], RenderableType], changes: Sequence[str]) -> None:
        """`view` draws everything, `changes` tell what is new since the last time."""
        if changes:
            self._pause_s = _SHORTEST_S
        if self._session.console.is_terminal:
            if self._live is None:
                from rich.live import Live

                self._live = Live(console=self._session.console, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(view(), refresh=True)
            return
        for line in changes:
            self._session.say(f"{time.monotonic() - self._started:6.1f} s  {line}")

    def hide(self) -> None:
        """Take the view away, to print or to ask something."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def pause(self) -> None:
        time.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * _GROWTH, _LONGEST_S)


def is_guid(text: str) -> bool:
    import uuid

    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def named(entry: Any) -> str:
    """A person or object as people know it."""
    return str(entry.get("name") or entry.get("id")) if isinstance(entry, dict) else str(entry)
