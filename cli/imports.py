"""``guestlist import``: a file of guests, from the preview to the file of outcomes; and those that run."""

from __future__ import annotations

import os
import shlex
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from cli.failures import DONE, INTERRUPTED, SOME_FAILED, WAITS_FOR_A_PERSON, Misuse, Unreachable
from cli.files import fetch
from cli.following import Watch
from cli.invitations import AppOption, GroupOption, group_of
from cli.options import command
from cli.session import Session

if TYPE_CHECKING:
    from rich.console import RenderableType

SIZE_LIMIT = 100 * 1024 * 1024
"""Bytes that the platform takes in one request."""
_OVER = frozenset({"done", "cancelled", "undone"})
_OUTCOMES = {
    "new": "invited",
    "inDirectory": "in the directory already: join the group",
    "member": "members already",
    "duplicate": "twice in the file",
    "invalid": "cannot be used",
    "blocked": "of a domain that the app's policy does not admit",
    "notLookedUp": "not looked up",
}
ImportArgument = Annotated[str, typer.Argument(metavar="IMPORT", help="Id of the import.")]


group = typer.Typer(no_args_is_help=True, help="Invite the guests of a file.", rich_markup_mode=None)


@group.command("create")
@command
def create(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: Microsoft's template, or a column of addresses.")
    ],
    group: GroupOption = None,
    app: AppOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and leave it at that.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not follow the import.")] = False,
    results: Annotated[Path | None, typer.Option(help="Where the outcomes go. [FILE.results.csv]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file of outcomes.")] = False,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Of an earlier run that was interrupted: the same import goes on."),
    ] = None,
) -> None:
    """Invite the guests of a file: preview, question, progress, and a file with one outcome per row."""
    _need(file)
    target = results or file.with_name(f"{file.stem}.results.csv")
    if not dry_run and not no_wait:
        _need_free(target, force, "--results")
    path = f"/api/groups/{quote(group_of(session, group, app), safe='')}/imports"
    preview = session.api.upload(path, file, params={"dryRun": "true", "name": file.name}).body
    _draw_preview(session, preview)
    if dry_run:
        session.finish(preview)
    if not yes:
        if not session.may_ask:
            session.tell("Nothing was imported. Go on with --yes.")
            session.finish(preview, WAITS_FOR_A_PERSON)
        if not typer.confirm(f"Import {preview['rows']} rows?", default=False):
            session.finish(preview, WAITS_FOR_A_PERSON)
    begun = _upload(session, path, file, key or str(uuid.uuid4()))
    where = f"guestlist import show {begun['id']} --group {begun['groupId']}"
    if no_wait:
        session.tell(f"The import runs. Come back with: {where}")
        session.finish(begun)
    found = _follow(session, f"{path}/{begun['id']}", begun, where)
    if found["state"] == "paused":
        session.finish(found, WAITS_FOR_A_PERSON)
    again = f"guestlist import results {begun['id']} {shlex.quote(str(target))} --group {begun['groupId']}"
    try:
        fetch(session, f"{path}/{begun['id']}/results", target)
    except KeyboardInterrupt:
        session.tell(f"The outcomes are not here yet. Fetch them with: {again}")
        session.finish(found, INTERRUPTED)
    session.tell(f"One outcome per row: {target}")
    session.finish(found, _code(found))


def _upload(session: Session, path: str, file: Path, key: str) -> dict[str, Any]:
    """Start the import. Where nobody knows whether it began, say how to go on with the same one."""
    try:
        begun: dict[str, Any] = session.api.upload(path, file, key=key, params={"name": file.name}).body
    except (KeyboardInterrupt, Unreachable) as e:
        session.tell("The import may have begun: 'guestlist import list' shows it.")
        session.tell(f"To go on with it, and not begin another, run the same command with: --key {key}")
        if isinstance(e, Unreachable):
            raise
        session.finish(None, INTERRUPTED)
    return begun


@group.command("list")
@command
def list_(session: Session, group: GroupOption = None, app: AppOption = None) -> None:
    """List the imports of a group, the newest first."""
    found = session.api.get(f"{_path(session, group, app)}").body
    for each in found["value"]:
        session.say(f"{each['id']}  {each['state']:10} {each['done']} of {each['rows']} rows  {each['fileName']}")
    session.finish(found)


@group.command("show")
@command
def show(
    session: Session,
    import_id: ImportArgument,
    group: GroupOption = None,
    app: AppOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it is over.")] = False,
) -> None:
    """Show an import, and follow it where asked to."""
    path = f"{_path(session, group, app)}/{quote(import_id, safe='')}"
    found = session.api.get(path).body
    if follow:
        found = _follow(session, path, found, f"guestlist import show {import_id} --group {found['groupId']}")
    else:
        session.draw(_view(found))
    session.finish(found, _code(found) if found["state"] in _OVER else DONE)


@group.command("results")
@command
def results(
    session: Session,
    import_id: ImportArgument,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the outcomes go.")],
    group: GroupOption = None,
    app: AppOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
) -> None:
    """Fetch the file with one outcome per row."""
    _need_free(target, force, "another name")
    fetch(session, f"{_path(session, group, app)}/{quote(import_id, safe='')}/results", target)
    session.finish({"file": str(target)})


@group.command("pause")
@command
def pause(session: Session, import_id: ImportArgument, group: GroupOption = None, app: AppOption = None) -> None:
    """Invite nobody more until it is resumed."""
    _decide(session, import_id, group, app, "pause")


@group.command("resume")
@command
def resume(session: Session, import_id: ImportArgument, group: GroupOption = None, app: AppOption = None) -> None:
    """Go on with a paused import."""
    _decide(session, import_id, group, app, "resume")


@group.command("cancel")
@command
def cancel(session: Session, import_id: ImportArgument, group: GroupOption = None, app: AppOption = None) -> None:
    """Invite nobody more, for good."""
    _decide(session, import_id, group, app, "cancel")


@group.command("undo")
@command
def undo(
    session: Session,
    import_id: ImportArgument,
    group: GroupOption = None,
    app: AppOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and leave it at that.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take back what an import did: its memberships, and the guests it made who never came."""
    path = f"{_path(session, group, app)}/{quote(import_id, safe='')}"
    plan = session.api.post(f"{path}/undo", params={"dryRun": "true"}).body
    session.say(f"{plan['memberships']} memberships would be removed, {plan['guests']} accounts deleted,")
    session.say(
        f"{plan['kept']} accounts kept: their guests have come, or have something else. Until {plan['until']}"
    )
    if dry_run:
        session.finish(plan)
    if not yes and not (session.may_ask and typer.confirm("Undo the import?", default=False)):
        session.tell("Nothing was undone. Go on with --yes.")
        session.finish(plan, WAITS_FOR_A_PERSON)
    begun = session.api.post(f"{path}/undo").body
    where = f"guestlist import show {import_id} --group {begun['groupId']}"
    found = _follow(session, path, begun, where)
    session.finish(found)


def _decide(session: Session, import_id: str, group: str | None, app: str | None, what: str) -> None:
    found = session.api.post(f"{_path(session, group, app)}/{quote(import_id, safe='')}/{what}").body
    session.draw(_view(found))
    session.finish(found)


def _path(session: Session, group: str | None, app: str | None) -> str:
    return f"/api/groups/{quote(group_of(session, group, app), safe='')}/imports"


def _need(file: Path) -> None:
    if not file.is_file():
        raise Misuse(f"There is no file {file}", None, "Check the name", reason="usage")
    size = file.stat().st_size
    if size > SIZE_LIMIT:
        detail = f"{file} has {size:,} bytes; {SIZE_LIMIT:,} are taken"
        raise Misuse("The file is too large for one request", detail, "Split the file", reason="file-too-large")


def _need_free(target: Path, force: bool, otherwise: str) -> None:
    """The outcomes can be written there; `otherwise` says where another place is named."""
    other = "Name another file with --results" if otherwise == "--results" else "Name another file"
    folder = target.parent
    if not folder.is_dir():
        raise Misuse(f"There is no folder {folder}", None, f"Make it. {other} otherwise", reason="usage")
    if target.is_dir():
        raise Misuse(f"{target} is a folder", None, other, reason="usage")
    if target.exists() and not force:
        raise Misuse(f"{target} is there already", None, f"{other}, or overwrite it with --force", reason="usage")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise Misuse(f"{target} cannot be written", None, other, reason="usage")


def _follow(session: Session, path: str, found: dict[str, Any], where: str) -> dict[str, Any]:
    """Watch until it is over. Ctrl-C ends the watching, not the import."""
    wanted = {"undone"} if found["state"] == "undoing" else _OVER
    before = ""
    try:
        with Watch(session) as watch:
            while True:
                line = _line(found)
                watch.show(lambda now=found: _view(now), [line] if line != before else [])  # type: ignore[misc]
                before = line
                if found["state"] in wanted:
                    break
                if found["state"] == "paused":
                    session.tell(f"The import is paused. Go on with: {where.replace(' show ', ' resume ')}")
                    break
                watch.pause()
                found = session.api.get(path).body
    except KeyboardInterrupt:
        session.tell(f"Nobody watches any more, but the import goes on. Come back with: {where}")
        session.finish(found, INTERRUPTED)
    session.draw(_view(found))
    return found


def _line(found: dict[str, Any]) -> str:
    counts = ", ".join(f"{n} {state}" for state, n in found["counts"].items() if n)
    return f"{found['state']}: {found['done']} of {found['rows']} rows ({counts or 'none read yet'})"


def _view(found: dict[str, Any]) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    # A bar draws no line of its own: beside a text it has one.
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=max(1, found["rows"]), completed=found["done"], width=60), _share(found))
    rows: list[RenderableType] = [Text(_line(found)), bar]
    rate, left = found.get("guestsPerSecond"), found.get("secondsLeft")
    if rate is not None:
        rows.append(Text(f"{rate:.1f} guests a second" + (f", {_duration(left)} left" if left is not None else "")))
    if found.get("waitsFor"):
        rows.append(Text(f"waits for: {found['waitsFor']}", style="yellow"))
    rows += [Text(f"  {n} × {reason}", style="red") for reason, n in found["reasons"].items()]
    rows += [Text(f"! {note}", style="yellow") for note in found["notes"]]
    return Group(*rows)


def _share(found: dict[str, Any]) -> str:
    return f"{found['done'] * 100 // max(1, found['rows'])} %"


def _draw_preview(session: Session, preview: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{preview['rows']} rows: what would happen")
    table.add_column("guests", justify="right")
    table.add_column("")
    table.add_column("the first", overflow="fold")
    for outcome, words in _OUTCOMES.items():
        count = preview["counts"].get(outcome, 0)
        if count:
            first = preview["first"].get(outcome, [])[:3]
            shown = "\n".join(f"line {e['line']}: {e['address']}: {e['what']}" for e in first)
            table.add_row(str(count), Text(words), Text(shown))
    session.draw(table)
    for note in preview["notes"]:
        session.tell(f"! {note}")
    session.tell(preview["pace"]["said"])


def _duration(seconds: int) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {round(seconds / size)} {name}"
    return f"{seconds} seconds"


def _code(found: dict[str, Any]) -> int:
    """Not all of the rows became guests: some failed, or nobody was asked any more."""
    left = found["state"] == "cancelled" and (found["done"] < found["rows"] or not found.get("allRead", True))
    bad = found["counts"].get("failed") or found["counts"].get("invalid") or left
    return SOME_FAILED if bad else DONE
