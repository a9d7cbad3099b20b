"""What people see of a run: the setup of an app, guests moving through their states, then the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.guests import Outcome, text_of

_STYLES = {"member": "green", "mailed": "bold green", "failed": "red", "refused": "red", "parked": "yellow"}
_MARKS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "manual": ("?", "yellow")}
_WIDTH_WITHOUT_TERMINAL = 150


def make_console(*, record: bool = False) -> Console:
    """A console; where there is no terminal it is wide enough for the tables."""
    console = Console(record=record, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


class Progress:
    """A table that moves on a terminal, and one line for each change elsewhere."""

    def __init__(self, console: Console, outcomes: Sequence[Outcome]) -> None:
        self._console = console
        self._outcomes = outcomes
        self._started = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, changed: Sequence[Outcome]) -> None:
        """Show where everybody is; `changed` are those whose state is new."""
        if self._live:
            self._live.update(self._table(), refresh=True)
            return
        for outcome in changed:
            line = f"{self._seconds():5.1f} s  {outcome.guest.address}: {_way(outcome)}"
            self._console.print(Text(line), soft_wrap=True)

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _table(self) -> Table:
        done = sum(outcome.is_final for outcome in self._outcomes)
        table = Table(title=f"{done} of {len(self._outcomes)} guests at their end, {self._seconds():.0f} s")
        table.add_column("guest")
        table.add_column("state")
        for outcome in self._outcomes:
            table.add_row(Text(outcome.guest.address), Text(_way(outcome), style=_STYLES.get(outcome.end, "cyan")))
        return table


def _way(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return f"refused ({outcome.reason})"
    return " → ".join(outcome.states) or "…"


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """Address, end, what was said, direct link."""
    good = sum(outcome.is_as_meant for outcome in outcomes)
    title = f"Outcome: {good} of {len(outcomes)} guests are where the sample means them to be"
    table = Table(title=title, show_lines=True, expand=True)
    table.add_column("", width=1)
    table.add_column("guest", overflow="fold", ratio=3)
    table.add_column("end", no_wrap=True)
    table.add_column("said", overflow="fold", ratio=5)
    table.add_column("direct link to the app", overflow="fold", ratio=6)
    for outcome in outcomes:
        mark = Text("✓", style="green") if outcome.is_as_meant else Text("✗", style="bold red")
        end = Text(outcome.end, style=_STYLES.get(outcome.end, ""))
        table.add_row(mark, Text(outcome.guest.address), end, Text(outcome.explanation), Text(outcome.direct_link))
    return table


def mail_panel(mail: dict[str, Any]) -> Panel:
    """A mail as its reader sees it."""
    to = ", ".join(str(each) for each in mail["to"])
    head = f"From: {mail['from']}\nTo: {to}\nSubject: {mail['subject']}\n\n"
    return Panel(
        Text(head, style="dim") + Text(text_of(mail)), title="The mail with the welcome message", expand=False
    )


def task_panel(task: dict[str, Any]) -> Panel:
    """What a person has to do, as the checklist says it."""
    lines = [Text(line) for line in task["instructions"]]
    lines += [Text(f"{value['name']}  {value['value']}", style="bold") for value in task["values"]]
    lines.append(Text(task["link"], style="dim"))
    return Panel(Group(*lines), title=f"By hand, as no API can: {task['title']}", title_align="left")


def setup_table(checklist: dict[str, Any]) -> Table:
    table = Table(title=f"'{checklist['found']['app']['name']}' is set up for guests", show_lines=False, expand=True)
    table.add_column("", width=1)
    table.add_column("step", ratio=3)
    table.add_column("what was done", overflow="fold", ratio=5)
    for step in checklist["steps"]:
        mark, style = _MARKS.get(step["state"], ("…", "dim"))
        table.add_row(Text(mark, style=style), Text(step["title"]), Text(_what(step)))
    return table


def _what(step: dict[str, Any]) -> str:
    if step["reason"]:
        return f"{step['reason']}: {step['detail']}"
    said = [change["what"] for change in step["changes"]]
    if step["confirmedBy"]:
        said.append(f"confirmed by {step['confirmedBy']['name']}")
    checks = step["checks"]
    if checks and not said:
        good = sum(check["state"] == "ok" for check in checks)
        few = "; ".join(f"{check['check']}: {check['found']}" for check in checks)
        said.append(f"{good} of {len(checks)} checks are well" if len(checks) > 3 else few)
    return "; ".join([*said, *step["notes"]])
