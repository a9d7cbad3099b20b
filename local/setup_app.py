"""Sets an app of the sample tenant up through Guestlist's API, as an administrator would, and says what happens."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.caller import Caller

APP = "Contoso Expenses"
"""Nobody has set this app up in the sample tenant."""

_POLL_S = 0.25
_MARKS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "manual": ("?", "yellow")}


class NotSetUp(Exception):
    """The app could not be set up; the message says which step failed, and why."""


class Setup:
    """One setup, in the hands of an administrator."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def run(self, console: Console, owner: str, timeout_s: float) -> str:
        """Set the app up, doing a person's part as well; gives the id of the group whose members get into it.

        Raises:
            NotSetUp: a step failed, or it took too long.
            CallFailed: the API answers with something that nobody here can go on with.
        """
        body = {"app": {"name": APP}, "owners": [owner], "group": {"name": f"{APP} guests"}}
        location = f"/api/setups/{(await self._caller.call('POST', '/api/setups', 202, body))['id']}"
        checklist = await self._at_rest(location, timeout_s)
        while checklist["state"] == "waiting-for-person":
            for step in [s for s in checklist["steps"] if s["state"] == "manual"]:
                console.print(_task_panel(step["manualTask"]))
                path = f"{location}/steps/{step['step']}/confirm"
                await self._caller.call("POST", path, 200, {"note": "in the simulator"})
            checklist = await self._at_rest(location, timeout_s)
        console.print(_checklist(checklist))
        if checklist["state"] != "done":
            failed = [s for s in checklist["steps"] if s["state"] == "failed"]
            raise NotSetUp("\n".join(f"{s['title']}: {s['detail']} → {s['remedy']}" for s in failed))
        return str(checklist["found"]["group"]["id"])

    async def _at_rest(self, location: str, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while (found := await self._caller.call("GET", location, 200))["state"] == "running":
            if time.monotonic() > deadline:
                raise NotSetUp(f"The setup still runs after {timeout_s:g} s.")
            await asyncio.sleep(_POLL_S)
        return found


def _task_panel(task: dict[str, Any]) -> Panel:
    """What a person has to do, as the checklist says it."""
    lines = [Text(line) for line in task["instructions"]]
    lines += [Text(f"{value['name']}  {value['value']}", style="bold") for value in task["values"]]
    lines.append(Text(task["link"], style="dim"))
    return Panel(Group(*lines), title=f"By hand, as no API can: {task['title']}", title_align="left")


def _checklist(checklist: dict[str, Any]) -> Table:
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
