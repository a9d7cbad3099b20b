"""How a setup looks to people: the checklist, what changed in it, manual tasks, failures, a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.following import STYLES, mark_of

if TYPE_CHECKING:
    from rich.table import Table

    from cli.session import Session

type Checklist = dict[str, Any]


def table(checklist: Checklist, *, whole: bool = True) -> Table:
    """Every step with its state, and what came of it; in full, or so that it fits a terminal while it moves."""
    from rich.table import Table
    from rich.text import Text

    steps = checklist["steps"]
    done = sum(step["state"] == "done" for step in steps)
    drawn = Table(title=f"Setup of {app_of(checklist)}: {done} of {len(steps)} steps done")
    drawn.add_column("", width=1)
    drawn.add_column("step", no_wrap=True)
    drawn.add_column("state", no_wrap=True)
    drawn.add_column("what came of it", overflow="fold")
    for step in steps:
        style = STYLES.get(step["state"], "")
        what = Text(step["title"], style="dim")
        for line in _came_of(step, whole=whole) if whole or step["state"] in ("manual", "failed") else []:
            what.append(f"\n{line}", style="")
        drawn.add_row(
            Text(mark_of(step["state"]), style=style), Text(step["step"]), Text(step["state"], style=style), what
        )
    return drawn


def app_of(checklist: Checklist) -> str:
    """The app's name as found, else as asked for."""
    found, asked = (checklist.get("found") or {}).get("app") or {}, checklist.get("app") or {}
    return str(
        found.get("name") or asked.get("name") or asked.get("template") or asked.get("appId") or checklist["id"]
    )


def _came_of(step: dict[str, Any], *, whole: bool = True) -> list[str]:
    """Without `whole` only what a person should look at among the checks."""
    lines = [f"{each['what']} ({each['kind']} {each['id']})" for each in step.get("changes") or []]
    lines += step.get("notes") or []
    lines += [
        f"{each['state']}: {each['check']}: {each['found']}"
        for each in step.get("checks") or []
        if whole or each["state"] in ("wrong", "attention")
    ]
    said = step.get("confirmedBy")
    if said:
        note = f": {said['note']}" if said.get("note") else ""
        lines.append(f"confirmed by {said.get('name') or said['id']} at {said['at']}{note}")
    if step["state"] == "manual" and step.get("manualTask"):
        lines.append(f"by hand: {step['manualTask']['title']}")
    if step.get("reason"):
        lines.append(_why(step))
    return lines


def _why(step: dict[str, Any]) -> str:
    what = step.get("detail") or step.get("titleOfReason") or ""
    remedy = f" → {step['remedy']}" if step.get("remedy") else ""
    return f"{step['reason']}: {what}{remedy}"


def changes(before: Checklist | None, after: Checklist) -> list[str]:
    """One line for each step whose state is new; steps that merely wait are no news at the start."""
    known = {step["step"]: step["state"] for step in before["steps"]} if before else {}
    lines = []
    for step in after["steps"]:
        old, new = known.get(step["step"], "waiting"), step["state"]
        if new != old:
            lines.append("; ".join([f"{step['step']}: {new}", *_came_of(step, whole=False)]))
    return lines


def open_tasks(checklist: Checklist) -> list[dict[str, Any]]:
    """The steps that wait for a person."""
    return [step for step in checklist["steps"] if step["state"] == "manual"]


def print_task(session: Session, step: dict[str, Any]) -> None:
    """A manual task with everything that it takes to do it."""
    task = step.get("manualTask") or {"title": step["title"]}
    session.say()
    session.say(f"By hand: {task['title']}  [{step['step']}]", style="bold yellow")
    for number, line in enumerate(task.get("instructions") or [], 1):
        session.say(f"  {number}. {line}")
    values = task.get("values") or []
    width = max((len(each["name"]) for each in values), default=0)
    for each in values:
        session.say(f"     {each['name']:{width}}  {each['value']}")
    if task.get("link"):
        session.say(f"  → {task['link']}", style="cyan")


def print_end(session: Session, checklist: Checklist) -> None:
    """The checklist as it stands, and what can be done."""
    session.draw(table(checklist))
    state, setup = checklist["state"], checklist["id"]
    if state == "done":
        session.say(f"Done: {app_of(checklist)} is set up.", style="green")
    elif state == "failed":
        names = ", ".join(step["step"] for step in checklist["steps"] if step["state"] == "failed")
        session.say(f"Failed: {names}. Fix what is named above, then: guestlist setup retry {setup}", style="red")
    elif state == "running":
        session.say(f"It goes on. Look again with: guestlist setup show {setup} --follow")
    for step in open_tasks(checklist):
        session.say(f"When it is done by hand: guestlist setup confirm {setup} {step['step']}")


def print_dry_run(session: Session, said: dict[str, Any]) -> None:
    """What each step would do. Nothing was changed."""
    session.say("Nothing is changed. A setup would do this:", style="bold")
    for step in said["steps"]:
        refused = bool(step.get("reason"))
        session.say()
        state = "failed" if refused else "manual" if step.get("manual") else "done"
        session.say(f"{mark_of(state)} {step['step']}: {step['title']}", style=STYLES[state])
        for line in step.get("wouldDo") or []:
            session.say(f"  would: {line}")
        for line in step.get("alreadyDone") or []:
            session.say(f"  already: {line}")
        for line in step.get("notes") or []:
            session.say(f"  {line}")
        if step.get("manual"):
            task = step.get("manualTask") or {}
            where = f" ({task['link']})" if task.get("link") else ""
            session.say(f"  by hand: {task.get('title') or 'a person has to do it'}{where}")
        if refused:
            session.say(f"  {_why(step)}")
