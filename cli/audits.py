"""``guestlist audit``: what the directory, policy and Guestlist say against each other, and what is done about it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from cli.failures import DONE, INTERRUPTED, SOME_FAILED, WAITS_FOR_A_PERSON, Misuse
from cli.files import fetch
from cli.following import Watch
from cli.options import command
from cli.session import Session

if TYPE_CHECKING:
    from rich.console import RenderableType

group = typer.Typer(no_args_is_help=True, help="Audit the guests of the apps that are set up.", rich_markup_mode=None)


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_WORST_FIRST = list(Severity)
_STYLES = {"high": "red", "medium": "yellow", "low": "dim"}
AuditArgument = Annotated[str, typer.Argument(metavar="[AUDIT]", help="Id of the audit.", show_default=True)]
AppArgument = Annotated[str, typer.Argument(metavar="APPID", help="The app's application id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]


@group.command("run")
@command
def run(
    session: Session,
    no_wait: NoWait = False,
    fail_on: Annotated[
        Severity | None, typer.Option("--fail-on", help="End with 1 where there is a finding as bad as this.")
    ] = None,
) -> None:
    """Begin an audit, and follow it to its end."""
    found = session.api.post("/api/audits").body
    if no_wait:
        session.say(f"Audit {found['id']} has begun. Look with: guestlist audit show {found['id']}")
        session.finish(found)
    found = _follow(session, found["id"])
    if found["state"] != "done":
        session.tell(f"The audit failed: {found['detail']}")
        session.finish(found, SOME_FAILED)
    _summary(session, found)
    bad = _WORST_FIRST[: _WORST_FIRST.index(fail_on) + 1] if fail_on else []
    session.finish(found, SOME_FAILED if any(found["bySeverity"].get(s) for s in bad) else DONE)


@group.command("list")
@command
def list_(session: Session, limit: Annotated[int, typer.Option(help="How many at most.")] = 20) -> None:
    """List audits, the newest first."""
    found = session.api.get("/api/audits", limit=str(limit)).body
    from rich.table import Table

    table = Table()
    for title in ("audit", "begun", "by", "state", "findings", *_WORST_FIRST):
        table.add_column(title)
    for each in found["value"]:
        counts = [str(each["bySeverity"].get(s, 0)) if each["findings"] is not None else "" for s in _WORST_FIRST]
        total = "" if each["findings"] is None else str(each["findings"])
        begun = each["startedAt"][:16].replace("T", " ")
        table.add_row(each["id"], begun, each["startedBy"], each["state"], total, *counts)
    session.draw(table)
    session.finish(found)


@group.command("show")
@command
def show(
    session: Session,
    audit: AuditArgument = "latest",
    severity: Annotated[Severity | None, typer.Option(help="Only those as bad as this.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only those of this rule.")] = None,
    app: Annotated[str | None, typer.Option(help="Only those of the app with this application id.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 100,
) -> None:
    """Show what an audit found, the worst first."""
    asked = {"severity": severity, "rule": rule, "app": app}
    filters = {name: str(value) for name, value in asked.items() if value}
    found = session.api.get(_path(audit)).body
    listed = session.api.get(f"{_path(audit)}/findings", **filters, limit=str(limit)).body
    if found["state"] != "done":
        session.tell(f"This audit is {found['state']}{': ' + found['detail'] if found['detail'] else ''}")
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for title in ("", "finding", "who or what", "app", "", "since"):
        table.add_column(title, overflow="fold")
    for each in listed["value"]:
        who = f"{each['name']}\n{each['address']}" if each["address"] else each["name"]
        table.add_row(
            Text(each["severity"], style=_STYLES.get(each["severity"], "")),
            Text(each["title"]),
            Text(who),
            Text(each["appName"] or each["groupName"]),
            Text(each["detail"]),
            each["seenSince"][:10],
        )
    if listed["value"]:
        session.draw(table)
    _summary(session, found)
    if listed["nextLink"]:
        session.tell(f"There are more than these {limit}: ask for more with --limit, or fetch the file with --csv.")
    session.finish({**found, **listed})


@group.command("report")
@command
def report(
    session: Session,
    audit: AuditArgument = "latest",
    output: Annotated[Path | None, typer.Option(help="Where the file goes. [guest-audit-DAY.html or .csv]")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="The findings as a file for spreadsheets instead.")] = False,
    force: Force = False,
) -> None:
    """Fetch the report: one page with charts, which opens without a network and can be printed."""
    found = session.api.get(_path(audit)).body
    kind = "csv" if csv else "html"
    target = output or Path(f"guest-audit-{found['startedAt'][:10]}.{kind}")
    _save(session, found["csv"] if csv else found["report"], target, force=force)
    session.finish({**found, "file": str(target)})


@group.command("change-log")
@command
def change_log(
    session: Session,
    output: Annotated[Path | None, typer.Option(help="Where the file goes. Without it the newest are shown.")] = None,
    force: Force = False,
) -> None:
    """Show, or fetch as a file, what was changed: by which person or rule, what was before and after."""
    if output is not None:
        _save(session, "/api/change-log.csv", output, force=force)
        session.finish({"file": str(output)})
    found = session.api.get("/api/change-log").body
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for title in ("at (UTC)", "who", "what", "about", "before", "after"):
        table.add_column(title, overflow="fold")
    for each in found["value"]:
        cells = (each["who"], each["what"], each["name"], each["before"], each["after"])
        table.add_row(each["at"][:16].replace("T", " "), *(Text(cell) for cell in cells))
    session.draw(table)
    session.finish(found)


@group.command("remedies")
@command
def remedies(session: Session, audit: AuditArgument = "latest") -> None:
    """Show what an audit means to do, or has done, in each app."""
    found = session.api.get(f"{_path(audit)}/remedies").body
    if not found["value"]:
        session.say("Nothing is planned: policy asks for the report alone, or nothing was found.")
    for each in found["value"]:
        why = f": {each['detail']}" if each["detail"] else ""
        session.say(f"{each['appName']} ({each['appId']}): {each['state']}, {each['touched']} guests{why}")
    session.finish(found)


@group.command("apply")
@command
def apply_remedies(
    session: Session, app: AppArgument, audit: AuditArgument = "latest", yes: Yes = False, no_wait: NoWait = False
) -> None:
    """Have what an audit planned in an app done, after showing it."""
    _move(session, _plan_path(audit, app), "", "Do all of this?", yes=yes, no_wait=no_wait)


@group.command("undo")
@command
def undo(
    session: Session, app: AppArgument, audit: AuditArgument = "latest", yes: Yes = False, no_wait: NoWait = False
) -> None:
    """Take back what an audit did in an app: guests are members again, may sign in again, are restored."""
    _move(session, _plan_path(audit, app), "/undo", "Take all of this back?", yes=yes, no_wait=no_wait)


def _move(session: Session, path: str, act: str, question: str, *, yes: bool, no_wait: bool) -> None:
    shown = session.api.get(path, limit="1000").body
    for each in shown["value"]:
        session.say(f"  {each['remedy']:10} {each['name']} {each['address'] or ''} ({each['state']})")
    if not yes:
        if not session.may_ask:
            session.tell("Nothing was done: repeat it with --yes.")
            session.finish(shown, WAITS_FOR_A_PERSON)
        if not typer.confirm(question, default=False):
            session.tell("Nothing was done.")
            session.finish(shown, SOME_FAILED)
    # Fixed to the audit that was shown: `latest` may be another by now.
    fixed = _plan_path(shown["plan"]["auditId"], shown["plan"]["appId"])
    plan = session.api.post(f"{fixed}{act}").body
    if no_wait:
        session.finish(plan)
    with Watch(session) as watch:
        while plan["state"] in ("running", "undoing"):
            watch.show(_going_on, [])
            watch.pause()
            plan = session.api.get(fixed, limit="1").body["plan"]
    done = session.api.get(fixed, limit="1000").body
    failed = [each for each in done["value"] if each["state"] == "failed"]
    for each in failed:
        session.tell(f"{each['name']}: {each['detail']}")
    session.say(f"{plan['state'].capitalize()}.", style="green" if not failed else "")
    session.finish(done, SOME_FAILED if failed else DONE)


def _going_on() -> RenderableType:
    return "Going on …"


def _follow(session: Session, audit: str) -> dict[str, Any]:
    states: list[str] = []

    def view() -> RenderableType:
        return f"Audit {audit}: {states[-1]} …"

    try:
        with Watch(session) as watch:
            while True:
                found: dict[str, Any] = session.api.get(_path(audit)).body
                if found["state"] in ("done", "failed"):
                    return found
                news = [found["state"]] if not states or states[-1] != found["state"] else []
                states += news
                watch.show(view, news)
                watch.pause()
    except KeyboardInterrupt:
        session.tell(f"Nobody watches any more, but the audit goes on. Look with: guestlist audit show {audit}")
        session.finish({"id": audit}, INTERRUPTED)


def _summary(session: Session, found: dict[str, Any]) -> None:
    if found["findings"] is None:
        return
    if not found["findings"]:
        session.say("Nothing was found: every app is as it should be.", style="green")
        return
    parts = ", ".join(f"{n} {s}" for s in _WORST_FIRST if (n := found["bySeverity"].get(s)))
    session.say(f"{found['findings']} findings: {parts}.")
    session.say(f"The report: guestlist audit report {found['id']}")


def _save(session: Session, path: str, target: Path, *, force: bool) -> None:
    """Raises Misuse where the file is there already, or cannot be written."""
    if target.exists() and not force:
        raise Misuse(f"{target} is there already", None, "Name another file with --output, or overwrite with --force")
    if not target.parent.is_dir():
        raise Misuse(f"There is no folder {target.parent}", None, "Make it, or name another file with --output")
    fetch(session, path, target)
    session.say(f"Written to {target}")


def _path(audit: str) -> str:
    return f"/api/audits/{quote(audit, safe='')}"


def _plan_path(audit: str, app: str) -> str:
    return f"{_path(audit)}/remedies/{quote(app, safe='')}"
